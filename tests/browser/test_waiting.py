"""A visitor who has to wait for a turn, in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.server import running_server, wait_until_idle

pytestmark = pytest.mark.browser


def test_waiting_is_shown_while_it_lasts(page: Page, tmp_path: Path) -> None:
    """Where runs must keep a distance, the page says what it waits for, and then has the answer."""
    with running_server(tmp_path / "server.log", FACECORE_MIN_INTERVAL_MS="6000") as address:
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
