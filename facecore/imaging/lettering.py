"""Text of any script as pixels, in the fonts that lie beside this file."""

from __future__ import annotations

import functools
import itertools
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

LINE_EM = 1.25
"""Height of a line of text, in sizes of its font."""

_BASELINE_EM = 1.0  # from the line's top; Ž reaches to 0.93
_FOLDER = Path(__file__).resolve().parent / "fonts"
# The first that has a character draws it. Behind ours, which know 3,755 Chinese characters,
# come those that a system may have; Pillow knows where systems keep them.
_FONTS = (
    str(_FOLDER / "DejaVuSansCondensed.ttf"),
    str(_FOLDER / "DroidSansFallback.ttf"),
    "NotoSansCJK-Regular.ttc",
    "DroidSansFallbackFull.ttf",
    "wqy-microhei.ttc",
    "PingFang.ttc",
    "msyh.ttc",
    "malgun.ttf",
)
_NO_CHARACTER = "\U0010ffff"
_MEASURED_PX = 100


@functools.lru_cache(maxsize=4096)
def text_width_em(text: str) -> float:
    """Return how wide a line of text is, in sizes of its font; the same at every size."""
    return sum(
        _font(number, _MEASURED_PX).getlength(run) / _MEASURED_PX for number, run in _runs(text)
    )


def text_mask(text: str, size_px: int) -> NDArray[np.uint8]:
    """Return a line of text as opacities, uint8 (height, width), 255 where the ink is.

    Arabic is joined and runs from right to left where Pillow finds the system's FriBiDi
    library (``PIL.features.check("fribidi")``), else its letters stand alone from left to right.

    Args:
        text: one line; a character that no font has is drawn as an empty box.
        size_px: of the font, at least 1; the line is `LINE_EM` times as high.
    """
    pieces = text.split(" ") if text.isascii() else [text]
    lefts = itertools.accumulate((text_width_em(piece + " ") for piece in pieces), initial=0.0)
    line = np.zeros((round(LINE_EM * size_px), math.ceil(text_width_em(text) * size_px)), np.uint8)
    for left_em, piece in zip(lefts, pieces, strict=False):
        mask = _piece_mask(piece, size_px)
        left = min(round(left_em * size_px), line.shape[1] - mask.shape[1])
        line[:, left : left + mask.shape[1]] |= mask
    return line


@functools.lru_cache(maxsize=128)
def _piece_mask(piece: str, size_px: int) -> NDArray[np.uint8]:
    # Drawing letters takes far longer than laying kept words side by side.
    width = math.ceil(text_width_em(piece) * size_px)
    image = Image.new("L", (width, round(LINE_EM * size_px)))
    draw = ImageDraw.Draw(image)
    x = 0.0
    for number, run in _runs(piece):
        font = _font(number, size_px)
        draw.text((x, round(_BASELINE_EM * size_px)), run, fill=255, font=font, anchor="ls")
        x += font.getlength(run)
    return np.asarray(image)


def _runs(text: str) -> list[tuple[int, str]]:
    """Split a text where another font has to go on; each part with its font's number."""
    if text.isascii():
        return [(0, text)]
    runs = itertools.groupby(text, _number_of_font)
    return [(number, "".join(characters)) for number, characters in runs]


@functools.lru_cache(maxsize=4096)
def _number_of_font(character: str) -> int:
    for number in range(len(_FONTS)):
        font = _found(number, _MEASURED_PX)
        if font and bytes(font.getmask(character)) != bytes(font.getmask(_NO_CHARACTER)):
            return number
    return 0


@functools.lru_cache(maxsize=32)
def _found(number: int, size_px: int) -> ImageFont.FreeTypeFont | None:
    try:
        return ImageFont.truetype(_FONTS[number], size_px)
    except OSError:
        return None


def _font(number: int, size_px: int) -> ImageFont.FreeTypeFont:
    font = _found(number, size_px)
    if font is None:
        raise FileNotFoundError(_FONTS[number])
    return font
