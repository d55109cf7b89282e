"""All that reaches into parts of Streamlit and Starlette that they do not promise to keep.

``tests/ui/test_streamlit_internals.py`` says of each what it relies on: where an upgrade
changes one, it is this file that has to change, and no other.
"""

from __future__ import annotations

import html
import io
import logging
import time
from collections.abc import Collection, Mapping
from pathlib import Path

import click
import streamlit as st
import streamlit.logger
from starlette import formparsers
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config, runtime
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.web import bootstrap, cli

UPLOAD_PATH = "/_stcore/upload_file/"
"""Where Streamlit's browser part sends files: then comes the session's id, "/", the file's."""


def configure(entry: Path, address: str, port: int) -> None:
    """Have Streamlit read its settings as ``streamlit run`` does: files, then the environment."""
    told: dict[str, object] = {}
    # Its command knows the name and the kind of every STREAMLIT_… variable.
    command = click.command(cli.configurator_options(lambda **options: told.update(options)))
    command.main([], standalone_mode=False)
    config._main_script_path = str(entry)
    bootstrap.load_config_options(
        told | {"server_address": address, "server_port": port, "server_headless": True}
    )


def hand_lines_on() -> None:
    """Have Streamlit's loggers leave their lines to the process's own form of log."""

    def without_a_form(logger: logging.Logger) -> None:
        logger.handlers.clear()
        logger.propagate = True

    streamlit.logger.setup_formatter = without_a_form
    streamlit.logger.update_formatter()


def close_lost_sessions(lost_for_s: float) -> None:
    """Close the sessions that have had no connection for so long, seconds; 0 closes all of them.

    Streamlit lets them go, with their files and what they remember, only when the next
    session is lost. To be called again and again: time counts from the call that first
    finds a session without its connection.
    """
    if not runtime.exists():
        return
    running, now_s = runtime.get_instance(), time.monotonic()
    lost = {
        info.session.id
        for info in running._session_mgr.list_sessions()
        if not running.is_active_session(info.session.id)
    } | {session for session in uploaded_bytes() if not running.is_active_session(session)}
    for session in _LOST_SINCE_S.keys() - lost:
        del _LOST_SINCE_S[session]
    for session in lost:
        if now_s - _LOST_SINCE_S.setdefault(session, now_s) >= lost_for_s:
            running.close_session(session)
            running.uploaded_file_mgr.remove_session_files(session)


# Before the sidebar is there its 300 pixels are kept free, where it is not drawn above the
# page; its settings are seen when the pages' links above them are; pages are wide from the
# beginning; an uploader begins as the row that it is once its width was measured; and a
# control's grey bar is as high as most of the controls are, which in the page is between that
# of a button and that of a slider; the choice of the model set, with its notes, is higher, and
# so is a photo, whose own shape comes a little later than its place.
_ROOM = b"""<style>
@media (min-width: 769px) {
  [data-testid="stAppViewContainer"]:not(:has([data-testid="stSidebar"])) {
    padding-left: 300px;
  }
  body [data-testid="stMain"] [data-testid="stFileUploaderDropzone"] {
    flex-direction: row; align-items: center;
  }
}
[data-testid="stSidebarContent"]:not(:has([data-testid="stSidebarNav"]))
  [data-testid="stSidebarUserContent"] { visibility: hidden; }
body [data-testid="stMainBlockContainer"] { max-width: none; }
[data-testid="stSkeleton"] { min-height: 3.25rem; }
[data-testid="stSidebar"] [data-testid="stSkeleton"] { min-height: 4.25rem; }
[data-testid="stSidebar"] .st-key-model_set [data-testid="stSkeleton"] { min-height: 12rem; }
:where([class*="_place"]:has([data-testid="stSkeleton"])) {
  aspect-ratio: 3 / 2; max-height: min(80vh, 46rem);
  padding-bottom: 2.4rem; box-sizing: content-box;
}
</style>"""
_LOST_SINCE_S: dict[str, float] = {}


def run_through_entry() -> None:
    """Run again, through the entry, where Streamlit opened a page's file by itself.

    Until ``st.navigation`` has run once in a server, Streamlit takes the files in ``pages/``
    for its pages and runs the one that the address names alone, without the entry.
    """
    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()


def uploaded_bytes() -> Mapping[str, int]:
    """Return what each session's uploaded files take now, by the session's id."""
    if not runtime.exists():
        return {}
    # Where an upgrade takes this away, no upload may pass uncounted: better an error.
    storage = runtime.get_instance().uploaded_file_mgr.file_storage  # type: ignore[attr-defined]
    return {
        session: sum(len(record.data) for record in list(files.values()))
        for session, files in list(storage.items())
    }


def forget_files(file_ids: Collection[str]) -> None:
    """Have the server forget files of the session that runs, whose uploaders do not show them."""
    context = get_script_run_ctx()
    # Only the manager that keeps files in memory has a way to remove one.
    remove = getattr(context and context.uploaded_file_mgr, "remove_file", None)
    if context is not None and remove is not None:
        for file_id in file_ids:
            remove(context.session_id, file_id)


def base_path() -> str:
    """Return what the addresses of this server's own pages begin with, such as "/faces", or ""."""
    name = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{name}" if name else ""


def media_url(data: bytes, mime_type: str, key: str) -> str:
    """Return the address, on this server, of what a page of the session that runs is to load.

    It is there for as long as each of the session's runs asks for it, as with ``st.image``.

    Args:
        data: a file's bytes.
        mime_type: what it is, such as "image/jpeg".
        key: names the place on the page; another file there takes this one's place.
    """
    if not runtime.exists():
        return ""
    return base_path() + runtime.get_instance().media_file_mgr.add(data, mime_type, key)


def session_id() -> str:
    """Return Streamlit's name of the session that runs; "" outside of any."""
    context = get_script_run_ctx(suppress_warning=True)
    return context.session_id if context is not None else ""


def is_connected(session: str) -> bool:
    """Return whether a page of a session, by its id, is open now."""
    return runtime.exists() and runtime.get_instance().is_active_session(session)


def take_files(former: str, file_ids: Collection[str]) -> None:
    """Let uploaded files of another session be the running one's, and be counted as its own."""
    if not runtime.exists():
        return
    storage = runtime.get_instance().uploaded_file_mgr.file_storage  # type: ignore[attr-defined]
    for file_id in file_ids:
        record = storage.get(former, {}).pop(file_id, None)
        if record is not None:
            storage[session_id()][file_id] = record


class MemoryFile(io.BytesIO):
    """Where a form's file is kept; read as a whole, it gives its bytes without a copy."""

    # What starlette asks to know whether a file has gone to the disk.
    _rolled = False

    def __init__(self, max_size: int = 0) -> None:
        """Make an empty file; it stays in memory however large it becomes."""
        del max_size
        super().__init__()

    def read(self, size: int | None = -1) -> bytes:
        """Return what is left, or so many bytes of it."""
        if self.tell() or not (size is None or size < 0):
            return super().read(size)
        self.seek(0, io.SEEK_END)
        return self.getvalue()


def keep_uploads_in_memory() -> None:
    """Keep the files of every form in this process, the HTTP API's as well, off the disk.

    The dashboard's server holds them in memory anyway, once they are there; starlette's
    own kind of file goes to the disk from 1 MB on, and is copied when it is read.
    """
    formparsers.SpooledTemporaryFile = MemoryFile  # type: ignore[assignment, attr-defined]


class FirstDocument:
    """Gives the document in which every page begins our title, and room for the sidebar.

    Streamlit moves all of a page aside when its sidebar comes, and pushes what is below a
    control down when the control takes the place of its grey bar.
    """

    def __init__(self, app: ASGIApp, title: str, first_page: str) -> None:
        """Put it before an application whose first page has the title and, in its link, no name."""
        self._app = app
        self._title = f"<title>{html.escape(title)}</title>".encode()
        self._first_page = f"/{first_page}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is asked; a document is changed on its way back."""
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
        if "text/html" not in headers.get("Accept", "") or "Range" in headers:
            await self._app(scope, receive, send)
        elif scope["path"].removeprefix(scope.get("root_path", "")) == self._first_page:
            # Streamlit knows its first page by the root alone, and says that this is not found.
            query = scope["query_string"].decode("latin-1")
            await RedirectResponse(f"./?{query}" if query else "./")(scope, receive, send)
        else:
            plain = MutableHeaders(headers)
            del plain["Accept-Encoding"]
            # What we add may have changed where Streamlit's file has not.
            del plain["If-None-Match"], plain["If-Modified-Since"]
            await self._app({**scope, "headers": plain.raw}, receive, self._changed(send))

    def _changed(self, send: Send) -> Send:
        started: list[Message] = []
        body = bytearray()

        async def send_changed(message: Message) -> None:
            if message["type"] == "http.response.start":
                kind = Headers(raw=message["headers"]).get("Content-Type", "")
                if kind.startswith("text/html") and message["status"] == 200:
                    started.append(message)
                    return
            elif started:
                body.extend(message.get("body", b""))
                if message.get("more_body", False):
                    return
                message["body"] = bytes(body).replace(b"<title>Streamlit</title>", self._title, 1)
                message["body"] = message["body"].replace(b"</head>", _ROOM + b"</head>", 1)
                MutableHeaders(scope=started[0])["Content-Length"] = str(len(message["body"]))
                await send(started.pop())
            await send(message)

        return send_changed
