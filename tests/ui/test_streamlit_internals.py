"""What is relied on of Streamlit's and Starlette's own parts, one test or more for each."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests
from starlette import formparsers
from starlette.datastructures import UploadFile
from starlette.requests import Request
from streamlit import runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec
from streamlit.web.server.server import UPLOAD_FILE_ENDPOINT

from facecore.ui import FIRST_PAGE, TITLE
from facecore.ui.streamlit_internals import UPLOAD_PATH, keep_uploads_in_memory, uploaded_bytes
from tests.conftest import REPOSITORY
from tests.http.conftest import body_of, form, in_a_loop, scope_of_upload
from tests.load.page_session import PageSession
from tests.pages.conftest import PAGES, expect_no_error, visit
from tests.server import Server, server_process

PATIENCE_S = 60.0
MB = 10**6

# The real server, with other times and less room, which tells what sessions have.
_SERVER = """
import sys, threading, time
from dataclasses import replace
from facecore.machine.memory_plan import plan_for
from facecore.ui import server
from facecore.ui.streamlit_internals import uploaded_bytes

def tell():
    told = None
    while True:
        if (now := sorted(uploaded_bytes().values())) != told:
            told = now
            print("held:", told, flush=True)
        time.sleep(0.02)

server.LOST_FOR_S, server._SWEEP_S = float(sys.argv[1]), 0.1
server.memory_plan = lambda: replace(plan_for(1 << 30), upload_bytes=1_500_000)
threading.Thread(target=tell, daemon=True).start()
sys.exit(server.main(sys.argv[2:]))
"""


def test_forms_of_others_stay_in_memory_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the dashboard's start, a file of more than a megabyte goes to no temporary file."""
    asked: list[object] = []

    def note(**how: object) -> io.BytesIO:
        asked.append(how)
        return io.BytesIO()

    monkeypatch.setattr(tempfile, "TemporaryFile", note)
    monkeypatch.setattr(formparsers, "SpooledTemporaryFile", tempfile.SpooledTemporaryFile)

    async def parse() -> int:
        receive = body_of([form(bytes(1_500_000))])
        async with Request(scope_of_upload(), receive).form() as parsed:
            photo = parsed["image"]
            assert isinstance(photo, UploadFile)
            return len(await photo.read())

    assert in_a_loop(parse()) == 1_500_000
    assert len(asked) == 1
    keep_uploads_in_memory()
    assert in_a_loop(parse()) == 1_500_000
    assert len(asked) == 1


def test_file_is_read_without_a_copy() -> None:
    """A form's file that is read as a whole is one piece of memory, however often it is asked."""
    keep_uploads_in_memory()

    async def parse() -> tuple[bytes, bytes, bytes]:
        receive = body_of([form(b"x" * 1_500_000)])
        async with Request(scope_of_upload(), receive).form() as parsed:
            photo = parsed["image"]
            assert isinstance(photo, UploadFile)
            whole = await photo.read()
            await photo.seek(0)
            again = await photo.read()
            await photo.seek(1_499_998)
            return whole, again, await photo.read()

    whole, again, rest = in_a_loop(parse())
    assert whole is again
    assert (len(whole), rest) == (1_500_000, b"xx")


@pytest.mark.slow
def test_uploads_are_kept_off_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening the dashboard has the server keep uploads of any size in memory."""
    monkeypatch.setattr(formparsers, "SpooledTemporaryFile", tempfile.SpooledTemporaryFile)
    visit()
    file = formparsers.SpooledTemporaryFile(max_size=1)  # type: ignore[attr-defined]
    file.write(bytes(2_000_000))
    assert isinstance(file, io.BytesIO)


def test_without_visitors_nothing_is_uploaded() -> None:
    """Outside a server no session has files."""
    assert uploaded_bytes() == {}


def test_uploads_are_counted_by_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit keeps files by session in its manager's memory, and gives their address out."""
    manager = MemoryUploadedFileManager(UPLOAD_FILE_ENDPOINT)
    monkeypatch.setattr(runtime, "exists", lambda: True)
    monkeypatch.setattr(runtime, "get_instance", lambda: SimpleNamespace(uploaded_file_mgr=manager))
    assert uploaded_bytes() == {}
    (urls,) = manager.get_upload_urls("me", ["a.jpg"])
    assert urls.upload_url == f"{UPLOAD_PATH}me/{urls.file_id}"
    for file_id, size in (("1", 2), ("2", 3)):
        file = UploadedFileRec(file_id=file_id, name="a", type="", data=bytes(size))
        manager.add_file("me", file)
    assert uploaded_bytes() == {"me": 5}
    manager.remove_file("me", "1")
    assert uploaded_bytes() == {"me": 3}


@pytest.mark.slow
@pytest.mark.usefixtures("remembered_passes")
@pytest.mark.parametrize(("address", "title"), PAGES.items())
def test_each_page_works_when_opened_first(address: str, title: str) -> None:
    """Whichever link a fresh server gets first, and after a restart, the page is there.

    The test runner starts each run with Streamlit's old automatic pages on, as a
    server does until the navigation has run once.
    """
    app = visit(address)
    for _ in range(2):
        assert app.title.values == [title]
        without = title in ("Monitor", "Engines")
        assert app.sidebar.subheader.values == ([] if without else ["Settings"])
        expect_no_error(app)
        app.run()


@contextmanager
def _serving(folder: Path, lost_for_s: float) -> Iterator[Server]:
    """Serve with room for a file of 1 MB, and not for two; its log says what is held."""

    def inside(command: Sequence[str]) -> list[str]:
        entry = str(REPOSITORY / "streamlit_app.py")
        words = [sys.executable, "-c", _SERVER, str(lost_for_s), entry, "--host=127.0.0.1"]
        return [*words, *(word for word in command if word.startswith("--port="))]

    with server_process(folder / "log", inside=inside) as server:
        yield server


def _held(server: Server) -> str:
    """Return the last that the server told of its sessions' files."""
    return [line for line in server.log.read_text().splitlines() if line.startswith("held:")][-1]


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.slow
def test_a_closed_tab_lets_go_by_the_clock(tmp_path: Path) -> None:
    """The files of a session without a connection go, though no other session comes or goes."""
    with _serving(tmp_path, 1.0) as server:
        with PageSession(server.address) as session:
            assert session.upload("a.jpg", bytes(MB)) == 204
            _until(lambda: _held(server) == f"held: [{MB}]")
            # An open page keeps its own for as long as it likes.
            time.sleep(2)
            assert _held(server) == f"held: [{MB}]"
        _until(lambda: _held(server) == "held: []")


@pytest.mark.slow
def test_a_closed_tab_makes_room_at_once(tmp_path: Path) -> None:
    """Who needs the room of a page that is gone has it long before the clock would give it."""
    with _serving(tmp_path, 3600.0) as server, PageSession(server.address) as other:
        with PageSession(server.address) as session:
            assert session.upload("a.jpg", bytes(MB)) == 204
            assert other.upload("b.jpg", bytes(MB)) == 413
        _until(lambda: other.upload("b.jpg", bytes(MB)) == 204)
        _until(lambda: _held(server) == f"held: [{MB}]")


@pytest.mark.slow
def test_the_environment_is_read_as_streamlit_run_does() -> None:
    """A variable of Streamlit's counts, in the kind its option has; ours go first."""
    program = """
import streamlit as st
from pathlib import Path
from facecore.places import APP_DIR
from facecore.ui.streamlit_internals import configure
configure(APP_DIR / "streamlit_app.py", "127.0.0.1", 8123)
for name in ("baseUrlPath", "maxUploadSize", "port", "headless", "maxMessageSize"):
    print(repr(st.get_option(f"server.{name}")))
"""
    told = {
        "STREAMLIT_SERVER_BASE_URL_PATH": "lab",
        "STREAMLIT_SERVER_MAX_UPLOAD_SIZE": "7",
        "STREAMLIT_SERVER_PORT": "9",
    }
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=REPOSITORY,
        env={**os.environ, **told},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["'lab'", "7", "8123", "True", "20"]


@pytest.mark.slow
def test_every_line_of_the_log_is_json() -> None:
    """Streamlit's and uvicorn's loggers, old and new, warnings and what nobody catches."""
    program = """
import logging, threading, warnings
from streamlit.logger import get_logger
from facecore.serving.logs import log_in_json
from facecore.ui.streamlit_internals import hand_lines_on
old = get_logger("streamlit.old")
logging.getLogger("uvicorn.error").addHandler(logging.StreamHandler())
log_in_json()
hand_lines_on()
old.info("a")
get_logger("streamlit.new").warning("b")
logging.getLogger("uvicorn.error").warning("c")
warnings.warn("d")
threading.Thread(target=lambda: 1 / 0).start()
logging.getLogger("facecore.http").error("f\\ng \\ud800", exc_info=ValueError("h"))
logging.getLogger("somebody").info("not for a log of warnings")
"""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    names = ["streamlit.old", "streamlit.new", "uvicorn.error", "py.warnings"]
    names += ["facecore.serving.logs", "facecore.http"]
    assert [line["logger"] for line in lines] == names
    assert "ZeroDivisionError" in lines[4]["exception"]
    assert (lines[5]["message"], lines[5]["level"]) == ("f\ng \ud800", "ERROR")
    assert lines[5]["exception"] == "ValueError: h"


@pytest.mark.slow
def test_the_document_of_every_page_is_ours(held_server: Server) -> None:
    """Its tab has our title at once, and room is kept for what comes after it."""
    for path in ("/", "/batch", "/?confidence=0.5"):
        answer = requests.get(
            held_server.address + path, headers={"Accept": "text/html"}, timeout=60
        )
        assert answer.status_code == 200
        assert f"<title>{TITLE}</title>" in answer.text
        assert "stAppViewContainer" in answer.text
        # A browser that has Streamlit's own from before may not go on with it.
        known = {"If-None-Match": answer.headers["ETag"], "Accept": "text/html"}
        again = requests.get(held_server.address + path, headers=known, timeout=60)
        assert again.status_code == 200


@pytest.mark.slow
def test_the_first_page_has_its_name_too(held_server: Server) -> None:
    """``/analyze`` leads to it with the link's settings, where Streamlit would say "not found"."""
    answer = requests.get(
        f"{held_server.address}/{FIRST_PAGE}?confidence=0.5",
        headers={"Accept": "text/html"},
        timeout=60,
    )
    assert answer.history[0].status_code == 307
    assert answer.url == f"{held_server.address}/?confidence=0.5"
