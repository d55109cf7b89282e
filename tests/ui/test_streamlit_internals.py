"""What is relied on of Streamlit's and Starlette's own parts, one test or more for each."""

from __future__ import annotations

import io
import tempfile
from types import SimpleNamespace

import pytest
from starlette import formparsers
from starlette.datastructures import UploadFile
from starlette.requests import Request
from streamlit import runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec
from streamlit.web.server.server import UPLOAD_FILE_ENDPOINT

from facecore.ui.streamlit_internals import UPLOAD_PATH, keep_uploads_in_memory, uploaded_bytes
from tests.http.conftest import body_of, form, in_a_loop, scope_of_upload
from tests.pages.conftest import PAGES, expect_no_error, visit


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
@pytest.mark.parametrize(("address", "title"), PAGES.items())
def test_each_page_works_when_opened_first(address: str, title: str) -> None:
    """Whichever link a fresh server gets first, and after a restart, the page is there.

    The test runner starts each run with Streamlit's old automatic pages on, as a
    server does until the navigation has run once.
    """
    app = visit(address)
    for _ in range(2):
        assert app.title.values == [title]
        assert app.sidebar.subheader.values == ["Settings"]
        expect_no_error(app)
        app.run()
