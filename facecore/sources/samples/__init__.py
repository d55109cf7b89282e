"""Photos that come with the project: two portraits and a group made of them.

Where the portraits come from stands in ``README.md`` beside this file.
"""

from __future__ import annotations

import functools
from pathlib import Path

import cv2
import numpy as np

from facecore.imaging.decoding import BgrImage, decode_image, encode_png
from facecore.sources.photo import Photo

_FOLDER = Path(__file__).resolve().parent
_GROUP_WH = (1280, 720)


def samples() -> tuple[Photo, ...]:
    """Return the samples, with what is true of the people, the one to show first in front."""
    return (
        Photo(
            key="sample:group",
            title="Group of six",
            credit="composed in code from the two other samples",
            truth="All six faces are women: two portraits, each at three sizes, some mirrored. "
            "Eileen Collins was in her thirties or early forties, Grace Hopper was 77.",
            name="group.png",
            read=group_photo,
        ),
        Photo(
            key="sample:collins",
            title="Eileen Collins",
            credit="NASA, public domain",
            truth="Eileen Collins is a woman, here in her thirties or early forties.",
            name="astronaut.png",
            read=(_FOLDER / "astronaut.png").read_bytes,
        ),
        Photo(
            key="sample:hopper",
            title="Grace Hopper",
            credit="US Navy, 20 January 1984, public domain",
            truth="Grace Hopper is a woman, here 77 years old.",
            name="grace_hopper.jpg",
            read=(_FOLDER / "grace_hopper.jpg").read_bytes,
        ),
    )


@functools.cache
def group_photo() -> bytes:
    """Compose the group photo; PNG of 1280×720, the same bytes at every call."""
    canvas = _backdrop()
    collins = decode_image((_FOLDER / "astronaut.png").read_bytes())[10:250, 105:345]
    hopper = decode_image((_FOLDER / "grace_hopper.jpg").read_bytes())[30:430, 65:465]
    # Portrait, side in pixels, top left corner, mirrored or not.
    for portrait, side, (x, y), mirrored in (
        (collins, 300, (60, 40), False),
        (hopper, 240, (510, 70), True),
        (collins, 210, (940, 85), True),
        (hopper, 300, (130, 390), False),
        (collins, 260, (600, 410), True),
        (hopper, 300, (940, 380), True),
    ):
        turned = cv2.flip(portrait, 1) if mirrored else portrait
        scaled = cv2.resize(turned, (side, side), interpolation=cv2.INTER_AREA)
        _paste(canvas, scaled.astype(np.uint8, copy=False), x, y)
    return encode_png(canvas)


def _backdrop() -> BgrImage:
    width, height = _GROUP_WH
    rows = np.linspace(70, 120, height).astype(np.uint8)[:, None, None]
    tint = np.array([1.0, 0.95, 0.9])
    return np.ascontiguousarray((rows * tint).astype(np.uint8).repeat(width, axis=1))


def _paste(canvas: BgrImage, picture: BgrImage, x: int, y: int) -> None:
    height, width = picture.shape[:2]
    frame = 6
    top_left, bottom_right = (x - frame, y - frame), (x + width + frame - 1, y + height + frame - 1)
    cv2.rectangle(canvas, top_left, bottom_right, (235, 240, 245), cv2.FILLED)
    canvas[y : y + height, x : x + width] = picture
