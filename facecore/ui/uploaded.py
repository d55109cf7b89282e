"""Letting uploaded files go that no page shows or uses any more."""

from __future__ import annotations

from collections.abc import Iterator

from streamlit.runtime.scriptrunner import get_script_run_ctx

from facecore.ui import state

_UPLOADERS = ("uploads", "camera", "batch_uploads", "truth_files", "experiment_files")


def let_go_of_unused_files() -> None:
    """Have the server forget this session's files that nothing needs any more.

    By itself it forgets a file when its cross is clicked or the session ends; where the
    uploader has gone with its page, there is no cross, and its bytes would go on counting.
    To be called as a run begins, when each uploader that is on the page has its files.
    """
    needed = {*_shown(), *state.used_files()}
    unused = state.swap_known_files(needed) - needed
    context = get_script_run_ctx()
    # Only the manager that keeps files in memory has a way to remove one.
    remove = getattr(context and context.uploaded_file_mgr, "remove_file", None)
    if context is not None and remove is not None:
        for file_id in unused:
            remove(context.session_id, file_id)


def _shown() -> Iterator[str]:
    for key in _UPLOADERS:
        files = state.widget_value(key) or []
        yield from (file.file_id for file in (files if isinstance(files, list) else [files]))
