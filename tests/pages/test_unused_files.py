"""Uploaded files are let go when nothing shows or uses them any more, and not before."""

from __future__ import annotations

import pytest
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.testing.v1 import AppTest

from tests.batch.conftest import grey_png
from tests.pages.conftest import TIMEOUT_S, expect_no_error, go_to, upload, visit

PHOTOS = {"a.png": grey_png(40), "b.png": grey_png(50)}
TABLE = ("boxes.csv", b"file,x1,y1,x2,y2\na.png,1,1,9,9\n", "text/csv")


@pytest.fixture
def gone(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the files that the server was told to forget, as it is told."""
    told: list[str] = []
    forget = MemoryUploadedFileManager.remove_file

    def note(self: MemoryUploadedFileManager, session_id: str, file_id: str) -> None:
        told.append(file_id)
        forget(self, session_id, file_id)

    monkeypatch.setattr(MemoryUploadedFileManager, "remove_file", note)
    return told


def _click(app: AppTest, label: str) -> AppTest:
    (button,) = [button for button in app.button if button.label == label]
    return button.click().run()


def _in(app: AppTest, key: str) -> list[str]:
    return [file.file_id for file in app.session_state[key]]


def test_files_of_a_batch_go_with_it(gone: list[str]) -> None:
    """They are kept as long as the batch is, on any page, and let go by New batch."""
    app = visit("batch")
    app.file_uploader(key="batch_uploads").set_value(
        [(name, data, "image/png") for name, data in PHOTOS.items()]
    )
    files = _in(app.run(), "batch_uploads")
    assert len(files) == 2
    app.button(key="batch_start").click().run()
    assert app.session_state["facecore.batch"].wait(TIMEOUT_S)
    for page in ("Monitor", "Monitor", "Batch"):
        go_to(app, page)
    assert gone == []
    app.button(key="batch_new").click().run()
    assert sorted(gone) == sorted(files)
    expect_no_error(app)


def test_own_photos_go_when_they_are_removed(gone: list[str]) -> None:
    """Photos whose uploader went with its page stay in use until they are removed."""
    app = upload(visit(), PHOTOS)
    files = _in(app, "uploads")
    for page in ("Monitor", "Monitor", "Analyze"):
        go_to(app, page)
    assert gone == []
    _click(app, "Remove my 2 photos")
    assert sorted(gone) == sorted(files)
    expect_no_error(app)


def test_own_photos_go_when_others_come(gone: list[str]) -> None:
    """New photos in a new uploader replace those of the one that went."""
    app = upload(visit(), {"a.png": PHOTOS["a.png"]})
    old = _in(app, "uploads")
    for page in ("Monitor", "Monitor", "Analyze"):
        go_to(app, page)
    upload(app, {"b.png": PHOTOS["b.png"]}).run()
    assert gone == old
    expect_no_error(app)


def test_file_in_sight_stays(gone: list[str]) -> None:
    """Files that an uploader shows are kept though no photo is read from them, until it goes."""
    app = upload(visit(), PHOTOS)
    files = _in(app, "uploads")
    app.toggle(key="use_camera").set_value(True).run()
    app.camera_input(key="camera").upload("c.jpg", PHOTOS["a.png"]).run()
    app.run()
    assert [photo.source for photo in app.session_state["facecore.own_photos"]] == ["camera"]
    assert gone == []
    for _ in range(2):
        go_to(app, "Monitor")
    assert sorted(gone) == sorted(files)
    expect_no_error(app)


@pytest.mark.parametrize(
    ("page", "key", "file"),
    [
        ("Tune", "truth_files", TABLE),
        ("Compare", "experiment_files", ("x.json", b"{}", "application/json")),
    ],
)
def test_tables_and_experiments_go_with_their_uploader(
    gone: list[str], page: str, key: str, file: tuple[str, bytes, str]
) -> None:
    """What is read once, when it comes, is not needed any more on another page."""
    app = go_to(visit(), page)
    app.file_uploader(key=key).set_value([file])
    files = _in(app.run(), key)
    app.run()
    assert gone == []
    for _ in range(2):
        go_to(app, "Monitor")
    assert gone == files
