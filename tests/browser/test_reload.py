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


def _open(page: Page, address: str, path: str) -> None:
    page.goto(f"{address}/{path}")
    wait_until_idle(page)


def _go_to(page: Page, title: str) -> None:
    """Go on in the same session, which costs the browser a fraction of opening a page."""
    page.get_by_test_id("stSidebarNavLink").filter(has_text=title).click()
    expect(page.get_by_role("heading", name=title, level=1)).to_be_visible()
    wait_until_idle(page)


def _measure(page: Page) -> None:
    _go_to(page, "Compare")
    field = page.get_by_role("spinbutton", name="Repeats")
    field.fill("1")
    field.press("Enter")
    wait_until_idle(page)
    page.get_by_role("button", name="Measure 2 variants").click()
    expect(page.get_by_text("1 trial;")).to_have_count(2)
    wait_until_idle(page)


def _read_a_batch(page: Page, server: Server) -> None:
    """Read two photos, and reload the page before the first of them has its turn."""
    _go_to(page, "Batch")
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


def _runs(page: Page, whose: str) -> list[dict[str, str]]:
    """Return the runs that the Monitor page, which is open, tells of."""
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
        _open(page, server.address, "")
        _measure(page)
        _read_a_batch(page, server)
        answer = requests.post(f"{server.address}/predict", files={"image": PORTRAIT}, timeout=60)
        assert answer.status_code == 200

        page.reload()
        expect(page.get_by_text("All 2 photos are done.")).to_be_visible()
        with page.expect_download() as waiting:
            page.get_by_role("button", name="CSV", exact=True).click()
        assert "mine.png" in Path(waiting.value.path()).read_text()
        _go_to(page, "Compare")
        expect(page.get_by_text("1 trial;")).to_have_count(2)
        _go_to(page, "Monitor")
        own = _runs(page, "This session")
        # Analyze has read the sample.
        assert sorted(run["source"] for run in own) == ["batch", "batch", "sample"]
        assert [int(run["run"]) for run in own] == list(range(1, len(own) + 1))

        with opened_tab(browser) as stranger:
            _open(stranger, server.address, "compare")
            expect(stranger.get_by_text("Nothing yet.")).to_be_visible()
            _go_to(stranger, "Batch")
            expect(stranger.get_by_role("button", name="Read photos")).to_be_visible()
            _go_to(stranger, "Monitor")
            assert _runs(stranger, "This session") == []
            seen = _runs(stranger, "This server")
            assert {run["source"] for run in seen} == {"dashboard", "http"}
            assert {run["photo"] for run in seen} == {""}
            assert len(seen) == len(own) + 1
        os.kill(server.pid, signal.SIGKILL)

    with server_process(tmp_path / "second.log", environment=told) as server:
        _open(page, server.address, "monitor")
        assert _runs(page, "This server") == seen
        _go_to(page, "Compare")
        expect(page.get_by_text("1 trial;")).to_have_count(2)
        _go_to(page, "Batch")
        expect(page.get_by_text("Your earlier batches")).to_be_visible()
    stored = b"".join(file.read_bytes() for file in (tmp_path / "history").iterdir())
    assert b"mine.png" not in stored and b"figures.png" not in stored
    logs = (tmp_path / "first.log").read_text() + (tmp_path / "second.log").read_text()
    assert "Traceback" not in logs
