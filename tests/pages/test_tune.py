"""The Tune page with labelled photos: read in the background, scored, looked at, read again."""

from __future__ import annotations

import io
import zipfile

import pytest
from streamlit.testing.v1 import AppTest

from facecore.serving.budget import Share
from facecore.serving.queue import InferenceQueue
from facecore.serving.service import process_service
from facecore.settings.server import ServerSettings
from facecore.sources.samples import group_photo, samples
from facecore.ui.tune.run import Run
from tests.pages.conftest import TIMEOUT_S, expect_no_error, metrics, visit

GROUP = samples()[1]


def _zip(astronaut: bytes, hopper: bytes) -> bytes:
    """Pack three photos in two folders, each with its table; one row is of none of them."""
    rows = [",".join(map(str, ("group.png", *person.box.xyxy))) for person in GROUP.people]
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("crowd/group.png", group_photo())
        archive.writestr("crowd/boxes.csv", "\n".join(["file,x1,y1,x2,y2", *rows]))
        archive.writestr("people/a.png", astronaut)
        archive.writestr("people/h.jpg", hopper)
        archive.writestr("people/labels.csv", "file,age,gender\na.png,35,f\nh.jpg,77,f\nx.jpg,1,m")
    return file.getvalue()


def _read(app: AppTest, files: dict[str, bytes]) -> AppTest:
    """Choose labelled photos and begin."""
    app.segmented_control(key="tune_source").set_value("Labelled photos").run()
    chosen = [(name, data, "application/octet-stream") for name, data in files.items()]
    app.file_uploader(key="tune_uploads").set_value(chosen).run()
    return app.button(key="tune_start").click().run()


def _end(app: AppTest, place: str = "tune_run") -> AppTest:
    run: Run = app.session_state[f"facecore.{place}"]
    assert run.job.wait(TIMEOUT_S)
    return app.run()


def _click(app: AppTest, label: str) -> AppTest:
    (button,) = [button for button in app.button if button.label.startswith(label)]
    return button.click().run()


def test_labelled_zip_has_all_scores_and_says_whose_they_are(
    astronaut_file: bytes, hopper_file: bytes
) -> None:
    """Scores have intervals, a missed face opens, another preset is told and put beside them."""
    app = _end(
        _read(visit("tune", confidence="0.9"), {"set.zip": _zip(astronaut_file, hopper_file)})
    )
    expect_no_error(app)
    assert "**3 photos**: labels of 2, boxes of 1" in app.markdown.values
    told = {metric.label: metric.delta for metric in app.metric}
    people = ["Gender right", "Age group right", "At most one group off", "No face found"]
    assert list(told) == [
        "Faces in 3 photos",
        *("Precision", "Recall", "F1"),
        *people[:3],
        "Expected age is off by",
        people[3],
    ]
    assert all(told[name].startswith("95 %: ") for name in ["Precision", "Recall", *people])
    assert metrics(app)["Recall"] == "100.0 %"
    assert not app.warning
    # A threshold that misses some: the first of them is looked at with a click.
    app.slider(key="tune_threshold").set_value(1.0).run()
    assert metrics(app)["Recall"] == "0.0 %"
    assert any("Boxes on this page count from 1.00 on" in text for text in app.caption.values)
    missed = [button for button in app.button if button.label == "group\\.png"]
    assert len(missed) == 6
    missed[0].click().run()
    assert "**set\\.zip\\/crowd\\/group\\.png**" in app.markdown.values
    # Adopting one sets both thresholds; the people's scores are still of the old one.
    _click(app, "Adopt the best F1")
    adopted = app.slider(key="tune_threshold").value
    assert app.sidebar.slider(key="confidence").value == adopted != 0.9
    assert [text for text in app.warning.values if "confidence" in text]
    app.selectbox(key="preset").set_value("Crowd").run()
    assert any("detector input size 900 (not 300)" in text for text in app.warning.values)
    _end(app.button(key="tune_again").click().run())
    assert not app.warning
    assert "Read as Crowd, from confidence 0.70 on." in app.caption.values
    app.selectbox(key="tune_way").set_value("Recommended").run()
    _end(app.button(key="tune_beside_start").click().run(), "tune_beside")
    both = app.dataframe[-1].value
    assert list(both["Score"])[:2] == ["precision", "recall"]
    assert "gender right" in list(both["Score"])
    # All of it is let go.
    room: Share = app.session_state["facecore.tune_room"]
    assert room.size
    app.button(key="tune_new").click().run()
    assert room.size == 0
    expect_no_error(app)


def test_reading_stops_and_goes_on_in_the_background(
    monkeypatch: pytest.MonkeyPatch, astronaut_file: bytes, hopper_file: bytes
) -> None:
    """While another visitor reads it waits; stopped, what is done is scored, and it goes on."""
    app = visit("tune")
    queue: InferenceQueue = process_service().queue
    monkeypatch.setattr(queue, "settings", ServerSettings(max_wait_s=60))
    with queue.enter("somebody else"):
        _read(app, {"a.png": astronaut_file, "h.jpg": hopper_file, "labels.csv": b"file,age\n"})
        assert any(text.endswith("Tune: 0 of 2 photos") for text in app.caption.values)
        app.button(key="tune_stop").click().run()
    _end(app)
    assert [text for text in app.markdown.values if text.startswith("Stopped after ")]
    _end(app.button(key="tune_on").click().run())
    assert metrics(app)["Faces in 2 photos"] == "2"
    expect_no_error(app)
