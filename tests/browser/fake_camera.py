"""A camera that is none: a clip of people with a frame number in each frame, for Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from playwright.sync_api import Browser, BrowserType, Page

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.imaging.decoding import BgrImage, decode_image
from facecore.imaging.geometry import iou_matrix
from facecore.settings import AnalysisSettings
from facecore.sources.samples import samples
from tests.browser.server import CHROMIUM_FLAGS, DESKTOP_PX, PAGE_TIMEOUT_MS, chromium_path

FRAMES, FRAMES_PER_S = 64, 30
SIZE_WH = (640, 400)
STEP_PX = 6
"""How far all moves from one frame to the next: two are told apart by their boxes."""
_BIT_PX, _BITS = 24, 6


# Has a page keep what it draws, with its frame's number as it is on the canvas.
_WATCH = """(live, bits) => {
  const seen = [];
  const look = (drawn) => {
    const canvas = live.querySelector("canvas");
    const at = ([x, y]) => [Math.round(x * canvas.width), Math.round(y * canvas.height), 1, 1];
    const isOn = (bit) => canvas.getContext("2d").getImageData(...at(bit)).data[0] > 127;
    const number = bits.reduce((sum, bit, place) => sum + (isOn(bit) << place), 0);
    seen.push({ ...drawn, number, at: performance.now() });
  };
  Object.defineProperty(live, "drawn", { set: look, get: () => seen.at(-1) });
  window.seen = seen;
}"""
# Where each bit of the number is, as parts of the picture's width and height.
_PLACES = [
    ((bit + 0.5) * _BIT_PX / SIZE_WH[0], 1 - _BIT_PX / 2 / SIZE_WH[1]) for bit in range(_BITS)
]
_KEEP_STREAMS = """
window.streams = [];
const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (wanted) => {
  const stream = await open(wanted);
  window.streams.push(stream);
  return stream;
};
"""


def camera_flag(clip: Path) -> str:
    """Return what has Chromium take a clip for its camera."""
    return f"--use-file-for-fake-video-capture={clip}"


@contextmanager
def with_camera(kind: BrowserType, clip: Path) -> Iterator[Browser]:
    """Start a Chromium whose camera plays a clip, for pages that may use it."""
    flags = [flag for flag in CHROMIUM_FLAGS if "fake-ui" not in flag]
    running = kind.launch(
        executable_path=chromium_path(),
        args=[*flags, camera_flag(clip)],
    )
    try:
        yield running
    finally:
        running.close()


def live_page(browser: Browser, address: str) -> Page:
    """Open Live in a tab that may use the camera, start it, and have what is drawn kept."""
    context = browser.new_context(
        viewport=DESKTOP_PX, reduced_motion="reduce", permissions=["camera"]
    )
    context.set_default_timeout(PAGE_TIMEOUT_MS)
    context.add_init_script(_KEEP_STREAMS)
    page = context.new_page()
    page.goto(f"{address}/live")
    page.get_by_role("button", name="Start the camera").click()
    page.locator(".live").evaluate(_WATCH, _PLACES)
    page.wait_for_function("window.seen.length")
    return page


def overlap(drawn: dict[str, Any], analyzer: FaceAnalyzer) -> float:
    """Return how far the boxes on a picture are those that its frame has when it is read: IoU.

    Of the box that is the farthest off; 1 where there is none.
    """
    answer = drawn["answer"]
    assert (answer["width"], answer["height"]) == SIZE_WH
    # A frame that went through a JPEG may have a face that was not quite one before.
    settings = AnalysisSettings(confidence=0.4)
    analysis = analyzer.analyze(frame(drawn["number"]), settings, annotate=False)
    found = np.array([face.box.xyxy for face in analysis.faces])
    boxes = np.array([face["box"] for face in answer["faces"]])
    return float(iou_matrix(boxes, found).max(axis=1, initial=0).min(initial=1))


def write_clip(path: Path) -> None:
    """Write the clip, which Chromium plays again and again, as Y4M."""
    width, height = SIZE_WH
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{width} H{height} F{FRAMES_PER_S}:1 Ip A1:1 C420\n".encode())
        for number in range(FRAMES):
            file.write(b"FRAME\n")
            file.write(cv2.cvtColor(frame(number), cv2.COLOR_BGR2YUV_I420).tobytes())


def frame(number: int) -> BgrImage:
    """Return a frame, from 0: BGR; a look that goes along a photo of people, and back."""
    width, height = SIZE_WH
    left = STEP_PX * min(number, FRAMES - number)
    image = _photo()[:height, left : left + width].copy()
    for bit in range(_BITS):
        value = 255 * (number >> bit & 1)
        image[height - _BIT_PX :, bit * _BIT_PX : (bit + 1) * _BIT_PX] = value
    return image


@cache
def _photo() -> BgrImage:
    return decode_image(samples()[0].read())
