"""The dashboard beside the HTTP API, in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import FilePayload, Page, expect

from facecore.sources.samples import samples
from tests.browser.server import wait_until_idle

pytestmark = pytest.mark.browser


def test_the_dashboard_works_beside_the_api(page: Page, server: str) -> None:
    """An upload is read, and what the API answers can be looked at."""
    portrait = samples()[2].read()
    page.goto(server)
    wait_until_idle(page)
    page.locator('input[type="file"]').first.set_input_files(
        [FilePayload(name="mine.png", mimeType="image/png", buffer=portrait)]
    )
    expect(page.get_by_text("mine.png").first).to_be_visible()
    expect(page.get_by_text("Run 2 of this session")).to_be_visible()
    answer = page.request.post(
        f"{server}/predict",
        multipart={"image": {"name": "a.png", "mimeType": "image/png", "buffer": portrait}},
    )
    assert len(answer.json()["results"]) == 1
    shown = page.goto(server + answer.json()["output_image"])
    assert shown is not None
    assert shown.header_value("content-type") == "image/jpeg"
