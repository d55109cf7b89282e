"""What a video's file says of itself by its own bytes, before any decoder sees them."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from facecore.imaging.kinds import AVI, MATROSKA, MP4

# Cameras put things of their own behind the last box.
_BOXES = (
    *(b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"moof", b"mfra", b"sidx", b"styp"),
    *(b"uuid", b"udta", b"meta", b"pnot"),
)
_EBML_HEADER, _SEGMENT = 0x1A45DFA3, 0x18538067


def is_cut(data: bytes, container: str) -> bool:
    """Return whether a file ends before its own outermost parts do.

    One that does not say how long it is, as some that were recorded live, is not cut.
    """
    ends = {MP4: _boxes, MATROSKA: _elements, AVI: _chunks}[container](data)
    return any(end > len(data) for end in ends)


def _boxes(data: bytes) -> Iterator[int]:
    """ISO 14496-12, 4.2: a box's size, and its name; 1 is before a long size, 0 to the end."""
    at = 0
    while data[at + 4 : at + 8] in _BOXES:
        (size,) = struct.unpack_from(">I", data, at)
        if size == 1 and at + 16 <= len(data):
            (size,) = struct.unpack_from(">Q", data, at + 8)
        if size < 8:
            return
        at += size
        yield at


def _chunks(data: bytes) -> Iterator[int]:
    """Resource Interchange File Format: a name and a size; large files have several."""
    at = 0
    while data[at : at + 4] == b"RIFF" and at + 8 <= len(data):
        at += 8 + struct.unpack_from("<I", data, at + 4)[0]
        yield at
        at += at % 2


def _elements(data: bytes) -> Iterator[int]:
    """RFC 8794: the header and then the segment, which may not say its size."""
    at = 0
    for _ in range(2):
        name, at = _number(data, at, marked=True)
        size, at = _number(data, at)
        if name not in (_EBML_HEADER, _SEGMENT) or size is None:
            return
        at += size
        yield at


def _number(data: bytes, at: int, *, marked: bool = False) -> tuple[int | None, int]:
    """Return a number of 1 to 8 bytes, and where it ends; None where all its bits are set."""
    if at >= len(data) or not data[at]:
        return None, at
    length = 9 - data[at].bit_length()
    value = int.from_bytes(data[at : at + length])
    if marked:
        return value, at + length
    most = (1 << 7 * length) - 1
    value &= most
    return (None if value == most else value), at + length
