"""The boxes of an AVIF or HEIC file, and the EXIF blocks in them (ISO 14496-12, 23008-12).

Whatever is broken ends the reading of that box and no more; `structure` has bounded before
how many there may be.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

_HOLD_META = (b"moov", b"trak")
_MAX_DEPTH = 4
_MAX_SPANS = 10_000


class TooManySpansError(Exception):
    """A file says of its items that they lie in more pieces than any program writes."""


def boxes(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Return each box's name and content, in their order; stops where one is broken."""
    place = 0
    while place + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        head = 8
        if length == 1 and place + 16 <= len(data):
            (length,), head = struct.unpack_from(">Q", data, place + 8), 16
        stop = len(data) if length == 0 else place + length
        if stop < place + head:
            return
        yield kind, data[place + head : stop]
        place = stop


def metas(data: memoryview, depth: int = 0) -> Iterator[memoryview]:
    """Return the content of each "meta" box, in the file or in a track of it."""
    for kind, content in boxes(data):
        if kind == b"meta":
            yield content[4:]
        elif kind in _HOLD_META and depth < _MAX_DEPTH:
            yield from metas(content, depth + 1)


def exif_blocks(data: bytes) -> Iterator[bytes]:
    """Return the content of each EXIF item, from the byte order on; together no more than the file.

    Raises:
        TooManySpansError: the items lie in too many pieces, or share their bytes.
    """
    total = 0
    for meta in metas(memoryview(data)):
        items = _Items()
        for kind, content in boxes(meta):
            try:
                items.read(kind, content)
            except (struct.error, IndexError):
                continue
        for item in items.exif:
            left = len(data)
            parts: list[memoryview] = []
            for is_inside, start, length in items.places.get(item, ()):
                source = items.inside if is_inside else memoryview(data)
                part = source[start : start + min(length or left, left)]
                left -= len(part)
                parts.append(part)
            block = b"".join(parts)
            total += len(block)
            if total > len(data):
                raise TooManySpansError
            yield block[4:].removeprefix(b"Exif\0\0")


@dataclass(slots=True)
class _Items:
    exif: set[int] = field(default_factory=set)
    places: dict[int, list[tuple[bool, int, int]]] = field(default_factory=dict)
    inside: memoryview = field(default_factory=lambda: memoryview(b""))
    spans: int = 0

    def read(self, kind: bytes, content: memoryview) -> None:
        if kind == b"idat":
            self.inside = content
        elif kind == b"iinf":
            for _, entry in boxes(content[8 if content[0] else 6 :]):
                number, skipped = (">I", 10) if entry[0] == 3 else (">H", 8)
                if entry[skipped : skipped + 4].tobytes() == b"Exif":
                    self.exif.add(struct.unpack_from(number, entry, 4)[0])
        elif kind == b"iloc":
            self._read_places(content)

    def _read_places(self, content: memoryview) -> None:
        version, place = content[0], 6
        widths = content[4] >> 4, content[4] & 15, content[5] >> 4, content[5] & 15
        offset_bytes, length_bytes, base_bytes, index_bytes = widths

        def number(size: int) -> int:
            nonlocal place
            if place + size > len(content):
                raise IndexError
            place += size
            return int.from_bytes(content[place - size : place], "big")

        wide = 4 if version == 2 else 2
        for _ in range(number(wide)):
            item = number(wide)
            is_inside = bool(version and number(2) & 15 == 1)
            number(2)
            base = number(base_bytes)
            spans = self.places.setdefault(item, [])
            # With numbers of no bytes, a short box could claim billions.
            count = number(2)
            self.spans += count
            if self.spans > _MAX_SPANS:
                raise TooManySpansError
            for _ in range(count):
                number(index_bytes if version else 0)
                start = base + number(offset_bytes)
                spans.append((is_inside, start, number(length_bytes)))
