"""The Batch page in a real browser: read, stopped, left, come back to, taken away."""

from __future__ import annotations

import base64
import csv
import io
import json
import time
import zipfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import requests
from playwright.sync_api import Dialog, Download, Locator, Page, expect

from facecore.sources.samples import group_photo, samples
from tests.browser.server import PAGE_TIMEOUT_MS, wait_until_idle
from tests.server import Server
from tests.video.clips import write_clip

pytestmark = pytest.mark.browser

PORTRAIT = samples()[2].read()
HTML_NAME = "<img src=x onerror=alert(1)>.png"


def _choose(page: Page, files: dict[str, bytes]) -> Locator:
    """Choose files; gives the button that starts."""
    payloads = [
        {"name": name, "mimeType": "image/png", "buffer": data} for name, data in files.items()
    ]
    page.locator('input[type="file"]').first.set_input_files(payloads)  # type: ignore[arg-type]
    words = "1 photo" if len(files) == 1 else f"{len(files)} photos"
    start = page.get_by_role("button", name=f"Read {words}")
    expect(start).to_be_enabled()
    wait_until_idle(page)
    return start


def _metric(page: Page, label: str) -> Locator:
    metric = page.get_by_test_id("stMetric").filter(has_text=label)
    return metric.get_by_test_id("stMetricValue").first


def _go_to(page: Page, title: str) -> None:
    page.get_by_test_id("stSidebarNavLink").filter(has_text=title).click()
    expect(page.get_by_role("heading", name=title, level=1)).to_be_visible()


def _downloaded(page: Page, label: str) -> bytes:
    with page.expect_download() as waiting:
        page.get_by_role("button", name=label, exact=True).click()
    download: Download = waiting.value
    return Path(download.path()).read_bytes()


def _uploaded_bytes(server: str) -> float:
    """Ask Streamlit how many bytes of uploaded files it holds."""
    text = requests.get(f"{server}/_stcore/metrics", timeout=PAGE_TIMEOUT_MS / 1000).text
    lines = [line for line in text.splitlines() if 'cache_type="UploadedFileManager"' in line]
    return sum(float(line.split()[-1]) for line in lines)


def _until(condition: Callable[[], bool]) -> None:
    """Wait for the server to say so; it gives the same figures for a second or so."""
    deadline = time.monotonic() + PAGE_TIMEOUT_MS / 1000
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.1)


def test_a_batch_is_stopped_and_gone_on_with_and_another_is_taken_away(
    page: Page, held_server: Server
) -> None:
    """Two batches after one another on one page, which is opened once for both."""
    page.goto(f"{held_server.address}/batch")
    wait_until_idle(page)
    _batch_is_stopped_left_and_gone_on_with(page, held_server)
    _photos_are_read_and_taken_away(page, held_server.address)


def _batch_is_stopped_left_and_gone_on_with(page: Page, held_server: Server) -> None:
    """Stop works at once, what is done stays over another page, and Go on reads the rest."""
    files = {f"{number:02}.jpg": group_photo() for number in range(3)}
    with ExitStack() as first, ExitStack() as second:
        first.enter_context(held_server.held("queue"))
        _choose(page, files).click()
        _until(lambda: held_server.queue_figures()["waiting"] == 1)
        # Behind the first photo somebody else stands in line, and keeps the slot from the second.
        second.enter_context(held_server.held("queue"))
        _until(lambda: held_server.queue_figures()["waiting"] == 2)
        first.close()
        expect(page.get_by_text("The newest")).to_be_visible()
        page.get_by_role("button", name="Stop").click()
        stopped = page.get_by_text("Stopped after 1 of 3 photos.")
        expect(stopped).to_be_visible()
        wait_until_idle(page)
        _go_to(page, "Monitor")
        _go_to(page, "Batch")
        expect(stopped).to_be_visible()
        page.get_by_role("button", name="Go on").click()
        expect(page.get_by_text("The newest")).to_be_visible()
        _go_to(page, "Monitor")
    expect(page.get_by_test_id("stSidebar").get_by_text("Batch: done")).to_be_visible()
    _go_to(page, "Batch")
    expect(page.get_by_text("All 3 photos are done.")).to_be_visible()
    expect(_metric(page, "Faces")).to_have_text("18")
    wait_until_idle(page)
    page.get_by_role("button", name="New batch").click()
    expect(page.get_by_role("button", name="Read photos")).to_be_disabled()
    expect(page.get_by_test_id("stException")).to_have_count(0)


def _photos_are_read_and_taken_away(page: Page, server: str) -> None:
    """Every photo has its line, whatever it is called, and every form of the answers its row.

    The files are there while one looks elsewhere, and gone with New batch.
    """
    before = _uploaded_bytes(server)
    dialogs: list[str] = []

    def note(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", note)
    files = {"a.png": PORTRAIT, HTML_NAME: PORTRAIT, "bad.png": b"no picture"}
    _choose(page, files).click()
    expect(page.get_by_text("All 3 photos are done.")).to_be_visible()
    expect(page.locator(".js-plotly-plot")).to_have_count(4)
    wait_until_idle(page)
    expect(_metric(page, "Faces")).to_have_text("2")
    expect(_metric(page, "Could not be read")).to_have_text("1")
    rows = list(csv.DictReader(io.StringIO(_downloaded(page, "CSV").decode("utf-8-sig"))))
    assert [row["path"] for row in rows] == list(files)
    assert [row["face_count"] for row in rows] == ["1", "1", ""]
    assert _downloaded(page, "JSON lines").count(b"\n") == 3
    table = pq.read_table(io.BytesIO(_downloaded(page, "Parquet")))
    assert table.column("path").to_pylist() == list(files)
    with zipfile.ZipFile(io.BytesIO(_downloaded(page, "Annotated photos"))) as annotated:
        first, second = annotated.namelist()
        assert (first, second[:5]) == ("0001-a.jpg", "0002-")
        assert annotated.read(first).startswith(b"\xff\xd8")
    assert dialogs == []
    expect(page.get_by_test_id("stException")).to_have_count(0)
    for title in ("Monitor", "Batch"):
        _go_to(page, title)
        wait_until_idle(page)
    _until(lambda: _uploaded_bytes(server) >= 2 * len(PORTRAIT))
    page.get_by_role("button", name="New batch").click()
    expect(page.get_by_role("button", name="Read photos")).to_be_disabled()
    _until(lambda: _uploaded_bytes(server) <= before)
    # The new uploader is another one, whose files are kept.
    page.locator('input[type="file"]').first.set_input_files(
        {"name": "c.png", "mimeType": "image/png", "buffer": PORTRAIT}
    )
    expect(page.get_by_role("button", name="Read 1 photo")).to_be_enabled()
    _until(lambda: _uploaded_bytes(server) >= len(PORTRAIT))


def _expect_plays(page: Page, film: bytes) -> None:
    """The browser plays a film from its beginning on."""
    beside = page.context.new_page()
    source = f"data:video/webm;base64,{base64.b64encode(film).decode()}"
    beside.set_content(f'<video src="{source}" muted autoplay></video>')
    beside.wait_for_function("document.querySelector('video').currentTime > 0.5")
    assert beside.evaluate("document.querySelector('video').videoWidth") == 640
    beside.close()


def test_a_video_is_read_and_looked_through(page: Page, server: str, tmp_path: Path) -> None:
    """Frames are chosen, read, drawn over time; a still and a bar lead to their moment."""
    clip = write_clip(tmp_path / "clip.webm", frames=30, fps=10, size_wh=(640, 360)).read_bytes()
    page.goto(f"{server}/batch")
    wait_until_idle(page)
    expect(page.get_by_text("Frames of the videos")).to_have_count(0)
    files = {"clip.webm": clip, "bad.mp4": b"#EXTM3U\n"}
    page.locator('input[type="file"]').first.set_input_files(
        [{"name": one, "mimeType": "video/mp4", "buffer": data} for one, data in files.items()]  # type: ignore[arg-type]
    )
    expect(page.get_by_text("Frames of the videos")).to_be_visible()
    page.get_by_role("button", name="Read 2 files").click()
    expect(page.get_by_text("All 7 photos and frames are done.")).to_be_visible()
    expect(page.locator(".js-plotly-plot").first).to_be_visible()
    wait_until_idle(page)
    expect(_metric(page, "Could not be read")).to_have_text("1")
    opened = page.get_by_test_id("stText")
    expect(opened).to_have_text("clip.webm#t=0.000")
    page.get_by_role("button", name="2.0 s", exact=True).click()
    expect(opened).to_have_text("clip.webm#t=2.000")
    # The first bar is that of the first track, which begins at the beginning.
    bar = page.locator(".js-plotly-plot").first.locator(".bars .point path").first
    bar.click(force=True)
    expect(opened).to_have_text("clip.webm#t=0.000")
    expect(page.get_by_alt_text("The photo with its faces marked")).to_be_visible()
    rows = [json.loads(line) for line in _downloaded(page, "JSON lines").splitlines()]
    assert [row.get("time_s") for row in rows] == [0, 0.5, 1, 1.5, 2, 2.5, None]
    assert [sorted(face["track"] for face in row["faces"]) for row in rows[:-1]] == [[1, 2]] * 6
    _expect_plays(page, _downloaded(page, "Annotated video"))
    expect(page.get_by_test_id("stException")).to_have_count(0)
