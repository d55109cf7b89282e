"""The Tune page in a real browser: a threshold is tried, scored and adopted."""

from __future__ import annotations

import io
import re
import zipfile
from urllib.parse import quote

import pytest
from playwright.sync_api import Locator, Page, expect

from facecore.sources.samples import samples
from facecore.ui.picture.clickable import GREEN
from tests.browser.server import wait_until_idle

pytestmark = pytest.mark.browser


def test_a_threshold_is_tried_without_a_run_and_the_best_is_adopted(
    page: Page, server: str
) -> None:
    """Photo and count follow the slider together; one click sets the confidence everywhere."""
    page.goto(f"{server}/tune?sample={quote(samples()[1].title)}")
    wait_until_idle(page)
    expect(_accepted(page)).to_have_count(6)
    expect(_faces(page)).to_have_text("6")
    _slider(page).press("End")
    expect(_faces(page)).to_have_text("0")
    expect(_accepted(page)).to_have_count(0)
    wait_until_idle(page)
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
    faces = page.get_by_test_id("stMetric").filter(has_text="Faces")
    expect(faces.get_by_test_id("stMetricValue")).to_have_text("6")
    # A page's own run, and Analyze's with another confidence, which took that one over.
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Monitor").click()
    expect(page.get_by_text("1 run that took nothing over from an earlier one")).to_be_visible()


def test_a_missed_face_and_a_confusion_are_looked_at_with_a_click(
    page: Page, server: str, hopper_file: bytes
) -> None:
    """Labelled photos of a ZIP file are read; tiles and numbers of a table open their photos."""
    page.goto(f"{server}/tune")
    wait_until_idle(page)
    page.get_by_text("Labelled photos", exact=True).first.click()
    expect(page.get_by_text("Drop photos and their tables here")).to_be_visible()
    wait_until_idle(page)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("hopper.jpg", hopper_file)
        archive.writestr("labels.csv", "file,age,gender\nhopper.jpg,77,f\n")
        archive.writestr("boxes.csv", "file,x1,y1,x2,y2\nhopper.jpg,178,120,353,332\n")
    page.locator('input[type="file"]').first.set_input_files(
        {"name": "set.zip", "mimeType": "application/zip", "buffer": file.getvalue()}
    )
    page.get_by_role("button", name="Read 1 photo").click()
    expect(page.get_by_role("heading", name="Against the truth")).to_be_visible()
    wait_until_idle(page)
    _slider(page).press("End")
    wait_until_idle(page)
    pictures = page.get_by_role("group", name="Accepted, rejected and true boxes")
    page.get_by_role("button", name="hopper.jpg").click()
    expect(pictures).to_have_count(2)
    expect(pictures.last.get_by_label("a face, missed")).to_have_attribute("aria-pressed", "true")
    # The table is drawn on a canvas: the first number of the row "Female", read as "Male".
    table = page.locator(".st-key-tune_confusion_gender .dvn-scroller").first
    # It takes a press only where the pointer rested before, as a person's does.
    table.hover(position={"x": 95, "y": 88})
    page.wait_for_timeout(500)
    table.click(position={"x": 95, "y": 88}, delay=100)
    page.get_by_text("Female read as Male (1)").wait_for()
    wait_until_idle(page)  # until then the buttons of the run before are there as well
    page.get_by_role("button", name="hopper.jpg").click()
    expect(page.get_by_text("set.zip/hopper.jpg: Male, 9")).to_be_visible()


def _slider(page: Page) -> Locator:
    return page.get_by_test_id("stSlider").filter(has_text="Threshold to try").get_by_role("slider")


def _faces(page: Page) -> Locator:
    metric = page.get_by_test_id("stMetric").filter(has_text="Faces in 1 photo")
    return metric.get_by_test_id("stMetricValue")


def _accepted(page: Page) -> Locator:
    picture = page.get_by_role("group", name="Accepted, rejected and true boxes")
    return picture.first.locator(f'rect.box[stroke="{GREEN}"]')
