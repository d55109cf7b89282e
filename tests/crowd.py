"""A photo of sixty small faces, made of the project's own samples."""

from __future__ import annotations

import functools

import cv2
import numpy as np

from facecore.imaging.decoding import decode_image, encode_jpeg
from tests.conftest import SAMPLES

FACES = 60
# Of the samples those that lie in the public domain, each with one person.
_PORTRAITS = (
    "lisa_blunt_rochester",
    "tim_scott",
    "mazie_hirono",
    "ami_bera",
    "bernie_sanders",
    "sharice_davids",
    "marco_rubio",
    "elise_stefanik",
)
_COLUMNS, _ROWS, _CELL_PX = 10, 6, 150


@functools.cache
def crowd_photo() -> bytes:
    """Return a JPEG of 1500×900: ten portraits in each of six rows, every other one mirrored."""
    cells = []
    for number in range(FACES):
        name = _PORTRAITS[(number * 5 + number // _COLUMNS) % len(_PORTRAITS)]
        picture = decode_image((SAMPLES / f"{name}.jpg").read_bytes())
        side = min(picture.shape[:2])
        cell = cv2.resize(picture[:side, :side], (_CELL_PX, _CELL_PX), interpolation=cv2.INTER_AREA)
        cells.append(cell[:, ::-1] if number % 2 else cell)
    rows = [np.hstack(cells[_COLUMNS * row : _COLUMNS * (row + 1)]) for row in range(_ROWS)]
    return encode_jpeg(np.vstack(rows).astype(np.uint8))
