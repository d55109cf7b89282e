"""The Live page in a real browser with a fake camera, on the real route."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from statistics import median
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.ui.live import camera as camera_module
from tests.browser import fake_camera
from tests.browser.server import DESKTOP_PX

pytestmark = pytest.mark.browser

_FRAMES = 15
_TRACKS = "window.streams.flatMap((one) => one.getTracks()).map((one) => one.readyState)"


@pytest.fixture(scope="module")
def camera(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A Chromium whose camera plays the clip."""
    clip = tmp_path_factory.mktemp("camera") / "clip.y4m"
    fake_camera.write_clip(clip)
    with fake_camera.with_camera(browser.browser_type, clip) as running:
        yield running


def test_refused_camera_is_told_in_a_sentence(camera: Browser, server: str) -> None:
    """Who does not allow the camera reads what to do, and may try again."""
    page = camera.new_page(viewport=DESKTOP_PX)
    page.goto(f"{server}/live")
    start = page.get_by_role("button", name="Start the camera")
    start.click()
    expect(page.get_by_text("The camera was refused: allow it for this page")).to_be_visible()
    expect(page.get_by_text("The camera is off.")).to_be_visible()
    expect(start).to_be_enabled()
    page.close()


def test_boxes_are_of_the_frame_that_is_shown(
    camera: Browser, server: str, analyzer: FaceAnalyzer
) -> None:
    """What is drawn is the frame that was read, soon; settings act at once, leaving ends it."""
    page = fake_camera.live_page(camera, server)
    expect(page.get_by_text("The camera is on: frames are sent")).to_be_visible()
    page.wait_for_function(f"window.seen.length >= {_FRAMES}")
    seen: list[dict[str, Any]] = page.evaluate("window.seen")
    assert len({one["number"] for one in seen}) > 5  # the clip plays
    assert all(one["answer"]["faces"] for one in seen)
    overlaps = [fake_camera.overlap(one, analyzer) for one in seen]
    assert median(overlaps) > 0.95
    assert min(overlaps) > 0.8
    # Nothing heaps up: a picture waits for one answer at most before its own.
    answered_ms = median(b["at"] - a["at"] for a, b in pairwise(seen))
    assert median(one["lag"] for one in seen[-10:]) < 2 * answered_ms + 100
    _split(page)
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Monitor").click()
    expect(page.get_by_role("heading", name="Monitor", level=1)).to_be_visible()
    page.wait_for_function(f"{_TRACKS}.length == 1 && {_TRACKS}[0] == 'ended'")
    expect(
        page.get_by_text("A camera's run is one row, from connecting to the end")
    ).to_be_visible()
    page.context.close()


def test_monitor_has_each_second_once_and_all_of_a_reading(browser: Browser) -> None:
    """What another Start brings again is known; a wait is no part of a reading."""
    page = browser.new_page()
    script = (camera_module._FOLDER / "monitor.js").read_text(encoding="utf-8")
    page.add_script_tag(content=f"{script}\nwindow.it = new LiveMonitor(document.body);")
    ms = {"queue": 30, "decode": 2, "detect": 40, "classify": 8, "total": 57}
    page.evaluate(
        "([words, seconds]) => { it.name(words); it.add(seconds); it.add(seconds); }",
        [
            {
                "monitor": "",
                "figures": {name: str(text) for name, text in camera_module._FIGURES.items()},
                "scales": dict.fromkeys(camera_module._SCALES, ""),
            },
            [{"at": at, "ms": ms, "read": 9, "offered": 30 * at**2} for at in (1, 2)],
        ],
    )
    assert page.evaluate("it.seconds.map((one) => one.at)") == [1, 2]
    # Of the frames that were offered, as one second stands out.
    assert page.evaluate("niceTop(usualTop(it.seconds.map((one) => [one.offered])))") == 50
    expect(page.get_by_text("rest 7 ms")).to_be_attached()
    page.close()


def test_what_is_said_beside_the_picture_is_true(browser: Browser) -> None:
    """Nothing is sent while the connection is lost; a wait leaves the share, and is over soon."""
    page = browser.new_page()
    names = (name for name in camera_module._SCRIPTS if name != "sending.js")
    scripts = ((camera_module._FOLDER / name).read_text(encoding="utf-8") for name in names)
    page.add_script_tag(content="\n".join(scripts).replace("export default", "window.entry ="))
    words = {name: str(text) for name, text in camera_module._WORDS.items()}
    said = {"figures": dict.fromkeys(camera_module._FIGURES, ""), "scales": {}}
    page.evaluate(
        """(data) => {
          window.it = new LiveView(document.body);
          it.show(data);
          Object.assign(it, { isOn: true, kind: "camera", source: {} });
          it.look();
        }""",
        {"words": {**words, **said}, "titles": []},
    )
    light, below = page.locator(".light"), page.locator(".share")
    expect(light).to_have_text(words["camera_on"])
    page.evaluate("it.lose('Lost.')")
    expect(light).to_have_text(words["unsent"])
    expect(page.get_by_text("Lost.")).to_be_attached()
    answer = "{ faces: [], left: 3, width: 9, height: 9, share_fps: 1, visitors: 2 }"
    for _ in range(2):
        page.evaluate(f"it.faces({answer}, document.createElement('canvas'), 0)")
        expect(light).to_have_text(words["camera_on"])
        share = "Your share: 1.0 frames/s, 2 visitors are live. Faces that are read in the next"
        expect(below).to_have_text(re.compile(rf"^{share} frames: 3\.$"))
        page.evaluate("it.hear({ type: 'waiting', sentence: 'Photos come first.' })")
        expect(below).to_have_text(re.compile(rf"^{share} frames: 3\. Photos come first\.$"))
    page.close()


def _split(page: Page) -> None:
    """A setting of the sidebar and a second one beside it act while the camera goes on."""
    live = page.locator(".live")
    page.get_by_role("combobox", name="Compare with").click()
    page.get_by_role("option", name="Careful", exact=True).click()
    expect(live.locator("canvas")).to_have_count(2)
    expect(live.get_by_text("These settings")).to_be_visible()
    slider = page.get_by_test_id("stSidebar").get_by_role("slider", name="Confidence")
    slider.press("End")
    expect(live.get_by_role("img", name="No face in this frame").first).to_be_visible()
    frames = [one["answer"]["frame"] for one in page.evaluate("window.seen")]
    assert frames == sorted(frames)  # counted on, from the first Start
    assert page.evaluate(_TRACKS) == ["live"]
