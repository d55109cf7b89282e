"""The real dashboard in a real browser, as a visitor meets it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Locator, Page, Position, ViewportSize, expect

from facecore.sources.samples import samples
from facecore.ui import TITLE
from tests.browser.server import DESKTOP_PX, PAGE_TIMEOUT_MS, wait_until_idle
from tests.crowd import crowd_photo
from tests.server import Server

pytestmark = pytest.mark.browser

PAGES = {
    "": "Analyze",
    "live": "Live",
    "batch": "Batch",
    "tune": "Tune",
    "compare": "Compare",
    "optimise": "Optimise",
    "engines": "Engines",
    "monitor": "Monitor",
    "models": "Models",
}
TABLE_HEAD_PX, TABLE_ROW_PX = 36, 44
MOST_LAYOUT_SHIFT = 0.1
"""What browsers' makers call good."""
PHONE_PX: ViewportSize = {"width": 420, "height": 900}
# All that moved by itself since the page was opened.
LAYOUT_SHIFT = """
new PerformanceObserver((list) => {
  for (const entry of list.getEntries())
    if (!entry.hadRecentInput) window.layoutShift = (window.layoutShift || 0) + entry.value;
}).observe({type: "layout-shift", buffered: true});
"""
OVERFLOW_PX = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.mark.parametrize(("path", "title"), PAGES.items())
def test_each_page_opens_first_on_a_fresh_server(
    path: str, title: str, browser: Browser, held_server: Server
) -> None:
    """Every page works when its own link is the first that a new server gets, in every look."""
    begins_at = held_server.log.stat().st_size
    with held_server.held("fresh"):
        page = browser.new_page(viewport=DESKTOP_PX, color_scheme="light", reduced_motion="reduce")
        complaints = _complaints(page)
        page.add_init_script(LAYOUT_SHIFT)
        page.goto(f"{held_server.address}/{path}")
        expect(page.get_by_role("heading", name=title, level=1)).to_be_visible()
        expect(page).to_have_title(f"{title} · {TITLE}")
        _expect_it_looks_well(page)
        assert page.evaluate("window.layoutShift || 0") <= MOST_LAYOUT_SHIFT
        _expect_it_is_accessible(page)
        light = _background(page)
        page.set_viewport_size(PHONE_PX)
        page.emulate_media(color_scheme="dark")
        expect(page.locator(".stApp")).not_to_have_css("background-color", light)
        _expect_it_looks_well(page)
        if not path:  # the sidebar, which a phone hides, is the same on all pages
            page.set_viewport_size(DESKTOP_PX)
            _expect_it_looks_well(page)
        _expect_it_is_accessible(page)
        assert complaints == []
        page.close()
    assert b"Traceback" not in held_server.log.read_bytes()[begins_at:]


def test_a_newcomer_sees_a_sample_and_then_an_own_photo(page: Page, server: str) -> None:
    """Eight faces are there at once, and the slider needs no new detection; the Monitor has runs.

    An uploaded photo takes the sample's place, and stays over another page and settings.
    """
    page.goto(server)
    wait_until_idle(page)
    expect(_metric(page, "Faces")).to_have_text("8")
    photo = page.get_by_role("group", name="The photo with its faces marked")
    expect(photo.get_by_role("button")).to_have_count(8)
    for key in ("End", *["ArrowLeft"] * 3):
        _confidence(page).press(key)
        wait_until_idle(page)
    expect(_metric(page, "Faces")).to_have_text("7")
    expect(
        page.get_by_text("Taken over from an earlier run: decode, resize, detect")
    ).to_be_visible()
    assert "confidence=0.97" in page.url
    _expect_no_error(page)
    _upload(page, {"mine.png": samples()[2].read()})
    expect(_metric(page, "Faces")).to_have_text("1")
    expect(page.get_by_text("mine.png").first).to_be_visible()
    _go_to(page, "Monitor")
    expect(page.locator(".js-plotly-plot")).to_have_count(3)
    expect(page.get_by_text("Process memory")).to_be_visible()
    expect(_metric(page, "Process CPU")).not_to_have_text("…")
    page.get_by_role("button", name="Clear runs").click()
    expect(page.get_by_text("No runs yet")).to_be_visible()
    _expect_no_error(page)
    _go_to(page, "Analyze")
    wait_until_idle(page)
    expect(_metric(page, "Faces")).to_have_text("1")
    _confidence(page).press("End")
    expect(page.get_by_text("No face reaches this confidence")).to_be_visible()
    wait_until_idle(page)
    _expect_no_error(page)
    page.get_by_role("button", name="Reset to defaults").click()
    expect(_metric(page, "Faces")).to_have_text("1")
    wait_until_idle(page)
    page.get_by_role("button", name="Remove my photo").click()
    expect(_metric(page, "Faces")).to_have_text("8")


def test_link_and_preset_fill_the_sidebar(page: Page, server: str) -> None:
    """A link with settings opens with them, a nonsense value is passed over, reset goes back.

    Choosing a preset sets all it says, and what is moved after that is said to differ.
    """
    page.goto(f"{server}/?confidence=0.97&max_side=none&crop_shape=box&max_faces=-5&threads=1")
    wait_until_idle(page)
    expect(_metric(page, "Faces")).to_have_text("7")
    differs = page.get_by_text("Differs from Recommended")
    expect(differs).to_contain_text(
        "confidence 0.97 (not 0.7), longest side for detection none (not 800 px)"
    )
    expect(differs).to_contain_text("crop shape box (not square)")
    page.get_by_role("button", name="Reset to defaults").click()
    expect(_metric(page, "Faces")).to_have_text("8")
    wait_until_idle(page)
    assert "?" not in page.url
    page.reload()
    wait_until_idle(page)
    page.get_by_role("combobox", name="Preset").click()
    page.get_by_role("option", name="Crowd").click()
    expect(_metric(page, "Faces")).to_have_text("13")
    wait_until_idle(page)
    assert "preset=Crowd" in page.url
    expect(page.get_by_text("Differs from")).to_have_count(0)
    _confidence(page).press("ArrowRight")
    expect(page.get_by_text("Differs from Crowd: confidence 0.71 (not 0.7).")).to_be_visible()
    _expect_no_error(page)


def test_settings_stay_when_the_language_changes_and_then_the_page(page: Page, server: str) -> None:
    """The browser sends what is chosen in the words of the language that is shown.

    The document says that language, so that it is read aloud and broken into lines as it is.
    """
    page.goto(f"{server}/optimise?lang=zh&confidence=0.55&threads=1&crop_shape=box")
    document = page.locator("html")
    expect(document).to_have_attribute("lang", "zh")
    page.get_by_role("radio", name="English").click()
    expect(page.get_by_role("heading", name="Optimise", exact=True)).to_be_visible()
    wait_until_idle(page)
    expect(document).to_have_attribute("lang", "en")
    page.get_by_role("link", name="Monitor").click()
    expect(page.get_by_role("heading", name="Monitor", exact=True)).to_be_visible()
    page.get_by_role("link", name="Optimise").click()
    expect(page.get_by_role("heading", name="Optimise", exact=True)).to_be_visible()
    wait_until_idle(page)
    expect(page.get_by_test_id("stAlert")).to_have_count(0)
    assert {"crop_shape=box", "threads=1", "confidence=0.55"} <= set(re.split("[?&]", page.url))


def test_a_face_is_chosen_in_the_table_and_on_the_photo(page: Page, server: str) -> None:
    """Of sixty faces, the one that is clicked in the table or on the photo is marked in both."""
    page.goto(f"{server}/?input_size=900&max_side=none")
    wait_until_idle(page)
    page.locator('input[type="file"]').first.set_input_files(
        {"name": "crowd.jpg", "mimeType": "image/jpeg", "buffer": crowd_photo()}
    )
    # At once, and though the photo is lower than the sample was, with a sentence above it.
    page.locator('[data-number="12"]').wait_for()
    _expect_chosen(page, 1)
    page.locator('[data-number="3"]').click()
    _expect_chosen(page, 3)
    wait_until_idle(page)
    expect(_metric(page, "Faces")).to_have_text("60")
    expect(page.locator("[data-number]")).to_have_count(60)
    photo = page.locator(".frame svg")
    assert page.request.get(server + str(photo.locator("image").get_attribute("href"))).ok
    table = page.get_by_test_id("stDataFrame").first
    second_row: Position = {"x": 14.0, "y": TABLE_HEAD_PX + 1.5 * TABLE_ROW_PX}
    table.click(position=second_row, delay=100)
    _expect_chosen(page, 2)
    page.get_by_role("button", name="Zoom in").click()
    seen = photo.get_attribute("viewBox")
    page.locator('[data-number="33"]').dispatch_event("click")
    _expect_chosen(page, 33)
    assert photo.get_attribute("viewBox") == seen  # what was zoomed to stays
    # The table is drawn on a canvas; for screen readers the rows in sight are told beside it.
    expect(table.locator('[role="row"][aria-selected="true"]')).to_contain_text("33")
    table.click(position=second_row, delay=100)
    expect(page.locator(".box.chosen")).not_to_have_attribute("data-number", "33")
    _expect_no_error(page)


def test_server_log_has_no_traceback(server: str, server_log: Path) -> None:
    """Nothing that the tests above did was unexpected to the server."""
    assert server.startswith("http")
    assert "Traceback" not in server_log.read_text()


def _upload(page: Page, files: dict[str, bytes]) -> None:
    payloads = [
        {"name": name, "mimeType": "image/png", "buffer": data} for name, data in files.items()
    ]
    page.locator('input[type="file"]').first.set_input_files(payloads)  # type: ignore[arg-type]
    for name in files:
        expect(page.get_by_test_id("stFileUploader").get_by_text(name)).to_be_visible()
    wait_until_idle(page)


def _go_to(page: Page, title: str) -> None:
    page.get_by_test_id("stSidebarNavLink").filter(has_text=title).click()
    expect(page.get_by_role("heading", name=title, level=1)).to_be_visible()


def _confidence(page: Page) -> Locator:
    return page.get_by_test_id("stSlider").filter(has_text="Confidence").get_by_role("slider")


def _metric(page: Page, label: str) -> Locator:
    metric = page.get_by_test_id("stMetric").filter(has_text=label)
    # For a moment the old number may still stand beside the new one.
    return metric.get_by_test_id("stMetricValue").first


def _expect_chosen(page: Page, number: int) -> None:
    """The photo's box, and the card, are those of this face."""
    expect(page.locator(".box.chosen")).to_have_attribute("data-number", str(number))
    expect(page.get_by_text(f"Face {number}", exact=True)).to_be_visible()


def _expect_no_error(page: Page) -> None:
    expect(page.get_by_test_id("stException")).to_have_count(0)
    # Such as Streamlit's "Page not found".
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_test_id("stAlertContentError")).to_have_count(0)


def _complaints(page: Page) -> list[str]:
    found: list[str] = []
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on("requestfailed", lambda request: found.append(request.url))
    return found


def _expect_it_looks_well(page: Page) -> None:
    wait_until_idle(page)
    _expect_no_error(page)
    # Charts follow a change of the width after a moment.
    page.wait_for_function(f"{OVERFLOW_PX} <= 0", timeout=PAGE_TIMEOUT_MS)


def _expect_it_is_accessible(page: Page) -> None:
    for _ in range(5):
        found = Axe().run(page).response["violations"]
        serious = [one for one in found if one["impact"] in ("serious", "critical")]
        # What is drawn anew each second is pale for a moment, where that takes long.
        if not serious:
            break
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in serious] == []


def _background(page: Page) -> str:
    script = "getComputedStyle(document.querySelector('.stApp')).backgroundColor"
    return str(page.evaluate(script))
