"""Photos of the visitor's own: kept over pages, told apart, forgotten; and running again."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from facecore.imaging.decoding import decode_image, encode_jpeg
from facecore.imaging.headers import read_header
from facecore.settings import RuntimeOptions
from facecore.ui.photos import SessionPhotos
from facecore.ui.readings import CROP_SIDE_PX
from tests.pages.conftest import expect_no_error, go_to, metrics, upload, visit


def _click(app: AppTest, label: str) -> AppTest:
    (button,) = [button for button in app.button if button.label == label]
    return button.click().run()


def _labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def _kept(app: AppTest) -> SessionPhotos:
    photos: SessionPhotos = app.session_state["facecore.photos"]
    return photos


def _runs(app: AppTest) -> list[tuple[str, str]]:
    """Return photo and reused stages of each run, oldest first."""
    table = go_to(app, "Monitor").dataframe[0].value.iloc[::-1]
    return list(zip(table["photo"], table["reused_stages"], strict=True))


@pytest.mark.parametrize("page", ["Monitor", "Models"])
def test_uploads_stay_when_another_page_was_open(astronaut_file: bytes, page: str) -> None:
    """Coming back from another page, the upload is still shown, and is not read again."""
    app = upload(visit(), {"mine.png": astronaut_file})
    go_to(go_to(app, page), "Analyze")
    assert metrics(app)["Faces"] == "1"
    assert "Run 2 of this session, by ONNX Runtime." in app.caption.values
    assert "Remove my photo" in _labels(app)
    expect_no_error(app)


def test_photos_that_stayed_can_be_removed(astronaut_file: bytes, hopper_file: bytes) -> None:
    """The button that removes them brings the sample back and forgets all of them."""
    app = upload(visit(), {"a.png": astronaut_file, "b.jpg": hopper_file})
    assert "**2 of 2 photos could be read**" in app.markdown.values
    keys = [photo.key for photo in app.session_state["facecore.own_photos"]]
    go_to(go_to(app, "Models"), "Analyze")
    assert "**2 of 2 photos could be read**" in app.markdown.values
    assert all(_kept(app).reading(key) for key in keys)
    _click(app, "Remove my 2 photos")
    assert metrics(app)["Faces"] == "8"
    assert app.session_state["facecore.own_photos"] == ()
    assert [_kept(app).reading(key) for key in keys] == [None, None]
    expect_no_error(app)


def test_removed_uploads_are_forgotten(astronaut_file: bytes, hopper_file: bytes) -> None:
    """A file that is taken out of the uploader leaves no answer and no pixels behind."""
    app = upload(visit(), {"mine.png": astronaut_file})
    (old,) = [photo.key for photo in app.session_state["facecore.own_photos"]]
    upload(app, {"other.jpg": hopper_file})
    (new,) = [photo.key for photo in app.session_state["facecore.own_photos"]]
    options = app.session_state["facecore.settings"][1]
    assert _kept(app).reading(old) is None
    assert _kept(app).opened(old, options) is None
    assert _kept(app).opened(new, options) is not None
    app.file_uploader(key="uploads").set_value(None)
    app.run()
    assert _kept(app).reading(new) is None
    assert _kept(app).opened(new, options) is None
    assert _kept(app).reading("sample:figures") is not None


def test_a_sample_and_back_to_my_photo(astronaut_file: bytes) -> None:
    """Choosing a sample shows it, and a button leads back to the upload, which is not read anew."""
    app = upload(visit(), {"mine.png": astronaut_file})
    app.selectbox(key="sample").set_value("sample:hopper").run()
    assert any(text.startswith("Photo: ") for text in app.caption.values)
    assert "Run 3 of this session, by ONNX Runtime." in app.caption.values
    _click(app, "Back to my photo")
    assert not any(text.startswith("Photo: ") for text in app.caption.values)
    assert "Run 2 of this session, by ONNX Runtime." in app.caption.values
    expect_no_error(app)


def test_uploads_of_one_name_can_be_told_apart(astronaut_file: bytes, hopper_file: bytes) -> None:
    """The second file of a name gets a number, on the page and in the runs."""
    app = visit()
    chosen = [
        ("a.jpg", astronaut_file, "application/octet-stream"),
        ("a.jpg", hopper_file, "application/octet-stream"),
    ]
    app.file_uploader(key="uploads").set_value(chosen)
    app.run()
    tiles = [one.label for one in app.button if str(one.key).startswith("photos_")]
    assert tiles == ["a\\.jpg", "a\\.jpg \\(2\\)"]
    assert [name for name, _ in _runs(app)] == ["figures.png", "a.jpg", "a.jpg (2)"]


def test_run_again_reads_from_the_beginning(astronaut_file: bytes) -> None:
    """The button adds a run that took nothing over, though settings and photo are the same."""
    app = upload(visit(), {"mine.png": astronaut_file})
    _click(app, "Run again")
    assert metrics(app)["Faces"] == "1"
    assert any(text.startswith("Run 3 of this session") for text in app.caption.values)
    assert _runs(app) == [("figures.png", ""), ("mine.png", ""), ("mine.png", "")]
    assert app.session_state["facecore.own_photos"] != ()
    expect_no_error(app)


def test_runs_are_compared_with_the_same_photos_only(astronaut_file: bytes) -> None:
    """The change beside a metric is against this photo's run before, never another photo's."""
    app = upload(visit(), {"mine.png": astronaut_file})
    assert "Run 2 of this session, by ONNX Runtime." in app.caption.values
    for confidence in (0.8, 0.9):
        app.sidebar.slider(key="confidence").set_value(confidence).run()
    assert (
        "Run 4 of this session, against run 3 of this photo, by ONNX Runtime." in app.caption.values
    )
    app.file_uploader(key="uploads").set_value(None)
    app.run()
    assert "Run 5 of this session, by ONNX Runtime." in app.caption.values


def test_clearing_runs_reads_the_photo_again() -> None:
    """After the runs were cleared, Analyze measures anew, so that what it says is in the list."""
    app = go_to(visit(), "Monitor")
    _click(app, "Clear runs")
    go_to(app, "Analyze")
    assert "Run 2 of this session, by ONNX Runtime." in app.caption.values
    assert _runs(app) == [("figures.png", "")]
    expect_no_error(app)


def test_a_large_photo_can_be_decoded_reduced(astronaut_file: bytes) -> None:
    """Answer, crops and candidates of a large JPEG come from pixels no finer than they need."""
    large = cv2.resize(decode_image(astronaut_file), (4096, 4096)).astype(np.uint8, copy=False)
    app = upload(visit(max_side="320"), {"large.jpg": encode_jpeg(large)})
    (photo,) = app.session_state["facecore.own_photos"]
    for reduction in (1, 2):
        opened = _kept(app).opened(photo.key, RuntimeOptions())
        reading = _kept(app).reading(photo.key)
        assert opened is not None and reading is not None and reading.analysis is not None
        assert opened.image_bytes == 3 * (4096 // reduction) ** 2
        assert reading.analysis.size_wh == (4096, 4096)
        assert reading.analysis.reused == ()
        assert len(reading.crops_jpeg) == len(reading.analysis.faces) == 1
        assert max(read_header(reading.crops_jpeg[0]).size_wh) == CROP_SIDE_PX
        app.sidebar.toggle(key="reduced_decode").set_value(True).run()
    app.switch_page("pages/tune.py").run()
    assert app.title.values == ["Tune"]
    assert opened is not None and opened.image_bytes == 3 * 2048**2
    expect_no_error(app)
