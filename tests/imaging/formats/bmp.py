"""BMP: Microsoft, "Bitmap Storage" and "Bitmap Compression"."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tests.imaging.formats.scene import (
    ALPHA,
    HEIGHT,
    INDEX,
    PALETTE,
    RGB,
    WIDTH,
    Case,
    packed,
)


def _bmp(
    rows: list[bytes] | bytes,
    bits: int,
    *,
    compression: int = 0,
    palette: NDArray[np.uint8] | None = None,
    masks: bytes = b"",
    head: int = 40,
    top_down: bool = False,
) -> bytes:
    if isinstance(rows, bytes):
        pixels = rows
    else:
        ordered = rows if top_down else rows[::-1]
        pixels = b"".join(row + bytes(-len(row) % 4) for row in ordered)
    table = b""
    if palette is not None:
        fill = b"" if head == 12 else b"\0"
        table = b"".join(bytes(colour[::-1]) + fill for colour in palette)
    if head == 12:
        header = struct.pack("<IHHHH", 12, WIDTH, HEIGHT, 1, bits)
    else:
        high = -HEIGHT if top_down else HEIGHT
        used = 0 if palette is None else len(palette)
        header = struct.pack(
            "<IiiHHIIiiII", head, WIDTH, high, 1, bits, compression, len(pixels), 0, 0, used, 0
        )
        if head > 40:
            header += masks.ljust(head - 40, b"\0")
            masks = b""
    start = 14 + len(header) + len(masks) + len(table)
    size = start + len(pixels)
    return struct.pack("<2sIHHI", b"BM", size, 0, 0, start) + header + masks + table + pixels


def _rle8(index: NDArray[np.uint8], *, absolute: bool = False) -> bytes:
    coded = bytearray()
    for row in index[::-1]:
        if absolute:
            coded += bytes((0, len(row))) + row.tobytes() + bytes(len(row) % 2)
        else:
            for value in row:
                coded += bytes((1, value))
        coded += b"\0\0"
    return bytes(coded[:-2]) + b"\0\1"


def _rle4(index: NDArray[np.uint8]) -> bytes:
    coded = bytearray()
    for row in index[::-1]:
        for first, second in zip(row[::2], [*row[1::2], 0], strict=False):
            coded += bytes((2, first << 4 | second))
        if len(row) % 2:
            coded[-2] = 1
        coded += b"\0\0"
    return bytes(coded[:-2]) + b"\0\1"


def _padded(to: int) -> NDArray[np.uint8]:
    """The numbers, with rows that go on to a multiple: Windows writes them so."""
    return np.pad(INDEX, [(0, 0), (0, -WIDTH % to)], mode="edge")


def _rle8_with_jumps() -> tuple[bytes, NDArray[np.uint8]]:
    """A picture that leaves out what is of the first colour, as encoders do."""
    index = np.zeros((HEIGHT, WIDTH), np.uint8)
    index[5, 7:20], index[18, 2:9] = 3, 5
    coded = bytes((0, 2, 2, HEIGHT - 19)) + bytes((7, 5))
    coded += bytes((0, 0, 0, 2, 7, 12)) + bytes((13, 3)) + b"\0\1"
    return coded, index


def _sixteen(red: int, green: int, blue: int) -> tuple[list[bytes], NDArray[np.uint8]]:
    """Pixels of so many bits for each colour, and what they stand for: all bits set is 255."""
    depth = np.array([red, green, blue])
    most = (1 << depth) - 1
    level = (RGB.astype(int) * most + 127) // 255
    value = level[..., 0] << green + blue | level[..., 1] << blue | level[..., 2]
    return [row.astype("<u2").tobytes() for row in value], np.round(level * 255 / most).astype(
        np.uint8
    )


def bmps() -> Iterator[Case]:
    """Return every way to store a BMP that OpenCV or Pillow know."""
    for bits in (1, 4, 8):
        index = INDEX & ((1 << bits) - 1)
        palette = PALETTE[: 1 << bits]
        for head in (12, 40, 108, 124):
            for top_down in (False, True)[: 1 if head == 12 else 2]:
                name = f"BMP {bits} bit, head {head}{', top down' if top_down else ''}"
                data = _bmp(
                    packed(index, bits), bits, palette=palette, head=head, top_down=top_down
                )
                yield Case(name=name, data=data, rgb=palette[index])
    few = PALETTE[:16]
    for name, data in (
        ("8 bit of 16 colours", _bmp(packed(INDEX, 8), 8, palette=few)),
        ("RLE8", _bmp(_rle8(INDEX), 8, compression=1, palette=few)),
        ("RLE8, plain runs", _bmp(_rle8(INDEX, absolute=True), 8, compression=1, palette=few)),
        ("RLE4", _bmp(_rle4(INDEX), 4, compression=2, palette=few)),
        ("RLE8, padded", _bmp(_rle8(_padded(4)), 8, compression=1, palette=few)),
        (
            "RLE8, padded plain runs",
            _bmp(_rle8(_padded(4), absolute=True), 8, compression=1, palette=few),
        ),
        ("RLE4, padded", _bmp(_rle4(_padded(8)), 4, compression=2, palette=few)),
    ):
        yield Case(name=f"BMP {name}", data=data, rgb=few[INDEX])
    coded, jumped = _rle8_with_jumps()
    data = _bmp(coded, 8, compression=1, palette=PALETTE)
    yield Case(name="BMP RLE8 with jumps", data=data, rgb=PALETTE[jumped])
    bgr, opaque = RGB[:, :, ::-1], np.full((HEIGHT, WIDTH, 1), 255, np.uint8)
    for name, fourth in (("unused", opaque * 0), ("opaque", opaque), ("alpha", ALPHA[:, :, None])):
        rows = [row.tobytes() for row in np.concatenate([bgr, fourth], axis=2)]
        yield Case(name=f"BMP 32 bit, fourth byte {name}", data=_bmp(rows, 32), rgb=RGB)
        masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
        data = _bmp(rows, 32, compression=3, masks=masks, head=124)
        yield Case(name=f"BMP 32 bit, version 5, fourth byte {name}", data=data, rgb=RGB)
    rows = [row.tobytes() for row in np.concatenate([RGB, opaque], axis=2)]
    masks = struct.pack("<IIII", 0xFF, 0xFF00, 0xFF0000, 0xFF000000)
    data = _bmp(rows, 32, compression=3, masks=masks, head=124)
    yield Case(name="BMP 32 bit, red first", data=data, rgb=RGB)
    rows = [row.tobytes() for row in np.concatenate([opaque, bgr], axis=2)]
    masks = struct.pack("<III", 0xFF000000, 0xFF0000, 0xFF00)
    data = _bmp(rows, 32, compression=3, masks=masks)
    yield Case(name="BMP 32 bit, the first unused", data=data, rgb=RGB)
    rows = [row.tobytes() for row in bgr]
    for head in (12, 40, 108, 124):
        yield Case(name=f"BMP 24 bit, head {head}", data=_bmp(rows, 24, head=head), rgb=RGB)
    data = _bmp(rows, 24, top_down=True)
    yield Case(name="BMP 24 bit, top down", data=data, rgb=RGB)
    five, meant = _sixteen(5, 5, 5)
    yield Case(name="BMP 16 bit", data=_bmp(five, 16), rgb=meant, most=8)
    masks = struct.pack("<III", 0x7C00, 0x3E0, 0x1F)
    data = _bmp(five, 16, compression=3, masks=masks)
    yield Case(name="BMP 16 bit, masks 555", data=data, rgb=meant, most=8)
    six, meant = _sixteen(5, 6, 5)
    masks = struct.pack("<III", 0xF800, 0x7E0, 0x1F)
    data = _bmp(six, 16, compression=3, masks=masks)
    yield Case(name="BMP 16 bit, masks 565", data=data, rgb=meant, most=8)
