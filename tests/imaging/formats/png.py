"""PNG: W3C, "Portable Network Graphics (PNG) Specification (Third Edition)"."""

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
)

_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2))
_PNG_PASSES = {False: ((0, 0, 1, 1),), True: (*_ADAM7, (0, 1, 1, 2))}


def _chunk(kind: bytes, content: bytes) -> bytes:
    crc = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", crc)


def _png(values: NDArray[Any], bits: int, colour: int, *, laced: bool, extra: bytes = b"") -> bytes:
    """Values have the shape (height, width, channels), as large as the bits allow."""
    raw = b""
    for x, y, right, down in _PNG_PASSES[laced]:
        part = values[y::down, x::right]
        if part.size:
            flat = part.reshape(len(part), -1)
            if bits == 16:
                rows = [row.astype(">u2").tobytes() for row in flat]
            else:
                rows = packed(flat.astype(np.uint8), bits)
            raw += b"".join(b"\0" + row for row in rows)
    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, bits, colour, 0, 0, int(laced))
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", head)
        + extra
        + _chunk(b"IDAT", zlib.compress(raw))
        + _chunk(b"IEND", b"")
    )


def pngs() -> Iterator[Case]:
    """Return every kind of pixel, plain and interlaced, and chunks that change how it is shown."""
    table = _chunk(b"PLTE", PALETTE.tobytes())
    for laced in (False, True):
        how = ", interlaced" if laced else ""
        for bits in (1, 2, 4, 8, 16):
            most = (1 << bits) - 1
            level = (GREY.astype(int) * most + 127) // 255
            # Of 16 bits the upper eight count.
            grey = grey_rgb(level >> 8 if bits == 16 else level * 255 // most)
            name = f"PNG grey {bits} bit{how}"
            yield Case(name=name, data=_png(level[:, :, None], bits, 0, laced=laced), rgb=grey)
            clear = _chunk(b"tRNS", struct.pack(">H", int(level[0, 0])))
            data = _png(level[:, :, None], bits, 0, laced=laced, extra=clear)
            yield Case(name=f"{name}, one is clear", data=data, rgb=grey)
            if bits < 16:
                index = INDEX & ((1 << bits) - 1)
                some = _chunk(b"PLTE", PALETTE[: 1 << bits].tobytes())
                data = _png(index[:, :, None], bits, 3, laced=laced, extra=some)
                yield Case(name=f"PNG palette {bits} bit{how}", data=data, rgb=PALETTE[index])
        clear = table + _chunk(b"tRNS", bytes(range(16)))
        data = _png(INDEX[:, :, None], 8, 3, laced=laced, extra=clear)
        yield Case(name=f"PNG palette with alpha{how}", data=data, rgb=PALETTE[INDEX])
        for bits in (8, 16):
            scale = 257 if bits == 16 else 1
            wide = RGB.astype(int) * scale
            veil = ALPHA[:, :, None].astype(int) * scale
            grey = wide[:, :, 1:2]
            for kind, colour, values, rgb in (
                ("colour", 2, wide, RGB),
                ("colour and alpha", 6, np.concatenate([wide, veil], axis=2), RGB),
                ("grey and alpha", 4, np.concatenate([grey, veil], axis=2), grey_rgb(GREY)),
            ):
                data = _png(values, bits, colour, laced=laced)
                yield Case(name=f"PNG {kind} {bits} bit{how}", data=data, rgb=rgb)
            clear = _chunk(b"tRNS", struct.pack(">HHH", *wide[0, 0]))
            data = _png(wide, bits, 2, laced=laced, extra=clear)
            yield Case(name=f"PNG colour {bits} bit{how}, one is clear", data=data, rgb=RGB)
    for name, chunk in (
        ("gamma", _chunk(b"gAMA", struct.pack(">I", 100_000))),
        ("sRGB", _chunk(b"sRGB", b"\0")),
        ("background", _chunk(b"bKGD", struct.pack(">HHH", 9, 99, 199))),
        ("palette to suggest", table),
    ):
        data = _png(RGB, 8, 2, laced=False, extra=chunk)
        yield Case(name=f"PNG with {name}", data=data, rgb=RGB)
