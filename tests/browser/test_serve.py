"""The dashboard beside the HTTP API, in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, expect

from facecore.sources.samples import samples
from tests.browser.server import running_server, wait_until_idle

pytestmark = pytest.mark.browser


def test_the_dashboard_works_beside_the_door(page: Page, tmp_path: Path) -> None:
    """Pages open, an upload is read, and what the api answers can be looked at."""
    log = tmp_path / "server.log"
    portrait = samples()[1].read()
    with running_server(log, api=True) as address:
        page.goto(f"{address}/tune")
        wait_until_idle(page)
        expect(page.get_by_role("heading", name="Tune", level=1)).to_be_visible()
        page.goto(address)
        wait_until_idle(page)
        page.locator('input[type="file"]').first.set_input_files(
            [FilePayload(name="mine.png", mimeType="image/png", buffer=portrait)]
        )
        expect(page.get_by_text("mine.png").first).to_be_visible()
        expect(page.get_by_text("Run 2 of this session.")).to_be_visible(timeout=30_000)
        answer = page.request.post(
            f"{address}/predict",
            multipart={"image": {"name": "a.png", "mimeType": "image/png", "buffer": portrait}},
        )
        assert len(answer.json()["results"]) == 1
        shown = page.goto(address + answer.json()["output_image"])
        assert shown is not None
        assert shown.header_value("content-type") == "image/jpeg"
    assert "Traceback" not in log.read_text()
