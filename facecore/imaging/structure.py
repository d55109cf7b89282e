"""How many parts a file may be made of, counted before a decoder goes through them.

A small file can have a hundred thousand markers, chunks, tags or boxes. Readers of
headers remember each of them, and some look through all of them for each: minutes and
gigabytes for a file of a megabyte. What programs write stays far below the bounds here.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from facecore.errors import DamagedImageError
from facecore.imaging.boxes import TooManySpansError, exif_blocks

JPEG_SIGNATURE = b"\xff\xd8\xff"
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_TIFF_SIGNATURE = re.compile(rb"II[*+]\0|MM\0[*+]")
_EXIF_SIGNATURE = b"Exif\0\0"
_GIF_SIGNATURES = (b"GIF87a", b"GIF89a")

_MAX_PARTS = 10_000
# Encoders write 10 passes, for four colours 18. Each costs as much as the picture is
# large, even where it changes nothing: some 30 ms for 100 megapixels.
_MAX_SCANS = 100
# Pillow joins the blocks one by one; one is usual.
_MAX_EXIF_BLOCKS = 10
# Profiles and texts, which may be packed: 8 kB become 8 MB, unpacked more than once.
_MAX_PACKED = 20
_PNG_PACKED = (b"iCCP", b"zTXt", b"iTXt")
_PNG_PIXELS = (b"IDAT", b"fdAT")
# Of one tag. A table for 16-bit colours has 196,608; a number becomes an object or more.
_MAX_NUMBERS = 200_000
_MAX_AVIF_HEADER_BYTES = 200_000
_MAX_AVIF_FRAMES = 100_000
_MAX_EXIF_IN_AVIF = 100

# A marker before a length, or the end of the picture: neither a stuffed byte, a fill byte
# nor a restart. C8 and F0 to FD begin nothing that is decoded, and have no length for Pillow.
_JPEG_MARKER = re.compile(rb"\xff([^\x00\x01\xc8\xd0-\xd8\xf0-\xfd\xff])")
_JPEG_END, _JPEG_SCAN, _JPEG_APP1 = b"\xd9", b"\xda", b"\xe1"
# TIFF 6.0, section 2, and BigTIFF: the bytes of a number by its type. Text and bytes stay bytes.
_NUMBER_BYTES = {3: 2, 4: 4, 5: 8, 6: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}
# ISO 14496-12 and 23008-12: boxes that hold boxes, by the bytes before the first of these;
# and what may be large among the lists of items and properties, each of which is a part.
_AVIF_BOXES = {b"meta": 4} | dict.fromkeys(
    (b"iprp", b"ipco", b"moov", b"trak", b"mdia", b"minf", b"stbl"), 0
)
_AVIF_CONTENT = (b"idat", b"colr")


def check_structure(data: bytes) -> None:
    """Check that a file has not more parts than a picture needs; any other file passes.

    Raises:
        DamagedImageError: it has.
    """
    if data.startswith(JPEG_SIGNATURE):
        _check_jpeg(data)
    elif data.startswith(_PNG_SIGNATURE):
        _check_png(data)
    elif data[4:8] == b"ftyp":
        _check_avif(data)
    elif _TIFF_SIGNATURE.match(data):
        check_tags(data)
    elif data.startswith(_GIF_SIGNATURES):
        _check_gif(data)


def check_tags(data: bytes) -> None:
    """Check the tags in the first directory of a TIFF, which an EXIF block is as well.

    Raises:
        DamagedImageError: it has too many tags, or a tag too many numbers.
    """
    order = "<" if data[:2] == b"II" else ">"
    is_big = b"+" in data[2:4]
    first, count, entry = ("8xQ", "Q", "HHQ8x") if is_big else ("4xI", "H", "HHI4x")
    try:
        (place,) = struct.unpack_from(order + first, data)
        if place > len(data):
            return
        (entries,) = struct.unpack_from(order + count, data, place)
        _require(entries <= _MAX_PARTS)
        place += struct.calcsize(order + count)
        for number in range(entries):
            where = place + number * struct.calcsize(order + entry)
            _, kind, numbers = struct.unpack_from(order + entry, data, where)
            # One with more numbers than there are bytes is broken, and passed over by all.
            size = numbers * _NUMBER_BYTES.get(kind, 0)
            _require(numbers <= _MAX_NUMBERS or not 0 < size <= len(data))
    except struct.error:
        return  # it ends too soon, which is for the decoder to tell


def png_is_whole(data: bytes) -> bool:
    """Return whether each chunk of a PNG is as long as it says, up to the last."""
    return any(kind == b"IEND" and end <= len(data) for kind, end in _png_chunks(data))


def _check_jpeg(data: bytes) -> None:
    place, parts, scans, exif_blocks = 2, 0, 0, 0
    while found := _JPEG_MARKER.search(data, place):
        marker, length_at = found[1], found.end()
        # Between segments Pillow reads byte by byte. Behind the first scan lie the pixels.
        parts += 1 if scans else 1 + found.start() - place
        place = length_at
        if marker != _JPEG_END:
            place += int.from_bytes(data[length_at : length_at + 2], "big")
        elif scans:
            return  # a second picture or a film may follow, which nobody reads
        scans += marker == _JPEG_SCAN
        content_at = length_at + 2
        exif_blocks += marker == _JPEG_APP1 and data.startswith(_EXIF_SIGNATURE, content_at)
        _require(parts <= _MAX_PARTS and exif_blocks <= _MAX_EXIF_BLOCKS)
        if scans > _MAX_SCANS:
            raise DamagedImageError(
                "The picture comes in more than {most} passes, which takes too "
                "long: save it again or choose another file.",
                most=_MAX_SCANS,
            )
    _require(scans > 0 or len(data) - place <= _MAX_PARTS)


def _check_png(data: bytes) -> None:
    parts = packed = 0
    for kind, _ in _png_chunks(data):
        # Pixels may come in as many chunks as they like: no reader remembers these.
        parts += kind not in _PNG_PIXELS
        packed += kind in _PNG_PACKED
        _require(parts <= _MAX_PARTS and packed <= _MAX_PACKED)


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, int]]:
    """Return each chunk's name and where it says that it ends, the last one's even if not there.

    A chunk is length, name, content and checksum (PNG specification, 5.3).
    """
    place, kind = len(_PNG_SIGNATURE), b""
    while place + 8 <= len(data) and kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, place)
        place += 12 + length
        yield kind, place


def _check_avif(data: bytes) -> None:
    size = 0
    spans = [(0, len(data), False)]
    while spans:
        place, end, is_meta = spans.pop()
        while place + 8 <= end:
            length, kind = struct.unpack_from(">I4s", data, place)
            head = 8
            if length == 1 and place + 16 <= end:  # the length follows, in 8 bytes
                (length,), head = struct.unpack_from(">Q", data, place + 8), 16
            stop = min(place + max(length or end, head), end)
            is_content = not is_meta or kind in _AVIF_CONTENT or kind in _AVIF_BOXES
            size += head if is_content else stop - place
            _require(size <= _MAX_AVIF_HEADER_BYTES)
            if kind == b"stsz" and place + 20 <= end:  # how many frames there are
                _require(struct.unpack_from(">I", data, place + 16)[0] <= _MAX_AVIF_FRAMES)
            if kind in _AVIF_BOXES:
                inside = place + head + _AVIF_BOXES[kind]
                spans.append((inside, stop, is_meta or kind == b"meta"))
            place = stop
    # Pillow reads the EXIF block at once. A maker's note in it may look like another, and is none.
    try:
        for number, block in enumerate(exif_blocks(data)):
            _require(number < _MAX_EXIF_IN_AVIF)
            check_tags(block)
    except TooManySpansError:
        _require(False)


def _check_gif(data: bytes) -> None:
    """Count the blocks before the first picture, behind which nobody reads (GIF89a, 15 to 26)."""
    colours = data[10:11]
    place = 13 + (3 << (colours[0] & 7) + 1 if colours and colours[0] & 0x80 else 0)
    parts = 0
    while data[place : place + 1] == b"!":
        place += 2
        while (length := data[place : place + 1]) not in (b"", b"\0"):
            place += 1 + length[0]
            parts += 1
            _require(parts <= _MAX_PARTS)
        place += 1
        parts += 1
        _require(parts <= _MAX_PARTS)


def jpeg_frame(data: bytes) -> tuple[int, int]:
    """Return the marker and the bits per colour of a JPEG's first frame; (0, 0) where it has none.

    The marker is 0xC0 to 0xCF: ITU-T T.81, table B.1.
    """
    place = 2
    while found := _JPEG_MARKER.search(data, place):
        if 0xC0 <= found[1][0] <= 0xCF and found[1] not in b"\xc4\xcc":
            return found[1][0], data[found.end() + 2] if found.end() + 2 < len(data) else 0
        if found[1] == _JPEG_SCAN:
            break
        place = found.end() + int.from_bytes(data[found.end() : found.end() + 2], "big")
    return 0, 0


def _require(is_fine: bool) -> None:
    if not is_fine:
        raise DamagedImageError(
            "The file has far more parts than a picture needs: save it again or choose another one."
        )
