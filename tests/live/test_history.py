"""What is left of a camera's run: one row of numbers, and nowhere a picture."""

from __future__ import annotations

import time
from dataclasses import astuple
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
import requests

from facecore.export import csv_bytes, runs_table
from facecore.imaging.decoding import decode_image
from facecore.serving.history import comparable_latencies_ms
from facecore.serving.store import FILE_NAME, ServerStore
from tests.live.camera import PATIENCE_S, connected
from tests.live.conftest import ServedLive, until
from tests.server import server_process

EVER = datetime.fromtimestamp(0, UTC)


def test_a_run_is_one_row_of_the_history(
    live: ServedLive, hopper_file: bytes, tmp_path: Path
) -> None:
    """Frames, duration and percentiles, for the session and for the server; none for no frame."""
    store = live.service.store = ServerStore(tmp_path / FILE_NAME)
    session = live.open()
    began_s = time.monotonic()
    with live.camera(session.key):
        pass
    with live.camera(session.key) as camera:
        for number in range(1, 24):
            camera.shot(2 * number, hopper_file, latency_ms=0 if number == 1 else 100 + number)
        camera.next("monitor")
    until(lambda: len(live.history.records()) == 1)
    lasted_s = time.monotonic() - began_s
    (row,) = store.runs(EVER)
    (own,) = live.history.records()
    assert row.live == own.live
    assert row.live is not None
    assert astuple(row.live)[:3] == (46, 23, 112.5)
    assert row.live.latency_p95_ms == pytest.approx(121.95)
    assert (row.source, row.name, row.size_wh, row.faces) == ("live", "", (512, 600), 1)
    assert 0 < row.timings.detect_ms < row.timings.total_ms < 1e3 * row.used.wall_time_s
    assert row.used.wall_time_s <= lasted_s
    assert row.used.peak_rss_bytes > 0
    table = runs_table([row])
    assert table["frames_read"].tolist() == [23]
    assert b"duration_s,frames_offered,frames_read,latency_p50_ms" in csv_bytes(table)
    assert comparable_latencies_ms([row]) == []
    store.close()


def _pictures(folder: Path, jpeg: bytes) -> list[Path]:
    """Return the files with a JPEG's beginning, with any part of this one, or with its pixels."""
    image = decode_image(jpeg)
    pixels = [image[row, 100:108].tobytes() for row in range(0, len(image), 50)]
    parts = [jpeg[start : start + 24] for start in range(600, len(jpeg) - 24, 2000)]
    wanted = [b"\xff\xd8\xff", b"/9j/", *parts, *pixels]
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if any(one in path.read_bytes() for one in wanted)]


@pytest.mark.slow
def test_no_frame_is_stored_anywhere(hopper_file: bytes, tmp_path: Path) -> None:
    """After a run of a real server no folder and no log has a picture, though the row is there."""
    rng = np.random.default_rng(7)
    noisy = decode_image(hopper_file) // 2 + rng.integers(0, 99, (600, 512, 3), np.uint8)
    jpeg = cv2.imencode(".jpg", noisy)[1].tobytes()
    folders = {name: tmp_path / name for name in ("data", "history", "temporary", "home")}
    for folder in folders.values():
        folder.mkdir()
    environment = {
        "FACECORE_DATA_DIR": str(folders["data"]),
        "FACECORE_HISTORY": str(folders["history"]),
        "FACECORE_HISTORY_NAMES": "on",
        "TMPDIR": str(folders["temporary"]),
        "HOME": str(folders["home"]),
        "FACECORE_ENGINE": "opencv",  # others make files of the networks, in which all is found
        "FACECORE_LOG": "json",
        "STREAMLIT_LOGGER_LEVEL": "debug",
    }
    with server_process(tmp_path / "log", kind="held", environment=environment) as server:
        key = requests.get(f"{server.address}/held/live", timeout=PATIENCE_S).text
        with connected(server.address.replace("http", "ws"), key) as camera:
            for number in range(1, 4):
                camera.shot(number, jpeg)
            camera.send(4, b"junk")
            assert camera.next("unread")["frame"] == 4
            metrics = requests.get(f"{server.address}/metrics", timeout=PATIENCE_S).text
    assert 'facecore_live_frames_total{end="read"} 3.0' in metrics
    assert "facecore_live_cameras 1.0" in metrics
    store = ServerStore(folders["history"] / FILE_NAME)
    assert [run.live.frames_read for run in store.runs(EVER) if run.live] == [3]
    store.close()
    assert _pictures(tmp_path, jpeg) == []
    (tmp_path / "kept").write_bytes(jpeg)
    assert _pictures(tmp_path, jpeg) == [tmp_path / "kept"]
