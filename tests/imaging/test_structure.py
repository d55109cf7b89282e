"""Files of far too many parts are refused unread; those that programs write are not."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from facecore.errors import DamagedImageError, ImageError
from facecore.imaging.decoding import decode_image
from facecore.imaging.headers import read_header
from facecore.imaging.pictures import decode_picture
from facecore.imaging.structure import check_structure, check_tags, png_is_whole

PICTURE = Image.fromarray(np.random.default_rng(3).integers(0, 256, (48, 64, 3), dtype=np.uint8))


def _saved(image_format: str, picture: Image.Image = PICTURE, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, image_format, **options)
    return buffer.getvalue()


JPEG = _saved("JPEG")
PROGRESSIVE = _saved("JPEG", progressive=True)
PNG = _saved("PNG")
AVIF = _saved("AVIF")
GIF = _saved("GIF", Image.fromarray(np.zeros((48, 64), np.uint8)))
FRAMES: dict[str, Any] = {"save_all": True, "append_images": [PICTURE.rotate(180)] * 2}


def _segment(marker: int, content: bytes = b"") -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def _in_jpeg(parts: bytes, jpeg: bytes = JPEG) -> bytes:
    """Put bytes in front of everything else."""
    return jpeg[:2] + parts + jpeg[2:]


def _with_scans(count: int) -> bytes:
    """A progressive JPEG whose last scan, which changes nothing any more, comes again."""
    grey = _saved("JPEG", PICTURE.convert("L"), progressive=True)
    last = grey[grey.rindex(b"\xff\xda") : -2]
    return grey[:-2] + last * (count - grey.count(b"\xff\xda")) + grey[-2:]


def _chunk(kind: bytes, content: bytes = b"") -> bytes:
    body = kind + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def _in_png(parts: bytes, *, behind: bool = False) -> bytes:
    place = len(PNG) - 12 if behind else 33
    return PNG[:place] + parts + PNG[place:]


def _in_gif(blocks: bytes) -> bytes:
    """Put blocks between the colours and the picture."""
    place = 13 + 3 * 2 ** ((GIF[10] & 7) + 1)
    return GIF[:place] + blocks + GIF[place:]


def _tiff(tag: int, kind: int, numbers: int, entries: int = 1, *, big: bool = False) -> bytes:
    """A directory that has one tag again and again, and the numbers of the first."""
    head, count, entry = ("<2sHHHQ", "<Q", "<HHQQ") if big else ("<2sHI", "<H", "<HHII")
    first = (b"II", 43, 8, 0, 16) if big else (b"II", 42, 8)
    values = struct.calcsize(head) + struct.calcsize(count) + entries * struct.calcsize(entry)
    directory = struct.pack(entry, tag, kind, numbers, values) * entries
    return struct.pack(head, *first) + struct.pack(count, entries) + directory + bytes(8 * numbers)


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content) + 8, kind) + content


def _sequence(frames: int) -> bytes:
    table = _box(b"stsz", struct.pack(">III", 0, 1, frames))
    for kind in (b"stbl", b"minf", b"mdia", b"trak", b"moov"):
        table = _box(kind, table)
    return AVIF + table


FLOODS = {
    "APP segments": _in_jpeg(_segment(0xE5) * 20_000),
    "comments before the scan": JPEG.replace(b"\xff\xda", _segment(0xFE) * 20_000 + b"\xff\xda"),
    "segments behind a lost start": _in_jpeg(b"\xff\xd8" + _segment(0xE5) * 20_000),
    "segments in what Pillow does not skip": _in_jpeg(_segment(0xF0, _segment(0xE5) * 15_000)),
    "fill bytes": _in_jpeg(b"\xff" * 20_000),
    "fill bytes and no more": JPEG[:2] + b"\xff" * 20_000,
    "stuffed bytes": _in_jpeg(b"\xff\x00" * 20_000),
    "EXIF blocks": _in_jpeg(_segment(0xE1, b"Exif\0\0" + bytes(8)) * 20),
    "private chunks": _in_png(_chunk(b"prVt") * 20_000),
    "private chunks behind the pixels": _in_png(_chunk(b"prVt") * 20_000, behind=True),
    "packed profiles": _in_png(_chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(9))) * 50),
    "packed texts": _in_png(_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(9))) * 50, behind=True),
    "strips": _tiff(273, 4, 300_000),
    "strips of a BigTIFF": _tiff(273, 16, 300_000, big=True),
    "fractions": _tiff(282, 5, 300_000),
    "tags": _tiff(33000, 3, 1, 20_000),
    "AVIF boxes": AVIF + _box(b"free", b"") * 30_000,
    "AVIF items": AVIF + _box(b"meta", bytes(4) + _box(b"iloc", bytes(300_000))),
    "AVIF properties": AVIF
    + _box(b"meta", bytes(4) + _box(b"iprp", _box(b"ipco", _box(b"pasp", b"") * 30_000))),
    "AVIF frames": _sequence(2_000_000),
    "AVIF with numbers in its EXIF": _saved("AVIF", exif=b"Exif\0\0" + _tiff(33000, 5, 300_000)),
    "GIF extensions": _in_gif(b"!\xfe\1a\0" * 20_000),
    "GIF comment in pieces": _in_gif(b"!\xfe" + b"\1a" * 20_000 + b"\0"),
}


@pytest.fixture
def nothing_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make any reader of headers or pixels fail the test."""

    def refuse(*_: object, **__: object) -> None:
        pytest.fail("a decoder saw the file")

    monkeypatch.setattr(cv2, "imdecode", refuse)
    monkeypatch.setattr(Image, "open", refuse)


@pytest.mark.parametrize(
    "data", [b"", b"\xff", b"\xff\xd8\xff", b"II*\0", b"MM\0*\0\0\0\x08", b"x"]
)
def test_what_is_hardly_begun_has_not_too_many_parts(data: bytes) -> None:
    """Empty and cut files are left to the decoder, which knows better what is wrong."""
    check_structure(data)
    for length in range(40):
        for whole in (JPEG, PNG, AVIF, _saved("TIFF")):
            check_structure(whole[:length])


def _avif_of_items(*boxes: bytes) -> bytes:
    brands = _box(b"ftyp", b"avif\0\0\0\0avifmif1miaf")
    return brands + _box(b"meta", bytes(4) + b"".join(boxes))


@pytest.mark.usefixtures("nothing_is_opened")
def test_places_of_no_bytes_are_counted() -> None:
    """A box of some bytes that claims millions of places, each of none, is refused at once."""
    items = b"".join(struct.pack(">HHH", item, 0, 65535) for item in range(100))
    data = _avif_of_items(_box(b"iloc", bytes(6) + struct.pack(">H", 100) + items))
    assert len(data) < 1000
    with pytest.raises(DamagedImageError, match="far more parts"):
        read_header(data)


@pytest.mark.usefixtures("nothing_is_opened")
def test_exif_blocks_that_share_their_bytes_are_refused() -> None:
    """Many blocks, each of them the whole file, cost a multiple of it."""
    numbers = range(1, 60)
    entries = b"".join(
        _box(b"infe", b"\2\0\0\0" + struct.pack(">HH4s", number, 0, b"Exif") + b"\0")
        for number in numbers
    )
    # Offsets of no bytes and lengths of four: all from the first byte on.
    places = b"".join(struct.pack(">HHHI", number, 0, 1, 1 << 30) for number in numbers)
    data = _avif_of_items(
        _box(b"iinf", bytes(4) + struct.pack(">H", len(numbers)) + entries),
        _box(b"iloc", bytes(4) + b"\4\0" + struct.pack(">H", len(numbers)) + places),
    )
    with pytest.raises(DamagedImageError, match="far more parts"):
        read_header(data)


def test_boxes_within_boxes_end_somewhere() -> None:
    """Thousands of boxes in each other are a damaged picture, as other nonsense is."""
    nested = b""
    for _ in range(5000):
        nested = _box(b"moov", nested)
    with pytest.raises(ImageError):
        read_header(_box(b"ftyp", b"avif\0\0\0\0avifmif1miaf") + nested)


@pytest.mark.usefixtures("nothing_is_opened")
@pytest.mark.parametrize("name", FLOODS)
def test_far_too_many_parts_are_refused_unread(name: str) -> None:
    """A file that costs a multiple of itself to look at is refused before anybody does."""
    for read in (read_header, decode_image, lambda data: decode_picture(data, 10)):
        with pytest.raises(DamagedImageError, match="far more parts") as caught:
            read(FLOODS[name])
        assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("nothing_is_opened")
@pytest.mark.parametrize("count", [101, 5_000])
def test_a_picture_in_very_many_passes_is_refused_unread(count: int) -> None:
    """Each pass costs as much as the picture is large, though it is 14 bytes in the file."""
    for read in (decode_image, lambda data: decode_picture(data, 10)):
        with pytest.raises(DamagedImageError, match="100 passes"):
            read(_with_scans(count))


def test_as_many_passes_as_any_encoder_writes_are_read() -> None:
    """Ordinary progressive pictures, also of four colours, and far more passes than these have."""
    for data in (
        PROGRESSIVE,
        _saved("JPEG", PICTURE.convert("CMYK"), progressive=True),
        _with_scans(100),
    ):
        assert decode_image(data).shape == (48, 64, 3)


def _exif_with_thumbnail() -> bytes:
    return _segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\0\0" + PROGRESSIVE * 3)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(_in_jpeg(_exif_with_thumbnail()), id="pictures inside its EXIF"),
        pytest.param(_in_jpeg(_segment(0xE5, b"\xff\xda" * 30_000)), id="markers in a segment"),
        pytest.param(JPEG + PROGRESSIVE * 40, id="pictures behind it"),
        pytest.param(JPEG + _box(b"ftyp", b"\xff\xda" * 99_999), id="a film behind it"),
        pytest.param(_in_jpeg(b"\xff" * 4_000), id="some padding"),
        pytest.param(_in_jpeg(_segment(0xE2, bytes(60_000)) * 100), id="megabytes of data"),
        pytest.param(_saved("JPEG", restart_marker_blocks=1), id="restarts"),
        pytest.param(_saved("MPO", **FRAMES), id="MPO"),
        pytest.param(_in_png(_chunk(b"IDAT") * 20_000), id="pixels in small chunks"),
        pytest.param(_in_png(_chunk(b"tEXt", b"a\0b") * 5_000), id="many texts"),
        pytest.param(_saved("PNG", **FRAMES), id="animated PNG"),
        pytest.param(_saved("WEBP", **FRAMES), id="animated WebP"),
        pytest.param(_saved("AVIF", **FRAMES), id="animated AVIF"),
        pytest.param(AVIF + _box(b"mpvd", bytes(999_999)), id="a film behind an AVIF"),
        pytest.param(_saved("AVIF", icc_profile=bytes(500_000)), id="a large profile"),
        pytest.param(_saved("TIFF", tiffinfo={37724: bytes(400_000)}), id="layers in a TIFF"),
        pytest.param(_saved("TIFF", tiffinfo={278: 1}), id="a strip for each row"),
        pytest.param(_saved("TIFF", big_tiff=True), id="BigTIFF"),
    ],
)
def test_what_cameras_and_programs_write_is_read(data: bytes) -> None:
    """What is inside a segment or behind the picture does not count, and much is allowed."""
    assert decode_image(data).shape == (48, 64, 3)


def _canon_exif() -> bytes:
    """An EXIF block whose maker's note ends with a byte order and a place of its own."""
    note = bytes(100) + b"II*\0" + struct.pack("<I", 4) + b"\xff" * 64
    head = struct.pack("<2sHIH", b"II", 42, 8, 2)
    orientation = struct.pack("<HHII", 274, 3, 1, 6)
    maker = struct.pack("<HHII", 37500, 7, len(note), 8 + 2 + 24 + 4)
    return head + orientation + maker + bytes(4) + note


@pytest.mark.parametrize("image_format", ["AVIF", "JPEG", "PNG", "WEBP"])
def test_maker_note_that_looks_like_an_exif_block_is_none(image_format: str) -> None:
    """A Canon camera's note has its own mark of a TIFF: the photo is read, and upright."""
    data = _saved(image_format, exif=b"Exif\0\0" + _canon_exif())
    assert read_header(data).upright_wh == (48, 64)
    assert decode_image(data).shape == (64, 48, 3)


# What Pillow would only grumble about must not be what stops it.
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_an_exif_block_of_too_many_numbers_costs_only_the_orientation() -> None:
    """A photo is read as it is stored, and the numbers are not."""
    for image_format in ("PNG", "WEBP"):
        for numbers, orientation in ((1, 6), (300_000, 1)):
            zeros = bytes(8 * numbers)
            sixes = _tiff(274, 3, numbers).removesuffix(zeros) + b"\6\0" * 4 * numbers
            if numbers == 1:  # one fits where otherwise the place of the numbers is told
                sixes = sixes[:18] + b"\6\0" + sixes[20:]
            data = _saved(image_format, exif=b"Exif\0\0" + sixes)
            assert read_header(data).orientation == orientation


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(_tiff(273, 4, 200_000), id="as many as allowed"),
        pytest.param(_tiff(700, 1, 300_000), id="bytes"),
        pytest.param(_tiff(273, 4, 10).replace(struct.pack("<I", 10), b"\xff" * 4), id="broken"),
        pytest.param(b"MM\0+\0\x08\0\0" + b"\xff" * 16, id="a directory beyond all measure"),
    ],
)
def test_tags_that_cost_nothing_pass(data: bytes) -> None:
    """Bytes stay bytes, and a tag that claims more than the file has is passed over."""
    check_tags(data)


def test_a_whole_png_is_told_from_a_lying_one() -> None:
    """Every chunk has to end within the file, and the last one has to be there."""
    assert png_is_whole(PNG)
    assert png_is_whole(PNG + b"more")
    for broken in (PNG[:-1], PNG[:-12], PNG[:40], PNG.replace(b"IDAT", b"\xff\xff\xff\xffIDAT")):
        assert not png_is_whole(broken)
