"""The Batch page: many photos, stopped, gone on with, left and come back to."""

from __future__ import annotations

import gc
import io
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import streamlit as st
from streamlit.runtime.caching import clear_session_resource_cache
from streamlit.testing.v1 import AppTest

from facecore.batch.background import BackgroundBatch
from facecore.batch.formats import format_for
from facecore.executors.cluster import CLUSTER_VARIABLE, ClusterProgress
from facecore.executors.reading import Outcome, read_here
from facecore.machine.memory_plan import plan_for
from facecore.results import GENDERS, Analysis
from facecore.serving.queue import InferenceQueue
from facecore.serving.service import process_service
from facecore.settings import RuntimeOptions
from facecore.settings.server import ServerSettings
from facecore.sources.archive import PhotoArchive
from facecore.sources.archive_directory import ArchiveEntry
from facecore.sources.photo import Photo
from facecore.ui import networks
from facecore.ui.batch import results as batch_results
from facecore.ui.batch import run as batch_run
from facecore.ui.batch.inputs import BUDGET
from facecore.ui.batch.results import _annotated_zip, _file
from facecore.video.decoder import Decoder
from tests.batch.conftest import grey_png
from tests.pages.conftest import TIMEOUT_S, expect_no_error, go_to, metrics, visit
from tests.sources.crafted import Entry, archive
from tests.video.clips import write_clip


def _batch(app: AppTest) -> BackgroundBatch:
    batch: BackgroundBatch = app.session_state["facecore.batch"]
    return batch


def _choose(app: AppTest, files: dict[str, bytes]) -> AppTest:
    chosen = [(name, data, "application/octet-stream") for name, data in files.items()]
    app.file_uploader(key="batch_uploads").set_value(chosen)
    return app.run()


def _start(files: dict[str, bytes], **query: str) -> AppTest:
    """Open the page with settings in its link, choose files and start."""
    app = _choose(visit("batch", **query), files)
    return app.button(key="batch_start").click().run()


def _end(app: AppTest) -> AppTest:
    """Wait for the batch's end, and look."""
    assert _batch(app).wait(TIMEOUT_S)
    app.run()
    assert not _buttons(app, "batch_stop")
    return app


def _open(app: AppTest, key: str, row: int) -> None:
    """Click on a cell of the list."""
    app.session_state[key] = {"selection": {"rows": [], "columns": [], "cells": [(row, "photo")]}}
    app.run()


def _never(photo: Photo, check: Callable[[object], None]) -> Analysis:
    raise AssertionError(photo.name)


def _buttons(app: AppTest, key: str) -> list[object]:
    return [button for button in app.button if button.key == key]


def _list(app: AppTest) -> pd.DataFrame:
    return app.dataframe[0].value


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> InferenceQueue:
    """The server's queue with the networks loaded; held, it keeps a batch from going on."""
    networks.analyzer(RuntimeOptions())
    queue = process_service().queue
    monkeypatch.setattr(queue, "settings", ServerSettings(max_wait_s=60))
    return queue


def test_opened_first_it_asks_for_photos() -> None:
    """Without photos nothing can be started, and nothing is wrong."""
    app = visit("batch")
    assert app.title.values == ["Batch"]
    button = app.button(key="batch_start")
    assert (button.label, button.disabled) == ("Read photos", True)
    assert len(app.dataframe) == 0
    expect_no_error(app)


def test_cluster_is_offered_where_the_server_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can choose one where there is none; what is wrong with it is said on the page."""
    assert "batch_on_cluster" not in [one.key for one in visit("batch").toggle]
    monkeypatch.setenv("FACECORE_CLUSTER", "ray://127.0.0.1:9")
    app = _choose(visit("batch"), {"grey.png": grey_png()})
    app.toggle(key="batch_on_cluster").set_value(True).run()
    app = _end(app.button(key="batch_start").click().run())
    assert [text for text in app.error.values if "Ray" in text]
    assert "**Stopped after 0 of 1 photo.**" in app.markdown.values


def test_uploader_promises_no_more_than_the_server_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The size that the page names is the server's limit, or less where memory is short."""
    uploader = visit("batch").file_uploader(key="batch_uploads")
    assert uploader.proto.max_upload_size_mb == st.get_option("server.maxUploadSize") == 50
    monkeypatch.setattr(BUDGET, "limit", 60 * 2**20)
    uploader = visit("batch").file_uploader(key="batch_uploads")
    assert uploader.proto.max_upload_size_mb == 30


def test_photos_are_read_to_the_end(astronaut_file: bytes, hopper_file: bytes) -> None:
    """Every photo has its line, with its faces or what is wrong with it, and all is counted."""
    app = _choose(
        visit("batch"),
        {"a.png": astronaut_file, "<b>bad</b>.png": b"no picture", "c.jpg": hopper_file},
    )
    assert app.button(key="batch_start").label == "Read 3 photos"
    _end(app.button(key="batch_start").click().run())
    assert "**All 3 photos are done.**" in app.markdown.values
    shown = metrics(app)
    assert (shown["Photos done"], shown["Could not be read"], shown["Faces"]) == ("3", "1", "2")
    assert shown["Median latency"].endswith(" ms")
    rows = _list(app)
    assert rows["photo"].tolist() == ["a.png", "<b>bad</b>.png", "c.jpg"]
    assert rows["faces"].tolist() == [1, pd.NA, 1]
    assert "not a picture" in rows["error"][1]
    assert rows["preview"][0].startswith("data:image/jpeg;base64,")
    assert len(rows["preview"][0]) < 10_000
    assert len(app.get("plotly_chart")) == 4
    labels = [button.label for button in app.main.download_button]
    assert labels == ["CSV", "JSON lines", "Parquet", "Faces CSV", "Annotated photos"]
    assert rows["gender"][1] == rows["age"][1] == ""
    assert rows["gender"][0] in GENDERS and rows["age"][0]
    reads_with = "Read with preset Recommended, networks "
    assert [text for text in app.caption.values if text.startswith(reads_with)]
    expect_no_error(app)


def test_photo_is_read_when_its_turn_has_come(
    queue: InferenceQueue, hopper_file: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch that waits for its turn holds no entry of a ZIP file, however large."""
    running: list[int] = []
    read = PhotoArchive.read

    def note(self: PhotoArchive, entry: ArchiveEntry) -> bytes:
        running.append(queue.stats().running)
        return read(self, entry)

    monkeypatch.setattr(PhotoArchive, "read", note)
    _end(_start({"a.zip": archive([Entry(name="a.jpg", data=hopper_file)])}))
    assert running == [1]


def test_only_those_that_failed_can_be_shown(astronaut_file: bytes) -> None:
    """A switch leaves the photos that could not be read."""
    app = _end(_start({"a.png": astronaut_file, "bad.png": b"no picture"}))
    app.toggle(key="batch_only_failed").set_value(True).run()
    assert _list(app)["photo"].tolist() == ["bad.png"]
    expect_no_error(app)


def test_click_on_a_row_opens_its_photo(astronaut_file: bytes, hopper_file: bytes) -> None:
    """The photo that was clicked on is drawn, with a line for each face, or says what is wrong."""
    app = _end(_start({"a.png": astronaut_file, "bad.png": b"no picture", "c.jpg": hopper_file}))
    images = len(app.get("image"))
    _open(app, "batch_list_all", 2)
    assert app.text.values == ["c.jpg"]
    assert len(app.get("image")) == images + 1
    (face,) = app.dataframe[1].value.to_dict("records")
    assert face["gender"].split(",")[0] in GENDERS
    assert face["crop"].startswith("data:image/jpeg")
    _open(app, "batch_list_all", 1)
    (sentence,) = app.error.values
    assert "not a picture" in sentence
    app.toggle(key="batch_only_failed").set_value(True).run()
    _open(app, "batch_list_failed", 0)
    assert app.text.values == ["bad.png"]
    assert app.exception.values == []


def test_batch_without_any_answer_has_no_empty_charts() -> None:
    """Where no photo could be read, or none has a face, no chart stands there empty."""
    app = _end(_start({"bad.png": b"no picture"}))
    assert len(app.get("plotly_chart")) == 0
    assert metrics(app)["Median latency"] == "…"
    app = _end(_start({"a.png": grey_png(), "b.png": grey_png(64)}))
    assert len(app.get("plotly_chart")) == 2
    assert [text for text in app.info.values if "No face was found" in text]
    assert "error" not in _list(app)
    expect_no_error(app)


def test_archive_is_read_like_a_folder(hopper_file: bytes) -> None:
    """The photos of a ZIP file have their lines, and one that does harm has its sentence."""
    good = archive([Entry(name="x/a.jpg", data=hopper_file), Entry(name="b.jpg", flags=1)])
    bomb = archive([Entry(name="c.jpg", data=bytes(2_000_000))])
    app = _end(_start({"good.zip": good, "bomb.zip": bomb}))
    rows = _list(app)
    assert rows["photo"].tolist() == ["good.zip/x/a.jpg", "good.zip/b.jpg", "bomb.zip"]
    assert rows["faces"].tolist() == [1, pd.NA, pd.NA]
    assert "encrypted" in rows["error"][1]
    assert "is a bomb" in rows["error"][2]
    expect_no_error(app)


def test_settings_are_those_at_the_start(hopper_file: bytes) -> None:
    """The batch reads with what the sidebar said when it was started, whatever it says later."""
    app = _end(_start({"a.jpg": hopper_file}, confidence="1.0"))
    assert metrics(app)["Faces"] == "0"
    assert _batch(app).settings["confidence"] == 1.0
    assert any("differs by confidence 1" in text for text in app.caption.values)
    app.sidebar.slider(key="confidence").set_value(0.5).run()
    assert metrics(app)["Faces"] == "0"
    assert len(_list(app)) == 1
    expect_no_error(app)


def test_stopped_batch_is_kept_and_gone_on_with(queue: InferenceQueue, hopper_file: bytes) -> None:
    """Stop leaves what is done; Go on reads the rest."""
    files = {f"{number}.jpg": hopper_file for number in range(4)}
    with queue.enter("somebody else"):
        app = _start(files)
        assert app.button(key="batch_stop").label == "Stop"
        app.button(key="batch_stop").click().run()
        _end(app)
    assert "**Stopped after 0 of 4 photos.**" in app.markdown.values
    assert metrics(app)["Photos done"] == "0"
    (go_on,) = [button for button in app.button if button.label == "Go on"]
    _end(go_on.click().run())
    assert "**All 4 photos are done.**" in app.markdown.values
    assert _list(app)["photo"].tolist() == list(files)
    expect_no_error(app)


def test_batch_goes_on_while_another_page_is_open(
    queue: InferenceQueue, hopper_file: bytes
) -> None:
    """Other pages say in the sidebar that it runs; coming back, everything is there."""
    with queue.enter("somebody else"):
        app = _start({"a.jpg": hopper_file, "b.jpg": hopper_file})
        go_to(app, "Compare")
        words = [str(getattr(one, "value", "")) for one in app.sidebar]
        (sign,) = [place for place, text in enumerate(words) if "Batch: 0 of 2 photos" in text]
        assert sign < words.index("Settings"), "it is not in sight"
    assert _batch(app).wait(TIMEOUT_S)
    go_to(app, "Monitor")
    assert _list(app)["source"].tolist() == ["batch", "batch"]
    assert sorted(_list(app)["photo"]) == ["a.jpg", "b.jpg"]
    assert not any("Batch" in text for text in app.sidebar.caption.values)
    go_to(app, "Batch")
    assert "**All 2 photos are done.**" in app.markdown.values
    expect_no_error(app)


@pytest.mark.parametrize("page", ["Batch", "Monitor"])
def test_session_that_ends_pauses_its_batch(
    queue: InferenceQueue, hopper_file: bytes, page: str
) -> None:
    """When the tab is closed the batch stops; when only the connection was lost it goes on.

    So it does whichever page is open when the connection is there again.
    """
    with queue.enter("somebody else"):
        app = _start({"a.jpg": hopper_file, "b.jpg": hopper_file})
        if page != "Batch":
            go_to(app, page)
        assert _batch(app).state == "running"
        # What Streamlit does when a session's connection closes.
        clear_session_resource_cache("test session id")
        assert _batch(app).wait(TIMEOUT_S)
        assert _batch(app).state == "paused"
        app.run()
        assert _batch(app).state == "running"
        assert any("Batch: 0 of" in c for c in app.sidebar.caption.values)
    assert _batch(app).wait(TIMEOUT_S)
    go_to(app, "Batch")
    assert "**All 2 photos are done.**" in app.markdown.values
    expect_no_error(app)


def test_new_batch_forgets_the_old_one(hopper_file: bytes) -> None:
    """One click lets the photos and answers go, and asks for others."""
    app = _end(_start({"a.jpg": hopper_file}))
    taken_bytes = BUDGET.taken()
    app.button(key="batch_new").click().run()
    assert BUDGET.taken() <= taken_bytes - len(hopper_file)
    assert app.session_state["facecore.batch"] is None
    assert app.button(key="batch_start").disabled
    assert len(app.dataframe) == 0
    expect_no_error(app)


def test_files_for_which_there_is_no_room_are_one_sentence(hopper_file: bytes) -> None:
    """Where other batches hold all that the server has room for, nothing begins."""
    app = _choose(visit("batch"), {"a.jpg": hopper_file})
    room = BUDGET.share("somebody else")
    assert room.grow(int(BUDGET.limit) - BUDGET.taken())
    others = BackgroundBatch([], _never, room=room)
    del room
    app.button(key="batch_start").click().run()
    (sentence,) = app.error.values
    assert sentence.startswith("The server holds as many files")
    assert app.session_state["facecore.batch"] is None
    del others
    gc.collect()
    _end(app.button(key="batch_start").click().run())
    assert "**The one photo is done.**" in app.markdown.values
    expect_no_error(app)


def test_networks_that_are_missing_are_one_sentence(not_a_folder: Path, hopper_file: bytes) -> None:
    """Where the networks cannot be had, one sentence says why, and it can be tried again."""
    app = _end(_start({"a.jpg": hopper_file}))
    (sentence,) = app.error.values
    assert sentence.startswith(f"FACECORE_MODELS_DIR names {not_a_folder}")
    assert "**Stopped after 0 of 1 photo.**" in app.markdown.values
    assert [button.label for button in app.button if "again" in button.label] == ["Try again"]


def test_files_to_take_away_have_every_photo(hopper_file: bytes) -> None:
    """Each form has a row per photo, and the ZIP file the photos that were read."""
    app = _end(_start({"a.jpg": hopper_file, "bad.png": b"no picture"}))
    batch = _batch(app)
    assert _file(batch, format_for(".csv")).decode("utf-8-sig").count("\n") == 3
    assert _file(batch, format_for(".jsonl")).decode().count("\n") == 2
    assert _file(batch, format_for(".parquet")).startswith(b"PAR1")
    assert b"0001-a.jpg" in _annotated_zip(batch, 0, "somebody")


def test_annotated_photos_come_in_parts(
    hopper_file: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where memory is short a ZIP file has fewer photos, and one chooses which."""
    monkeypatch.setattr(batch_results, "PHOTOS_PER_ZIP", 2)
    app = _end(_start({f"{number}.jpg": hopper_file for number in range(3)}))
    part = app.selectbox(key="batch_part")
    assert part.options == ["1 to 2", "3 to 3"]
    for first, count in ((0, 2), (2, 1)):
        data = _annotated_zip(_batch(app), first, "somebody")
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            assert len(packed.namelist()) == count
    expect_no_error(app)


@pytest.mark.parametrize(("gibibytes", "photos"), [(0, 10), (1, 16), (16, 200)])
def test_parts_of_annotated_photos_fit_the_memory(gibibytes: int, photos: int) -> None:
    """One part of photos of 1 MB each finds room in a container's share for downloads."""
    plan = plan_for(gibibytes << 30)
    assert batch_results.photos_per_zip(plan) == photos
    assert not gibibytes or photos * 1_000_000 <= plan.download_bytes


def test_batch_on_a_cluster_tells_how_it_gets_on(
    queue: InferenceQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says that the cluster is awaited, then what each node did; its list has no pictures."""
    is_there, may_end = threading.Event(), threading.Event()

    def read_slowly(
        photos: Sequence[Photo], _: object, __: object, progress: ClusterProgress, ___: object
    ) -> Iterator[Outcome]:
        is_there.wait(TIMEOUT_S)
        progress.of("node-1").came()
        for photo in photos:
            yield from read_here([photo], networks.analyzer(RuntimeOptions()).analyze)
            progress.of("node-1").read()
            may_end.wait(TIMEOUT_S)

    monkeypatch.setenv(CLUSTER_VARIABLE, "auto")
    monkeypatch.setattr(batch_run, "read_on_cluster", read_slowly)
    app = _choose(visit("batch"), {"a.png": grey_png(level=1), "b.png": b"no picture"})
    app.toggle(key="batch_on_cluster").set_value(True).run()
    app.button(key="batch_start").click().run()
    assert any("The cluster is reached" in caption.value for caption in app.caption)
    is_there.set()
    while not _batch(app).answers:
        time.sleep(0.01)
    app.run()
    assert not any("The cluster is reached" in caption.value for caption in app.caption)
    assert (_list(app)["Node"].tolist(), _list(app)["Workers"].tolist()) == (["node-1"], [1])
    may_end.set()
    _end(app)
    assert _list(app)["photo"].tolist() == ["a.png", "b.png"]
    assert "preview" not in _list(app)
    assert "not a picture" in _list(app)["error"][1]


def test_a_video_is_looked_through_beside_the_list(
    queue: InferenceQueue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A frame that the list opens is shown beside the moment that is, each with its faces.

    Nobody waits while it is decoded.
    """
    clip = write_clip(tmp_path / "clip.webm", frames=12, fps=10).read_bytes()
    app = _choose(visit("batch"), {"clip.webm": clip})
    app.selectbox(key="batch_frames").set_value("1/10").run()
    app = _end(app.button(key="batch_start").click().run())
    assert app.select_slider(key="batch_moment_0").options == ["0.00 s", "1.00 s"]
    running: list[int] = []
    go_to = Decoder.go_to

    def going(*arguments: Any) -> None:
        running.append(queue.stats().running)
        go_to(*arguments)

    monkeypatch.setattr(Decoder, "go_to", going)
    app.button(key="batch_moment_0_still_1").click().run()
    _open(app, "batch_list_all", 0)
    expect_no_error(app)
    assert [text.value for text in app.text] == ["clip.webm#t=1.000", "clip.webm#t=0.000"]
    assert running and not any(running)
