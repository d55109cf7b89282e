"""What OpenCV takes wrong of a BMP (Microsoft, "Bitmap Storage" and "Bitmap Compression").

Rows that are packed by run lengths may be padded beyond the picture's width, as Windows
and others write them where it is no multiple of 4: OpenCV takes the padding for the next row.
Of 32 bits it takes the first for blue, whatever the file's masks say.
"""

from __future__ import annotations

import struct

_RUN_LENGTHS, _MASKS = (1, 2), (3, 6)
_WIDTH_AT = 18
_BLUE_FIRST = (0xFF0000, 0xFF00, 0xFF)


def is_for_opencv(data: bytes) -> bool:
    """Return whether OpenCV puts the colours of a BMP in their right order."""
    bits, compression = _depth(data)
    if compression not in _MASKS or bits != 32 or len(data) < 66:
        return True
    return struct.unpack_from("<III", data, 54) == _BLUE_FIRST


def widened(data: bytes) -> tuple[bytes, int | None]:
    """Return a file whose padded rows have room, and the width to cut it to.

    The file itself and None where it is not packed by run lengths.
    """
    if _depth(data)[1] not in _RUN_LENGTHS:
        return data, None
    (width,) = struct.unpack_from("<i", data, _WIDTH_AT)
    # One more than any padding, so that no row is full before it ends.
    roomy = struct.pack("<i", (width // 8 + 2) * 8)
    return data[:_WIDTH_AT] + roomy + data[_WIDTH_AT + 4 :], width


def _depth(data: bytes) -> tuple[int, int]:
    """Return bits per pixel and compression; 0 and 0 of a header without them."""
    if len(data) < 34 or struct.unpack_from("<I", data, 14)[0] < 40:
        return 0, 0
    bits, compression = struct.unpack_from("<HI", data, 28)
    return bits, compression
