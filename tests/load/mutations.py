"""Files made worse: bytes changed, ends cut off, two files spliced, headers that lie; seeded."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator, Sequence

_HEADER_BYTES = 200
_ODD_BYTES = (0x00, 0x01, 0x7F, 0x80, 0xFF)
# Sizes and counts that parsers trip over: none, just above a power of two, negative, huge.
_LIES = (0, 1, 0x7FFF, 0x8000, 0xFFFF, 0x10001, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def mutated(seeds: Sequence[bytes], count: int, *, seed: int) -> Iterator[tuple[str, bytes]]:
    """Return so many broken files, each with the names of what was done to it.

    Args:
        seeds: files to begin with; not empty, and none of them empty.
        count: how many to make.
        seed: the same gives the same files.
    """
    draw = random.Random(seed)
    for _ in range(count):
        data = bytearray(draw.choice(seeds))
        done = []
        for _ in range(draw.choice((1, 1, 1, 2, 3))):
            name = draw.choice(list(_WAYS))
            data = _WAYS[name](data, seeds, draw)
            done.append(name)
        yield "+".join(done), bytes(data)


def _flip_bits(data: bytearray, __: Sequence[bytes], draw: random.Random) -> bytearray:
    for _ in range(draw.choice((1, 4, 32)) if data else 0):
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    return data


def _odd_header_bytes(data: bytearray, __: Sequence[bytes], draw: random.Random) -> bytearray:
    for _ in range(draw.choice((1, 3, 8)) if data else 0):
        data[draw.randrange(min(_HEADER_BYTES, len(data)))] = draw.choice(_ODD_BYTES)
    return data


def _cut(data: bytearray, __: Sequence[bytes], draw: random.Random) -> bytearray:
    return data[: draw.randrange(len(data) + 1)]


def _splice(data: bytearray, seeds: Sequence[bytes], draw: random.Random) -> bytearray:
    other = draw.choice(seeds)
    return data[: draw.randrange(len(data) + 1)] + other[draw.randrange(len(other)) :]


def _repeat_a_piece(data: bytearray, __: Sequence[bytes], draw: random.Random) -> bytearray:
    start = draw.randrange(len(data) + 1)
    piece = data[start : start + draw.choice((1, 16, 300, 4096))]
    return data[:start] + piece * draw.choice((2, 5, 50)) + data[start:]


def _lie(data: bytearray, __: Sequence[bytes], draw: random.Random) -> bytearray:
    """Write a number where one may be, in either order of bytes and of two sizes."""
    form = draw.choice(("<H", ">H", "<I", ">I"))
    size = struct.calcsize(form)
    if len(data) <= size:
        return data
    place = draw.randrange(min(_HEADER_BYTES, len(data) - size))
    struct.pack_into(form, data, place, draw.choice(_LIES) & (1 << 8 * size) - 1)
    return data


_WAYS: dict[str, Callable[[bytearray, Sequence[bytes], random.Random], bytearray]] = {
    "flipped": _flip_bits,
    "odd header": _odd_header_bytes,
    "cut": _cut,
    "spliced": _splice,
    "repeated": _repeat_a_piece,
    "lying": _lie,
}
