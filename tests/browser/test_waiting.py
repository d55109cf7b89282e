"""A visitor who has to wait for a turn, in a real browser."""

from __future__ import annotations

import time
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.server import running_server, wait_until_idle

pytestmark = pytest.mark.browser


def test_waiting_is_shown_while_it_lasts(page: Page, tmp_path: Path) -> None:
    """Where runs must keep a distance, the page says what it waits for, and then has the answer."""
    with running_server(tmp_path / "server.log", FACECORE_MIN_INTERVAL_MS="3000") as address:
        page.goto(address)
        wait_until_idle(page)
        slider = page.get_by_test_id("stSlider").filter(has_text="Confidence").get_by_role("slider")
        slider.press("ArrowRight")
        expect(page.get_by_text("Run 2 of this session")).to_be_visible(timeout=30_000)
        wait_until_idle(page)
        slider.press("ArrowRight")
        note = page.get_by_text("The server is busy: this one is next, waiting for")
        expect(note).to_be_visible(timeout=30_000)
        expect(page.get_by_text("Run 3 of this session")).to_be_visible(timeout=30_000)
        expect(note).to_have_count(0)
        expect(page.get_by_text("ms for its turn.")).to_be_visible()


def _at_the_gate(address: str) -> dict[str, float]:
    """Return what the server says of its queue, by the end of each figure's name."""
    with urllib.request.urlopen(f"{address}/metrics", timeout=30) as response:
        lines = response.read().decode().splitlines()
    figures = (line.removeprefix("facecore_queue_").rsplit(" ", 1) for line in lines)
    return {figure[0]: float(figure[1]) for figure in figures if not figure[0].startswith("#")}


def test_who_moves_on_leaves_the_line(page: Page, tmp_path: Path) -> None:
    """A setting that is moved while the page waits, and a page that is left, wait no longer."""
    log = tmp_path / "server.log"
    with running_server(log, api=True, FACECORE_MIN_INTERVAL_MS="60000") as address:
        page.goto(address)
        note = page.get_by_text("The server is busy: this one is next")
        expect(note).to_be_visible(timeout=30_000)  # the loading at the start was the first run
        for gave_up in (1, 2):
            page.goto(f"{address}/monitor")
            expect(page.get_by_role("heading", name="Monitor", level=1)).to_be_visible()
            deadline = time.monotonic() + 20
            while _at_the_gate(address)['visits_total{end="gave_up"}'] < gave_up:
                assert time.monotonic() < deadline, "it still waits"
                time.sleep(0.1)
            assert _at_the_gate(address)["waiting"] == 0
            page.goto(address)
            expect(note).to_be_visible(timeout=30_000)
