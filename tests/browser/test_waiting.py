"""A visitor who has to wait for a turn, in a real browser."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Page, expect

from tests.browser.server import PAGE_TIMEOUT_MS
from tests.server import Server

pytestmark = pytest.mark.browser

GAVE_UP = 'visits_total{end="gave_up"}'


def test_waiting_is_shown_and_who_moves_on_leaves_the_line(page: Page, held_server: Server) -> None:
    """While somebody else has the slot the page says what it waits for, and then has the answer.

    A setting that is moved while the page waits, and a page that is left, wait no longer.
    """
    note = page.get_by_text("The server is busy: this one is next, waiting for")
    slider = page.get_by_test_id("stSlider").filter(has_text="Confidence").get_by_role("slider")
    with held_server.held("queue"):
        page.goto(held_server.address)
        expect(note).to_be_visible()
        # The figures are of a moment ago: those from before may not know yet who gave up before.
        _wait_for(held_server, "waiting", 1)
        gave_up = held_server.queue_figures()[GAVE_UP]
        slider.press("ArrowRight")
        _wait_for(held_server, GAVE_UP, gave_up + 1)
        expect(note).to_be_visible()
    expect(page.get_by_text("Run 1 of this session")).to_be_visible()
    expect(note).to_have_count(0)
    expect(page.get_by_text("ms for its turn.")).to_be_visible()
    with held_server.held("queue"):
        page.get_by_role("button", name="Run again").click()
        expect(note).to_be_visible()
        page.get_by_test_id("stSidebarNavLink").filter(has_text="Monitor").click()
        _wait_for(held_server, GAVE_UP, gave_up + 2)
        expect(page.get_by_role("heading", name="Monitor", level=1)).to_be_visible()
        assert held_server.queue_figures()["waiting"] == 0


def _wait_for(server: Server, figure: str, least: float) -> None:
    deadline = time.monotonic() + PAGE_TIMEOUT_MS / 1000
    while server.queue_figures()[figure] < least:
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.1)
