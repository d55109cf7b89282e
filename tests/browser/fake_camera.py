"""A camera that is none: a clip of people with a frame number in each frame, for Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import cv2
from playwright.sync_api import Browser

from facecore.imaging.decoding import BgrImage, decode_image
from facecore.sources.samples import samples
from tests.browser.server import CHROMIUM_FLAGS, chromium_path

FRAMES, FRAMES_PER_S = 64, 25
SIZE_WH = (640, 400)
STEP_PX = 6
"""How far all moves from one frame to the next: two are told apart by their boxes."""
_BIT_PX, _BITS = 24, 6


WATCH = """(live, bits) => {
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
"""Has a page keep in ``window.seen`` what it draws: its frame's number as it is on the canvas."""
BITS = [((bit + 0.5) * _BIT_PX / SIZE_WH[0], 1 - _BIT_PX / 2 / SIZE_WH[1]) for bit in range(_BITS)]
"""Where each bit of the number is, as parts of the picture's width and height."""


@contextmanager
def with_camera(browser: Browser, clip: Path) -> Iterator[Browser]:
    """Start another Chromium like this one whose camera plays a clip, for pages that may use it."""
    flags = [flag for flag in CHROMIUM_FLAGS if "fake-ui" not in flag]
    running = browser.browser_type.launch(
        executable_path=chromium_path(),
        args=[*flags, f"--use-file-for-fake-video-capture={clip}"],
    )
    try:
        yield running
    finally:
        running.close()


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
