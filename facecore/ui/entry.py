"""The entry of the dashboard: page set-up, navigation, settings, then the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import streamlit as st

from facecore.ui import FIRST_PAGE, TITLE, state
from facecore.ui.batch.run import batch_sign
from facecore.ui.compare.run import experiment_sign
from facecore.ui.components import friendly_errors
from facecore.ui.engines.run import engines_sign
from facecore.ui.optimise.run import optimise_sign
from facecore.ui.profile.link import link_language
from facecore.ui.profile.take_along import UPLOADER, settings_notes
from facecore.ui.sidebar import settings_sidebar
from facecore.ui.streamlit_internals import forget_files, keep_uploads_in_memory
from facecore.ui.tune.run import tune_sign
from facecore.wording import _, language

_ICON = Path(__file__).with_name("favicon.png")
_ICONS = {
    FIRST_PAGE: "familiar_face_and_zone",
    "live": "videocam",
    "batch": "photo_library",
    "tune": "tune",
    "compare": "compare_arrows",
    "optimise": "rocket_launch",
    "monitor": "monitoring",
    "models": "network_node",
    "engines": "speed",
}
_WITHOUT_SETTINGS = ("monitor", "engines")
# Streamlit writes on its main button in white, whatever the theme's accent, and says that every
# document is English.
_EACH_PAGE = """<style>
[data-testid^="stBaseButton-primary"] {color: light-dark(#fff, #0f1717)}
</style>
<script>document.documentElement.lang = "LANGUAGE"</script>"""
_UPLOADERS = (
    "camera",
    "batch_uploads",
    "tune_uploads",
    "truth_files",
    "experiment_files",
    UPLOADER,
)


def dashboard(folder: Path) -> None:
    """Draw the page that the address names, with the settings beside it.

    Args:
        folder: has a file for each page, named like its address. Those that are in no
            order of ours come last.
    """
    keep_uploads_in_memory()
    link_language()
    others = {file.stem for file in folder.glob("*.py")} - set(_ICONS)
    page = st.navigation(
        [
            st.Page(
                folder / f"{name}.py",
                title=_(name.capitalize()),
                icon=f":material/{_ICONS.get(name, 'web_asset')}:",
                url_path=name,
            )
            for name in (*_ICONS, *sorted(others))
        ]
    )
    st.set_page_config(f"{page.title} · {_(TITLE)}", _ICON, "wide")
    st.html(_EACH_PAGE.replace("LANGUAGE", language()), unsafe_allow_javascript=True)
    with friendly_errors():
        _let_go_of_unused_files()
        # Above the settings, so that they are in sight.
        experiment_sign()
        batch_sign()
        engines_sign()
        tune_sign()
        optimise_sign()
        acting = page.url_path not in _WITHOUT_SETTINGS
        state.current_settings.keep(settings_sidebar(draw=acting))
        settings_notes()
        page.run()


def _let_go_of_unused_files() -> None:
    """Have the server forget this session's files that nothing needs any more.

    By itself it forgets a file when its cross is clicked or the session ends; where the
    uploader has gone with its page, there is no cross, and its bytes would go on counting.
    To be called as a run begins, when each uploader that is on the page has its files.
    """
    needed = frozenset({*_shown(), *state.used_files()})
    forget_files(state.known_files() - needed)
    state.known_files.keep(needed)


def _shown() -> Iterator[str]:
    for key in (state.uploads_key(), *_UPLOADERS):
        files = state.widget_value(key) or []
        yield from (file.file_id for file in (files if isinstance(files, list) else [files]))
