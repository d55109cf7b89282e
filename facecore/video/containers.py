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


def shown_s(data: bytes, container: str) -> float:
    """Return for how long an MP4 says that its pictures are shown, seconds; 0 for not said.

    One that was trimmed by a list of edits has more of them, which nobody sees (ISO 14496-12,
    8.2.2 and 8.3.2).
    """
    whole, wide = (0, len(data)), b"\1"
    units_per_s, longest = 0, 0
    if container == MP4:
        for at, _ in _inside(data, whole, b"moov", b"mvhd"):
            place = at + (20 if data[at : at + 1] == wide else 12)
            units_per_s = int.from_bytes(data[place : place + 4])
        for track in _inside(data, whole, b"moov", b"trak"):
            kinds = [data[at + 8 : at + 12] for at, _ in _inside(data, track, b"mdia", b"hdlr")]
            for at, _ in _inside(data, track, b"tkhd") if b"vide" in kinds else ():
                place, size = (at + 28, 8) if data[at : at + 1] == wide else (at + 20, 4)
                longest = max(longest, int.from_bytes(data[place : place + size]))
    return longest / units_per_s if units_per_s else 0.0


def _boxes(data: bytes) -> Iterator[int]:
    for name, _, end in _walk(data, 0, len(data)):
        if name not in _BOXES:
            return
        yield end


def _walk(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """ISO 14496-12, 4.2: a box's size, and its name; 1 is before a long size, 0 to the end."""
    while at + 8 <= end:
        size, name = struct.unpack_from(">I4s", data, at)
        start = at + 8
        if size == 1 and at + 16 <= end:
            (size,) = struct.unpack_from(">Q", data, at + 8)
            start = at + 16
        if size < 8:
            return
        at += size
        yield name, start, at


def _inside(data: bytes, box: tuple[int, int], *names: bytes) -> Iterator[tuple[int, int]]:
    """Return where the contents of the boxes begin and end that are there by these names."""
    for name, start, end in _walk(data, *box):
        if name == names[0]:
            inner = (start, min(end, box[1]))
            yield from _inside(data, inner, *names[1:]) if names[1:] else (inner,)


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
