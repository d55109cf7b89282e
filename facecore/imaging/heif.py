"""HEIC photos, as phones make them, through libheif: pi-heif, or pillow-heif where it is there.

pi-heif is a decoder alone (libheif and libde265, both LGPL, 1.5 MB). pillow-heif has the same
interface and is newer at times, but its wheels carry x265, which makes them GPL, so it is used
and not asked for. libheif refuses what is larger than its item says; what it does not bound
is how often a grid names the same tile, which is counted here.
"""

from __future__ import annotations

import importlib
import importlib.util
import io
import struct
from functools import cache
from types import ModuleType
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facecore.errors import DamagedImageError
from facecore.imaging.boxes import boxes, metas

_LIBRARIES = ("pillow_heif", "pi_heif")
# ISO 23008-12, annex B and E; the last two are of any image, as which AVIF is told first.
_AVIF_BRANDS = (b"avif", b"avis")
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs")
_IMAGE_BRANDS = (b"mif1", b"msf1", b"mif2", b"miaf")
# Tiles reach over the edge, by nearly one at the most; a small picture may have a large tile.
_MOST_TILES = 4
_LEAST_AREA = 1 << 20
_MAX_DEPTH = 4


def kind_by_brands(head: bytes) -> str:
    """Return "AVIF", "HEIC" or "" for the beginning of a file with a box "ftyp"."""
    length = int.from_bytes(head[:4], "big")
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, min(length, 256), 4))]
    if any(brand in _AVIF_BRANDS for brand in brands):
        return "AVIF"
    if any(brand in _HEIC_BRANDS for brand in brands):
        return "HEIC"
    return "HEIC" if head[8:12] in _IMAGE_BRANDS else ""


@cache
def is_there() -> bool:
    """Return whether a library that reads HEIC is installed; imports nothing."""
    return any(importlib.util.find_spec(name) for name in _LIBRARIES)


Primary = Any
"""The library's picture: its ``size`` upright, its ``mode`` as Pillow's; an array of its pixels."""


def open_primary(data: bytes) -> Primary:
    """Return the main picture of a file, not decoded yet.

    Raises:
        Exception: the library's own for whatever is broken.
    """
    # Blue first, eight bits; turned by the file's own boxes, which the EXIF tag only repeats.
    opened = _library().open_heif(io.BytesIO(data), convert_hdr_to_8bit=True, bgr_mode=True)
    return opened[opened.primary_index]


def decode(primary: Primary) -> NDArray[np.uint8]:
    """Return the upright pixels, BGR uint8 of shape (height, width, 3); transparency is dropped.

    Raises:
        Exception: the library's own for whatever is broken.
    """
    pixels: NDArray[np.uint8] = np.asarray(primary)
    grey = primary.mode in ("L", "LA", "La")
    if not grey:
        return np.ascontiguousarray(pixels[:, :, :3])
    plane = np.ascontiguousarray(pixels[:, :, 0] if pixels.ndim == 3 else pixels)
    return cv2.cvtColor(plane, cv2.COLOR_GRAY2BGR).astype(np.uint8, copy=False)


def check_items(data: bytes, max_pixels: int) -> None:
    """Check that no item of a file makes the decoder work for much more than it shows.

    Raises:
        DamagedImageError: it does.
    """
    items = _Items(data)
    for item in items.areas.keys() | items.made_of.keys():
        shown = items.areas.get(item, 0)
        cost = items.cost(item)
        if shown > max_pixels or cost > _MOST_TILES * max(shown, _LEAST_AREA):
            raise DamagedImageError(
                "The picture is made of far more than it shows: save it again or choose another "
                "file."
            )


@cache
def _library() -> ModuleType:
    name = next(name for name in _LIBRARIES if importlib.util.find_spec(name))
    return importlib.import_module(name)


class _Items:
    """How large the items of a file are, and which are made of which (ISO 14496-12, 23008-12)."""

    def __init__(self, data: bytes) -> None:
        self.areas: dict[int, int] = {}
        self.made_of: dict[int, list[int]] = {}
        self._costs: dict[int, int] = {}
        for meta in metas(memoryview(data)):
            self._read_meta(meta)

    def cost(self, item: int, depth: int = 0) -> int:
        """Return how many pixels are decoded for an item."""
        if item not in self._costs:
            if depth > _MAX_DEPTH:
                return 1 << 62
            parts = self.made_of.get(item)
            own = self.areas.get(item, 0)
            self._costs[item] = (
                own if parts is None else sum(self.cost(part, depth + 1) for part in parts)
            )
        return self._costs[item]

    def _read_meta(self, meta: memoryview) -> None:
        sizes: list[int] = []
        for kind, content in boxes(meta):
            if not len(content):
                continue
            if kind == b"iref":
                self._read_references(content)
            elif kind == b"iprp":
                for inner, part in boxes(content):
                    if inner == b"ipco":
                        sizes = [_area(*property) for property in boxes(part)]
                    elif inner == b"ipma":
                        self._read_associations(part, sizes)

    def _read_references(self, content: memoryview) -> None:
        width = 4 if content[0] else 2
        for kind, part in boxes(content[4:]):
            if kind == b"dimg" and len(part) >= width + 2:
                self.made_of[int.from_bytes(part[:width], "big")] = [
                    int.from_bytes(part[at : at + width], "big")
                    for at in range(width + 2, len(part), width)
                ]

    def _read_associations(self, content: memoryview, sizes: list[int]) -> None:
        version, wide = content[0] if content else 0, bool(content[3:4] and content[3] & 1)
        place, id_bytes, step = 8, 4 if version else 2, 2 if wide else 1
        while place + id_bytes < len(content):
            item = int.from_bytes(content[place : place + id_bytes], "big")
            count = content[place + id_bytes]
            place += id_bytes + 1
            for at in range(place, place + count * step, step):
                index = int.from_bytes(content[at : at + step], "big") & (0x7FFF if wide else 0x7F)
                if 0 < index <= len(sizes):
                    self.areas[item] = max(self.areas.get(item, 0), sizes[index - 1])
            place += count * step


def _area(kind: bytes, content: memoryview) -> int:
    if kind != b"ispe" or len(content) < 12:
        return 0
    width, height = struct.unpack_from(">II", content, 4)
    return int(width * height)
