"""Render every page with real content: ``python -m tests.browser.screenshots FOLDER``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page

from facecore.sources.samples import samples
from tests.browser.fake_camera import camera_flag, write_clip
from tests.browser.server import (
    chromium_path,
    running_browser,
    wait_until_idle,
)
from tests.crowd import crowd_photo
from tests.server import server_process

WIDTHS_PX = {"wide": 1400, "narrow": 420}
SCHEMES = ("light", "dark")
HEIGHT_PX = 900
# Where the faces of the group sample are, drawn by hand: xyxy pixels.
GROUP_BOXES = (
    (150, 108, 268, 240),
    (570, 118, 700, 250),
    (1004, 130, 1090, 228),
    (208, 448, 354, 615),
    (680, 468, 782, 588),
    (1012, 440, 1168, 604),
)


def shoot(browser: Browser, address: str, folder: Path) -> list[Path]:
    """Take a picture of each page, wide and narrow, light and dark; gives the files."""
    written: list[Path] = []
    for scheme in SCHEMES:
        for width_name, width in WIDTHS_PX.items():
            context = browser.new_context(
                viewport={"width": width, "height": HEIGHT_PX},
                color_scheme="light" if scheme == "light" else "dark",
            )
            page = context.new_page()
            for name, visit in _VISITS.items():
                visit(page, address)
                target = folder / f"{name}-{width_name}-{scheme}.jpg"
                _shoot_whole(page, width, target)
                written.append(target)
            context.close()
    return written


def _shoot_whole(page: Page, width: int, target: Path) -> None:
    """The page scrolls inside a pane of its own, so the window grows until all of it shows."""
    pane = page.get_by_test_id("stMain")
    page.set_viewport_size({"width": width, "height": pane.evaluate("e => e.scrollHeight")})
    wait_until_idle(page)
    page.screenshot(path=target, type="jpeg", quality=80)
    page.set_viewport_size({"width": width, "height": HEIGHT_PX})


def _visit_analyze(page: Page, address: str) -> None:
    page.goto(address)
    page.locator(".js-plotly-plot").first.wait_for()
    wait_until_idle(page)


def _visit_crowd(page: Page, address: str) -> None:
    page.goto(f"{address}/?input_size=900&max_side=none")
    wait_until_idle(page)
    page.locator('input[type="file"]').first.set_input_files(
        {"name": "crowd.jpg", "mimeType": "image/jpeg", "buffer": crowd_photo()}
    )
    page.locator('[data-number="12"]').click()
    page.get_by_text("Face 12", exact=True).wait_for()
    wait_until_idle(page)


def _visit_gallery(page: Page, address: str) -> None:
    files = [
        {"name": sample.name, "mimeType": "image/png", "buffer": sample.read()}
        for sample in samples()
    ]
    files.append({"name": "broken.png", "mimeType": "image/png", "buffer": b"no picture"})
    page.locator('input[type="file"]').first.set_input_files(files)  # type: ignore[arg-type]
    page.get_by_text("photos could be read").wait_for()
    page.locator(".js-plotly-plot").first.wait_for()
    wait_until_idle(page)


def _visit_live(page: Page, _: str) -> None:
    _navigate(page, "Live")
    wait_until_idle(page)
    page.get_by_role("button", name="Start the camera").click()
    page.locator(".live canvas").wait_for()
    page.wait_for_timeout(15_000)  # for the monitor


def _visit_batch(page: Page, _: str) -> None:
    _navigate(page, "Batch")
    wait_until_idle(page)
    files = [
        {"name": f"{number}-{sample.name}", "mimeType": "image/png", "buffer": sample.read()}
        for number in range(1, 5)
        for sample in samples()
    ]
    files.append({"name": "broken.png", "mimeType": "image/png", "buffer": b"no picture"})
    page.locator('input[type="file"]').first.set_input_files(files)  # type: ignore[arg-type]
    page.get_by_role("button", name=f"Read {len(files)} photos").click()
    page.get_by_text(f"All {len(files)} photos are done").wait_for(timeout=120_000)
    page.locator(".js-plotly-plot").nth(3).wait_for()
    wait_until_idle(page)


def _visit_tune(page: Page, _: str) -> None:
    _navigate(page, "Tune")
    page.get_by_role("heading", name="Against the truth").wait_for()
    wait_until_idle(page)
    boxes = "file,x1,y1,x2,y2\n" + "\n".join(
        f"group.png,{','.join(map(str, box))}" for box in GROUP_BOXES
    )
    page.locator('input[type="file"]').last.set_input_files(
        {"name": "boxes.csv", "mimeType": "text/csv", "buffer": boxes.encode()}
    )
    page.get_by_role("button", name="Adopt the best F1").wait_for()
    page.locator(".js-plotly-plot").nth(3).wait_for()
    wait_until_idle(page)


def _visit_compare(page: Page, _: str) -> None:
    _navigate(page, "Compare")
    wait_until_idle(page)
    # On six photos all that follows would take minutes.
    page.get_by_role("button", name="Remove my").click()
    wait_until_idle(page)
    page.get_by_role("button", name="Measure 2 variants").click()
    page.get_by_text("The photos side by side").wait_for(timeout=120_000)
    page.locator(".js-plotly-plot").nth(4).wait_for()
    wait_until_idle(page)


def _visit_optimise(page: Page, _: str) -> None:
    _navigate(page, "Optimise")
    wait_until_idle(page)
    minutes = page.get_by_role("spinbutton", name="Minutes")
    minutes.fill("0.5")
    minutes.press("Enter")
    wait_until_idle(page)
    page.get_by_role("button", name="Search on 1 photo").click()
    page.get_by_role("button", name="Optimise Report").wait_for(timeout=300_000)
    page.locator(".js-plotly-plot").first.wait_for()
    wait_until_idle(page)


def _visit_monitor(page: Page, _: str) -> None:
    # By the navigation, so that the session's runs are there to see.
    _navigate(page, "Monitor")
    page.locator(".js-plotly-plot").nth(2).wait_for()
    page.wait_for_timeout(4000)  # a few seconds of the live strip
    wait_until_idle(page)


def _visit_models(page: Page, _: str) -> None:
    _navigate(page, "Models")
    page.get_by_text("Version").first.wait_for()
    wait_until_idle(page)


def _visit_engines(page: Page, _: str) -> None:
    _navigate(page, "Engines")
    wait_until_idle(page)
    for label, number in (("Rounds", "6"), ("Faces", "30")):
        field = page.get_by_role("spinbutton", name=label)
        field.fill(number)
        field.press("Enter")
        wait_until_idle(page)
    page.get_by_role("button", name="Measure the engines").click()
    page.get_by_role("button", name="Engines PNG").wait_for(timeout=600_000)
    page.locator(".js-plotly-plot").nth(1).wait_for()
    wait_until_idle(page)


def _navigate(page: Page, title: str) -> None:
    narrow = page.viewport_size is not None and page.viewport_size["width"] == WIDTHS_PX["narrow"]
    if narrow:
        page.get_by_test_id("stExpandSidebarButton").click()
    page.get_by_test_id("stSidebarNavLink").filter(has_text=title).click()
    page.get_by_role("heading", name=title, level=1).wait_for()
    if narrow:
        # On a telephone the sidebar lies over the page until it is closed.
        page.get_by_test_id("stSidebarHeader").hover()
        page.get_by_test_id("stSidebarCollapseButton").get_by_role("button").click()
        page.wait_for_timeout(500)


_VISITS = {
    "analyze": _visit_analyze,
    "gallery": _visit_gallery,
    "live": _visit_live,
    "batch": _visit_batch,
    "tune": _visit_tune,
    "compare": _visit_compare,
    "optimise": _visit_optimise,
    "monitor": _visit_monitor,
    "models": _visit_models,
    "engines": _visit_engines,
    # The last, as its settings stay.
    "crowd": _visit_crowd,
}


def main() -> None:
    """Serve the dashboard, take the pictures, say where they are."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "build/screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    chromium = chromium_path()
    if chromium is None:
        sys.exit("error: Chromium was not found: install it or name it in CHROMIUM.")
    with (
        tempfile.TemporaryDirectory() as scratch,
        server_process(Path(scratch) / "server.log") as server,
    ):
        clip = Path(scratch) / "clip.y4m"
        write_clip(clip)
        with running_browser(chromium, camera_flag(clip)) as browser:
            for path in shoot(browser, server.address, folder):
                print(path)


if __name__ == "__main__":
    main()
