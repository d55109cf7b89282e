"""TIFF 6.0, BigTIFF and Adobe's technical notes."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.imaging.formats.scene import (
    ALPHA,
    GREY,
    HEIGHT,
    INDEX,
    PALETTE,
    RGB,
    WIDTH,
    Case,
    grey_rgb,
    packed,
    stored,
)


def _tiff(
    pixels: list[bytes],
    tags: dict[int, tuple[int, ...]],
    *,
    order: str = "<",
    big: bool = False,
) -> bytes:
    """Write a TIFF whose strips or tiles are these."""
    places = 324 if 322 in tags else 273
    head = 16 if big else 8
    offsets, place = [], head
    for part in pixels:
        offsets.append(place)
        place += len(part)
    counts = tuple(map(len, pixels))
    tags = {256: (WIDTH,), 257: (HEIGHT,), **tags}
    tags |= {places: tuple(offsets), (325 if places == 324 else 279): counts}
    entries, extra = b"", b""
    link, number, room = ("Q", "Q", 8) if big else ("I", "I", 4)
    behind = place + (8 if big else 2) + len(tags) * (20 if big else 12) + room
    for tag, values in sorted(tags.items()):
        kind = "I" if max(values) > 0xFFFF or tag in (places, 279, 325) else "H"
        content = struct.pack(f"{order}{len(values)}{kind}", *values)
        entries += struct.pack(f"{order}HH{number}", tag, 4 if kind == "I" else 3, len(values))
        if len(content) > room:
            entries += struct.pack(f"{order}{link}", behind + len(extra))
            extra += content + bytes(len(content) % 2)
        else:
            entries += content.ljust(room, b"\0")
    mark = b"II" if order == "<" else b"MM"
    if big:
        start = mark + struct.pack(f"{order}HHHQ", 43, 8, 0, place)
    else:
        start = mark + struct.pack(f"{order}HI", 42, place)
    directory = struct.pack(f"{order}{'Q' if big else 'H'}", len(tags)) + entries + bytes(room)
    return start + b"".join(pixels) + directory + extra


def _packbits(data: bytes) -> bytes:
    return b"".join(
        bytes((len(part) - 1,)) + part
        for part in (data[place : place + 128] for place in range(0, len(data), 128))
    )


def _tiles(values: NDArray[Any], side: int = 16) -> list[NDArray[Any]]:
    padding = [(0, -values.shape[0] % side), (0, -values.shape[1] % side), (0, 0)]
    full = np.pad(values, padding, mode="edge")
    return [
        full[y : y + side, x : x + side]
        for y in range(0, full.shape[0], side)
        for x in range(0, full.shape[1], side)
    ]


_PLAIN: dict[int, tuple[int, ...]] = {259: (1,), 278: (HEIGHT,)}
_COLOUR: dict[int, tuple[int, ...]] = {258: (8, 8, 8), 262: (2,), 277: (3,)}


def tiffs() -> Iterator[Case]:
    """Return kinds of pixels, places and packings that are written by hand."""
    yield from _deep()
    yield from _few_bits()
    yield from _arranged()


def _deep() -> Iterator[Case]:
    for order in "<>":
        which = "little" if order == "<" else "big"
        # Pillow knows no BigTIFF of the other order.
        for big in (False, True)[: 2 if order == "<" else 1]:
            name = f"{'BigTIFF' if big else 'TIFF'} {which} endian"
            data = _tiff([RGB.tobytes()], {**_PLAIN, **_COLOUR}, order=order, big=big)
            yield Case(name=f"{name}, colour", data=data, rgb=RGB)
            wide = (RGB.astype(np.uint16) * 257).astype(f"{order}u2").tobytes()
            tags = {**_PLAIN, **_COLOUR, 258: (16, 16, 16)}
            data = _tiff([wide], tags, order=order, big=big)
            yield Case(name=f"{name}, colour 16 bit", data=data, rgb=RGB)
            wide = (GREY.astype(np.uint16) * 257).astype(f"{order}u2").tobytes()
            tags = {**_PLAIN, 258: (16,), 262: (1,), 277: (1,)}
            data = _tiff([wide], tags, order=order, big=big)
            yield Case(name=f"{name}, grey 16 bit", data=data, rgb=grey_rgb(GREY))


def _few_bits() -> Iterator[Case]:
    deep = GREY.astype(int) * 4095 // 255
    pairs = np.pad(deep, [(0, 0), (0, 1)]).reshape(HEIGHT, -1, 2)
    first, second = pairs[:, :, 0], pairs[:, :, 1]
    bytes_of = np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], axis=2)
    row_bytes = (WIDTH * 12 + 7) // 8
    rows = b"".join(r.astype(np.uint8).tobytes()[:row_bytes] for r in bytes_of)
    data = _tiff([rows], {**_PLAIN, 258: (12,), 262: (1,), 277: (1,)})
    yield Case(name="TIFF grey 12 bit", data=data, rgb=grey_rgb(deep >> 4))
    for bits in (1, 2, 4, 8):
        most = (1 << bits) - 1
        level = ((GREY.astype(int) * most + 127) // 255).astype(np.uint8)
        rows = b"".join(packed(level, bits))
        for white, meant in ((0, most - level.astype(int)), (1, level.astype(int))):
            tags = {**_PLAIN, 258: (bits,), 262: (white,), 277: (1,)}
            name = f"TIFF grey {bits} bit, {'black' if white else 'white'} is zero"
            yield Case(name=name, data=_tiff([rows], tags), rgb=grey_rgb(meant * 255 // most))
        index = INDEX & ((1 << bits) - 1)
        colours = PALETTE[: 1 << bits]
        table = tuple(int(c) * 257 for c in colours.T.reshape(-1))
        tags = {**_PLAIN, 258: (bits,), 262: (3,), 277: (1,), 320: table}
        data = _tiff([b"".join(packed(index, bits))], tags)
        yield Case(name=f"TIFF palette {bits} bit", data=data, rgb=colours[index])


def _arranged() -> Iterator[Case]:
    for name, tags, parts in (
        ("strips", {**_PLAIN, 278: (5,)}, [RGB[y : y + 5].tobytes() for y in range(0, HEIGHT, 5)]),
        (
            "tiles",
            {259: (1,), 322: (16,), 323: (16,)},
            [tile.tobytes() for tile in _tiles(RGB)],
        ),
        (
            "deflated tiles",
            {259: (8,), 322: (16,), 323: (16,)},
            [zlib.compress(tile.tobytes()) for tile in _tiles(RGB)],
        ),
        ("planes", {**_PLAIN, 284: (2,)}, [RGB[:, :, c].tobytes() for c in range(3)]),
        (
            "deflated planes",
            {**_PLAIN, 259: (8,), 284: (2,)},
            [zlib.compress(RGB[:, :, c].tobytes()) for c in range(3)],
        ),
        (
            "planes in tiles",
            {259: (1,), 322: (16,), 323: (16,), 284: (2,)},
            [tile.tobytes() for c in range(3) for tile in _tiles(RGB[:, :, c : c + 1])],
        ),
        ("PackBits", {**_PLAIN, 259: (32773,)}, [b"".join(_packbits(r.tobytes()) for r in RGB)]),
        (
            "predictor",
            {**_PLAIN, 259: (8,), 317: (2,)},
            [
                zlib.compress(
                    np.diff(RGB, axis=1, prepend=np.zeros((HEIGHT, 1, 3), np.uint8)).tobytes()
                )
            ],
        ),
    ):
        yield Case(name=f"TIFF {name}", data=_tiff(parts, {**_COLOUR, **tags}), rgb=RGB)
    for kind, extra in (("unspecified", 0), ("separate alpha", 2)):
        four = np.concatenate([RGB, ALPHA[:, :, None]], axis=2)
        tags = {**_PLAIN, 258: (8,) * 4, 262: (2,), 277: (4,), 338: (extra,)}
        yield Case(name=f"TIFF four, {kind}", data=_tiff([four.tobytes()], tags), rgb=RGB)
        wide = (four.astype(np.uint16) * 257).tobytes()
        data = _tiff([wide], {**tags, 258: (16,) * 4})
        yield Case(name=f"TIFF four of 16 bit, {kind}", data=data, rgb=RGB)
        two = np.stack([GREY, ALPHA], axis=2)
        tags = {**_PLAIN, 258: (8, 8), 262: (1,), 277: (2,), 338: (extra,)}
        data = _tiff([two.tobytes()], tags)
        yield Case(name=f"TIFF grey and {kind}", data=data, rgb=grey_rgb(GREY))
    ink = 255 - np.concatenate([RGB, np.full((HEIGHT, WIDTH, 1), 255, np.uint8)], axis=2)
    tags = {**_PLAIN, 258: (8,) * 4, 262: (5,), 277: (4,)}
    yield Case(name="TIFF CMYK", data=_tiff([ink.tobytes()], tags), rgb=RGB, most=2)
    for orientation in range(1, 9):
        tags = {**_PLAIN, **_COLOUR, 274: (orientation,)}
        if orientation >= 5:
            tags |= {256: (HEIGHT,), 257: (WIDTH,), 278: (WIDTH,)}
        data = _tiff([stored(RGB, orientation).tobytes()], tags)
        yield Case(name=f"TIFF orientation {orientation}", data=data, rgb=RGB)
