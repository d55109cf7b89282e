"""The Tune page in a real browser: a threshold is tried, scored and adopted."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from playwright.sync_api import Locator, Page, expect

from facecore.sources.samples import samples
from tests.browser.screenshots import GROUP_BOXES
from tests.browser.server import wait_until_idle

pytestmark = pytest.mark.browser


def test_moving_the_threshold_changes_photo_and_count_without_a_run(
    page: Page, server: str
) -> None:
    """Photo and count follow the slider together, and no run is added to the session."""
    page.goto(f"{server}/tune")
    wait_until_idle(page)
    before = _photo(page).get_attribute("src")
    expect(_faces(page)).to_have_text("8")
    _slider(page).press("End")
    expect(_faces(page)).to_have_text("0")
    wait_until_idle(page)
    assert _photo(page).get_attribute("src") != before
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Monitor").click()
    expect(page.get_by_text("1 run that took nothing over from an earlier one")).to_be_visible()


def test_best_f1_is_adopted_by_sidebar_and_analyze(page: Page, server: str) -> None:
    """With boxes uploaded, one click sets the confidence everywhere."""
    page.goto(f"{server}/tune?sample={quote(samples()[1].title)}")
    wait_until_idle(page)
    rows = [f"group.png,{','.join(map(str, box))}" for box in GROUP_BOXES]
    table = "\n".join(["file,x1,y1,x2,y2", *rows])
    page.locator('input[type="file"]').last.set_input_files(
        {"name": "boxes.csv", "mimeType": "text/csv", "buffer": table.encode()}
    )
    adopt = page.get_by_role("button", name="Adopt the best F1")
    words = re.search(r"threshold (\d\.\d\d)", adopt.inner_text())
    assert words is not None
    adopt.click()
    wait_until_idle(page)
    expect(page.get_by_text(f"Use this threshold (now {words[1]})")).to_be_visible()
    expect(page.get_by_test_id("stSidebar").get_by_text(words[1], exact=True)).to_be_visible()
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Analyze").click()
    expect(page.get_by_role("heading", name="Analyze", level=1)).to_be_visible()
    wait_until_idle(page)
    assert f"confidence={float(words[1]):g}" in page.url
    expect(page.get_by_alt_text("Face 6")).to_have_count(1)


def _slider(page: Page) -> Locator:
    return page.get_by_test_id("stSlider").filter(has_text="Threshold to try").get_by_role("slider")


def _faces(page: Page) -> Locator:
    metric = page.get_by_test_id("stMetric").filter(has_text="Faces in 1 photo")
    return metric.get_by_test_id("stMetricValue")


def _photo(page: Page) -> Locator:
    return page.get_by_alt_text("Accepted and rejected")
