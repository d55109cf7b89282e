"""What a visitor has measured and read is there after a reload, and after the server was killed."""

from __future__ import annotations

import csv
import io
import os
import signal
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, FilePayload, Page, expect

from facecore.sources.samples import samples
from tests.browser.server import opened_tab, wait_until_idle
from tests.server import Server, server_process

pytestmark = pytest.mark.browser

PORTRAIT = samples()[2].read()
RUNS = 3


def _open(page: Page, address: str, path: str) -> None:
    page.goto(f"{address}/{path}")
    wait_until_idle(page)


def _make_runs(page: Page, address: str) -> None:
    _open(page, address, "")
    for number in range(2, RUNS + 1):
        page.get_by_role("button", name="Run again").click()
        expect(page.get_by_text(f"Run {number} of this session")).to_be_visible()
        wait_until_idle(page)


def _measure(page: Page, address: str) -> None:
    _open(page, address, "compare")
    field = page.get_by_role("spinbutton", name="Repeats")
    field.fill("1")
    field.press("Enter")
    wait_until_idle(page)
    page.get_by_role("button", name="Measure 2 variants").click()
    expect(page.get_by_text("1 trial;")).to_have_count(2)
    wait_until_idle(page)


def _read_a_batch(page: Page, server: Server) -> None:
    """Read two photos, and reload the page before the first of them has its turn."""
    _open(page, server.address, "batch")
    payloads: list[FilePayload] = [
        {"name": name, "mimeType": "image/png", "buffer": PORTRAIT}
        for name in ("mine.png", "other.png")
    ]
    page.locator('input[type="file"]').first.set_input_files(payloads)
    with server.held("queue"):
        page.get_by_role("button", name="Read 2 photos").click()
        under_way = page.get_by_test_id("stMain").get_by_text("0 of 2 photos")
        expect(under_way).to_be_visible()
        page.reload()
        expect(under_way).to_be_visible()
    expect(page.get_by_text("All 2 photos are done.")).to_be_visible()
    wait_until_idle(page)


def _runs(page: Page, address: str, whose: str) -> list[dict[str, str]]:
    """Return the runs that the Monitor page tells of."""
    _open(page, address, "monitor")
    page.get_by_role("radio", name=whose).click()
    expect(page.get_by_label("Time range")).to_have_count(1 if whose == "This server" else 0)
    button = page.get_by_role("button", name="Runs CSV")
    expect(button.or_(page.get_by_text("No runs yet"))).to_be_visible()
    wait_until_idle(page)
    if not button.count():
        return []
    with page.expect_download() as waiting:
        button.click()
    return list(csv.DictReader(io.StringIO(Path(waiting.value.path()).read_text("utf-8-sig"))))


def test_reload_and_restart_lose_nothing(page: Page, browser: Browser, tmp_path: Path) -> None:
    """Runs, a batch and an experiment outlive a reload; what is stored outlives a kill -9.

    A batch that is under way when the page is reloaded goes on. A stranger sees
    the server's runs as numbers, and nothing else of it.
    """
    told = {"FACECORE_HISTORY": str(tmp_path / "history")}
    with server_process(tmp_path / "first.log", kind="held", environment=told) as server:
        _make_runs(page, server.address)
        _measure(page, server.address)
        _read_a_batch(page, server)
        answer = requests.post(f"{server.address}/predict", files={"image": PORTRAIT}, timeout=60)
        assert answer.status_code == 200

        page.reload()
        expect(page.get_by_text("All 2 photos are done.")).to_be_visible()
        with page.expect_download() as waiting:
            page.get_by_role("button", name="CSV", exact=True).click()
        assert "mine.png" in Path(waiting.value.path()).read_text()
        _open(page, server.address, "compare")
        expect(page.get_by_text("1 trial;")).to_have_count(2)
        own = _runs(page, server.address, "This session")
        # The first page of each session but the last ones reads the sample.
        assert [run["source"] for run in own].count("batch") == 2
        assert len(own) >= RUNS + 2
        assert [int(run["run"]) for run in own] == list(range(1, len(own) + 1))

        with opened_tab(browser) as stranger:
            _open(stranger, server.address, "compare")
            expect(stranger.get_by_text("Nothing yet.")).to_be_visible()
            _open(stranger, server.address, "batch")
            expect(stranger.get_by_role("button", name="Read photos")).to_be_visible()
            assert _runs(stranger, server.address, "This session") == []
            seen = _runs(stranger, server.address, "This server")
            assert {run["source"] for run in seen} == {"dashboard", "http"}
            assert {run["photo"] for run in seen} == {""}
            assert len(seen) == len(own) + 1
        os.kill(server.pid, signal.SIGKILL)

    with server_process(tmp_path / "second.log", environment=told) as server:
        assert _runs(page, server.address, "This server") == seen
        _open(page, server.address, "compare")
        expect(page.get_by_text("1 trial;")).to_have_count(2)
        _open(page, server.address, "batch")
        expect(page.get_by_text("Your earlier batches")).to_be_visible()
    stored = b"".join(file.read_bytes() for file in (tmp_path / "history").iterdir())
    assert b"mine.png" not in stored and b"figures.png" not in stored
    logs = (tmp_path / "first.log").read_text() + (tmp_path / "second.log").read_text()
    assert "Traceback" not in logs
