"""What is in the files of `tests.imaging.formats`, and what is said of each."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

WIDTH, HEIGHT = 37, 26
"""Neither a multiple of 4 nor of 8: rows and blocks have to be padded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A file, the pixels that it means (RGB), and how far from them its format may be."""

    name: str
    data: bytes
    rgb: NDArray[np.uint8]
    most: int = 0
    mean: float = 0.0


def scene(width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.uint8]:
    """Smooth colours, RGB, in which no turn, flip or swap looks like another."""
    x, y = np.linspace(0, 1, width), np.linspace(0, 1, height)[:, None]
    red, green, blue = 250 * x * (1 - y), 20 + 200 * y + 0 * x, 200 * (1 - x) * y + 30
    return np.stack(np.broadcast_arrays(red, green, blue), axis=2).astype(np.uint8)


def grey_rgb(grey: NDArray[Any]) -> NDArray[np.uint8]:
    """Return grey as RGB."""
    return np.repeat(grey[:, :, None], 3, axis=2).astype(np.uint8)


RGB = scene()
GREY = RGB[:, :, 1]
INDEX = (np.add.outer(np.arange(HEIGHT) // 3, np.arange(WIDTH) // 2) % 16).astype(np.uint8)
PALETTE = np.random.default_rng(4).integers(0, 256, (256, 3), dtype=np.uint8)
BITS = (INDEX % 2).astype(np.uint8)
ALPHA = np.linspace(0, 255, WIDTH * HEIGHT).reshape(HEIGHT, WIDTH).astype(np.uint8)


def packed(values: NDArray[Any], bits: int) -> list[bytes]:
    """Each row's numbers of 1, 2, 4 or 8 bits, the first in the highest bits."""
    spread = np.unpackbits(values.astype(np.uint8)[:, :, None], axis=2)[:, :, 8 - bits :]
    return [row.tobytes() for row in np.packbits(spread.reshape(len(values), -1), axis=1)]


def saved(picture: Image.Image, image_format: str, **options: Any) -> bytes:
    """Return a file as Pillow writes it."""
    buffer = io.BytesIO()
    picture.save(buffer, image_format, **options)
    return buffer.getvalue()


def stored(rgb: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """The stored rows of an upright picture, EXIF 2.32, tag 0x0112."""
    stored = rgb
    if orientation in (3, 4, 7, 8):
        stored = stored[::-1]
    if orientation in (2, 3, 6, 7):
        stored = stored[:, ::-1]
    if orientation >= 5:
        stored = stored.transpose(1, 0, 2)
    return np.ascontiguousarray(stored)
