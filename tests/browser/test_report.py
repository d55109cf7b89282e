"""The report of a search, opened from a disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from facecore.optimise.report import html_report
from tests.browser.server import DESKTOP_PX
from tests.optimise.conftest import made_result

pytestmark = pytest.mark.browser


def test_it_opens_without_a_network_and_without_scripts(browser: Browser, tmp_path: Path) -> None:
    """The picture and the sentence are there, and nothing but the file was asked for."""
    result = made_result()
    file = tmp_path / "report.html"
    file.write_text(html_report(result), encoding="utf-8")
    context = browser.new_context(viewport=DESKTOP_PX, offline=True, java_script_enabled=False)
    page = context.new_page()
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(file.as_uri())
    expect(page.get_by_text(result.sentence)).to_be_visible()
    expect(page.get_by_role("img", name="milliseconds a photo")).to_be_visible()
    expect(page.locator("svg circle")).to_have_count(len(result.points) + 1)
    assert (asked, complaints) == ([file.as_uri()], [])
    context.close()
