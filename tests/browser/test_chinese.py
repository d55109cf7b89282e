"""The pages in a Chinese browser, walked as a visitor does: what they show is Chinese."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.server import DESKTOP_PX, PAGE_TIMEOUT_MS, wait_until_idle

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PAGES = ("", "live", "batch", "tune", "compare", "optimise", "engines", "monitor", "models")
NARROW_PX = 420
OVERFLOW_PX = "document.documentElement.scrollWidth - document.documentElement.clientWidth"

# Text that is drawn, that of charts, and the cells of tables, which are a canvas.
_SHOWN = """() => {
  const drawn = document.body.innerText.split("\\n");
  const charts = [...document.querySelectorAll(".js-plotly-plot text")].map((one) => one.textContent);
  const cells = [...document.querySelectorAll("canvas th, canvas td")];
  const all = [...drawn, ...charts, ...cells.map((one) => one.textContent)];
  return [...new Set(all.map((one) => one.trim()))];
}"""
# Icons are letters of a font that draws them.
_NO_ICONS = "[data-testid=stIconMaterial] { display: none !important; }"
_WORD = re.compile(r"[A-Za-z]{2,}")
_CHINESE = re.compile(r"[\u3400-\u9fff]")
# Names of networks, engines, formats, files and what is typed into a terminal; units; the switch;
# the uploader's own words, see docs/settings.md.
_MAY_BE = re.compile(
    r"English|Skip to main content|Upload|Browse files|.*[Pp]er file.*"
    r"|ONNX Runtime|OpenCV.*|MNN|LiteRT|OpenVINO|PyTorch"
    r"|JSON.*|CSV|Parquet|PNG|CPU|F1|[\d.,%± /×–-]+ ?(MB|GB|GFLOPs|ms|s|px)?|(ms|MB|px)"
    r"|[\w./-]+\.(caffemodel|prototxt|onnx|toml|jpg|png)|(pip|make|facecore|python) .*"
    r"|[0-9a-f]{8,}…?|[a-z]+(_[a-z0-9]+)+|[A-Z]?[a-z]+ [A-Z].*"
)


def _english(page: Page) -> set[str]:
    wait_until_idle(page)
    return {
        line
        for line in page.evaluate(_SHOWN)
        if _WORD.search(line) and not _CHINESE.search(line) and not _MAY_BE.fullmatch(line)
    }


def test_a_chinese_browser_is_shown_no_english_of_ours(browser: Browser, server: str) -> None:
    """On no page, in no chart, table or fold, wide or narrow; nothing is wider than its window."""
    context = browser.new_context(viewport=DESKTOP_PX, locale="zh-CN", reduced_motion="reduce")
    context.set_default_timeout(PAGE_TIMEOUT_MS)
    page = context.new_page()
    page.goto(server)
    page.add_style_tag(content=_NO_ICONS)
    found = {}
    for address in PAGES:
        page.locator(f'[data-testid="stSidebarNavLink"][href$="/{address}"]').first.click()
        expect(page.get_by_role("heading", level=1)).to_have_text(_CHINESE)
        for fold in page.get_by_test_id("stMain").locator("summary").all():
            fold.click()
        found[address] = _english(page)
        page.set_viewport_size({"width": NARROW_PX, "height": 900})
        assert page.evaluate(OVERFLOW_PX) <= 0, address
        page.set_viewport_size(DESKTOP_PX)
    context.close()
    assert {address: lines for address, lines in found.items() if lines} == {}
