"""Protocol Buffers' wire format, read and written without its library.

Source: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

Value = int | memoryview
"""A varint's number, or the bytes of any other field; fixed32 and fixed64 as 4 and 8 bytes."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FIXED_BYTES = {_FIXED64: 8, _FIXED32: 4}


def fields(message: memoryview) -> Iterator[tuple[int, Value]]:
    """Return the number and value of each field of a message, in the order of the file.

    Raises:
        ValueError: the bytes are no message.
    """
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, place = _varint(message, place)
            yield number, value
            continue
        if wire == _BYTES:
            length, place = _varint(message, place)
        elif wire in _FIXED_BYTES:
            length = _FIXED_BYTES[wire]
        else:
            raise ValueError(f"wire type {wire} is unknown")
        if place + length > len(message):
            raise ValueError("a field is longer than its message")
        yield number, message[place : place + length]
        place += length


def varints(packed: memoryview) -> tuple[int, ...]:
    """Return the numbers of a packed field."""
    numbers, place = [], 0
    while place < len(packed):
        number, place = _varint(packed, place)
        numbers.append(number)
    return tuple(numbers)


def field(number: int, value: int | str | bytes) -> bytes:
    """Return a field's bytes: a 64-bit varint for an int, else its length and content."""
    if isinstance(value, int):
        return _to_varint(number << 3 | _VARINT) + _to_varint(value & (1 << 64) - 1)
    content = value.encode() if isinstance(value, str) else value
    return _to_varint(number << 3 | _BYTES) + _to_varint(len(content)) + content


def fixed32(number: int, value: float) -> bytes:
    """Return a field's bytes: a float of 32 bits."""
    return _to_varint(number << 3 | _FIXED32) + struct.pack("<f", value)


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        if place >= len(message) or shift > 63:
            raise ValueError("a number has no end")
        byte = message[place]
        number |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return number, place


def _to_varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 127:
        encoded.append(number & 127 | 128)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
