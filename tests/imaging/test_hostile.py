"""Pictures that are broken, lying or huge: an array or a one-line ImageError, and little memory."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image, ImageFile

from facecore.errors import DamagedImageError, ImageError, ImageTooLargeError, UnsupportedImageError
from facecore.imaging.decoding import decode_image
from facecore.imaging.headers import read_header
from facecore.imaging.pictures import decode_picture
from facecore.machine.meter import ResourceMeter

# What Pillow grumbles about in a damaged file is no error of ours.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

SOURCE = cv2.GaussianBlur(
    np.random.default_rng(10).integers(0, 256, (24, 32, 3), dtype=np.uint8), (5, 5), 0
)


def _saved(image_format: str, **options: Any) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    Image.fromarray(SOURCE).save(buffer, image_format, exif=exif, **options)
    return buffer.getvalue()


GOOD = {
    "JPEG": _saved("JPEG"),
    "progressive JPEG": _saved("JPEG", progressive=True),
    "PNG": _saved("PNG"),
    "WEBP": _saved("WEBP"),
    "lossless WEBP": _saved("WEBP", lossless=True),
    "BMP": _saved("BMP"),
    "TIFF": _saved("TIFF"),
    "deflated TIFF": _saved("TIFF", compression="tiff_adobe_deflate"),
    "AVIF": _saved("AVIF"),
}


def _chunk(kind: bytes, content: bytes, *, length: int | None = None) -> bytes:
    claimed = len(content) if length is None else length
    return (
        struct.pack(">I", claimed) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    )


def _png(width: int, height: int, pixels: bytes = b"") -> bytes:
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + (pixels or _chunk(b"IDAT", b"")) + _chunk(b"IEND", b"")


def _bmp(width: int, height: int) -> bytes:
    data = bytearray(GOOD["BMP"])
    data[18:26] = struct.pack("<ii", width, height)
    return bytes(data)


def _jpeg(width: int, height: int) -> bytes:
    data = bytearray(GOOD["JPEG"])
    start = data.index(b"\xff\xc0") + 5
    data[start : start + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def _webp(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(SOURCE).save(buffer, "WEBP", lossless=True)
    data = bytearray(buffer.getvalue())
    start = data.index(b"VP8L") + 9  # after the chunk's length and signature: 14 + 14 bits
    data[start : start + 4] = struct.pack("<I", (width - 1) | (height - 1) << 14)
    return bytes(data)


def _tiff(width: int, height: int, tile_side: int = 0) -> bytes:
    """A deflated RGB TIFF of zeros in one strip, or in one tile where it has a side."""
    pixels = zlib.compress(bytes(16 * 16 * 3))
    place = (322, 323, 324, 325) if tile_side else (277, 278, 273, 279)
    tags = {256: width, 257: height, 258: 8, 259: 8, 262: 2, 277: 3}
    tags |= {place[0]: tile_side or 3, place[1]: tile_side or height}
    tags |= {place[2]: 8 + 2 + 12 * 10 + 4, place[3]: len(pixels)}
    if not tile_side:
        tags[284] = 1
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, tags[tag]) for tag in sorted(tags))
    assert len(entries) == 12 * 10
    return b"II*\0" + struct.pack("<IH", 8, 10) + entries + struct.pack("<I", 0) + pixels


@pytest.fixture
def nothing_decodes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make any decoding of pixels fail the test."""

    def refuse(*_: object, **__: object) -> None:
        pytest.fail("pixels were decoded before the limit was checked")

    monkeypatch.setattr(cv2, "imdecode", refuse)
    monkeypatch.setattr(ImageFile.ImageFile, "load", refuse)


@pytest.mark.usefixtures("nothing_decodes")
@pytest.mark.parametrize("make", [_png, _bmp, _jpeg, _webp, _tiff])
@pytest.mark.parametrize("size_wh", [(10_001, 10_000), (10_000, 10_001), (16_000, 16_000)])
def test_huge_headers_are_refused_before_decoding(
    make: Callable[[int, int], bytes], size_wh: tuple[int, int]
) -> None:
    """More pixels than the limit are refused by the header's word alone."""
    with pytest.raises(ImageTooLargeError, match="100 megapixels") as caught:
        decode_image(make(*size_wh))
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("nothing_decodes")
@pytest.mark.parametrize("size_wh", [(10_008, 10_000), (16_000, 16_000), (65_528, 65_528)])
def test_a_huge_jpeg_is_not_decoded_reduced_either(size_wh: tuple[int, int]) -> None:
    """The limit is one of the picture in full, however few of its pixels are wanted."""
    with pytest.raises(ImageTooLargeError) as full:
        decode_image(_jpeg(*size_wh))
    with pytest.raises(ImageTooLargeError) as reduced:
        decode_picture(_jpeg(*size_wh), 100)
    assert str(reduced.value) == str(full.value)


@pytest.mark.usefixtures("nothing_decodes")
@pytest.mark.parametrize("make", [_png, _bmp, _tiff])
def test_headers_beyond_all_measure_are_refused(make: Callable[[int, int], bytes]) -> None:
    """The largest numbers that a header can hold are too large, not an overflow."""
    with pytest.raises(ImageTooLargeError):
        decode_image(make(2**31 - 1, 2**31 - 1))


@pytest.mark.usefixtures("nothing_decodes")
def test_the_small_file_that_expands_to_a_gigabyte_is_refused(shared_data: Path) -> None:
    """The JPEG of 304 bytes that claims 56321×7789 pixels costs nothing."""
    (bomb,) = (
        path for path in (shared_data / "hostile").glob("*.jpg") if path.stat().st_size == 304
    )
    with pytest.raises(ImageTooLargeError):
        decode_image(bomb.read_bytes())


@pytest.mark.usefixtures("nothing_decodes")
def test_a_small_picture_in_a_huge_tile_is_refused() -> None:
    """A TIFF is decoded by whole tiles, so that these count as much as the picture's size."""
    with pytest.raises(ImageError):
        decode_image(_tiff(16, 16, tile_side=24_000))


def test_a_chunk_that_claims_too_much_takes_no_memory() -> None:
    """A PNG of some 70 bytes whose pixels claim to be 256 MiB long needs not a tenth of that."""
    rows = zlib.compress(bytes(16 * (1 + 3 * 16)))
    lying = _png(16, 16, _chunk(b"IDAT", rows, length=256 << 20))
    with ResourceMeter() as meter:
        try:
            assert decode_image(lying).shape == (16, 16, 3)
        except ImageError as error:
            assert "\n" not in str(error)
        usage = meter.usage()
    assert usage.peak_rss_bytes - usage.rss_before_bytes < 25 << 20


@pytest.mark.parametrize("name", GOOD)
def test_the_limit_holds_to_the_pixel(name: str) -> None:
    """As many pixels as the limit are read, one more is refused."""
    assert decode_image(GOOD[name], max_pixels=32 * 24).shape == (
        (32, 24, 3) if "BMP" not in name else (24, 32, 3)
    )
    with pytest.raises(ImageTooLargeError, match=r"32×24|24×32"):
        decode_image(GOOD[name], max_pixels=32 * 24 - 1)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\0", id="one byte"),
        pytest.param(b"name,size\nphoto.jpg,12\n" * 50, id="text"),
        pytest.param(
            b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x01\0\x01\0\0", id="GIF"
        ),
        pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg'/>", id="SVG"),
        pytest.param(b"%PDF-1.7\n", id="PDF"),
        pytest.param(b"P6 1 1 255\nabc", id="PPM"),
    ],
)
def test_what_is_no_accepted_picture_is_unsupported(data: bytes) -> None:
    """Empty files, text and other formats are told apart from damaged pictures."""
    for read in (decode_image, read_header):
        with pytest.raises(UnsupportedImageError) as caught:
            read(data)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["JPEG", "PNG", "BMP", "WEBP", "AVIF"])
@pytest.mark.parametrize("kept", [0.7, 0.9])
def test_a_file_that_is_cut_short_is_damaged(name: str, kept: float) -> None:
    """With its header whole and its end missing, a picture is damaged, not half grey."""
    data = GOOD[name]
    with pytest.raises(DamagedImageError, match="again"):
        decode_image(data[: int(len(data) * kept)])


def test_a_picture_without_pixels_is_damaged() -> None:
    """A header that claims no width or no height is broken."""
    for width, height in ((0, 0), (0, 5), (5, 0)):
        with pytest.raises(ImageError):
            decode_image(_png(width, height))


def _flipped(data: bytes, draw: random.Random) -> bytes:
    """Change a few bytes, half of them near the start, and now and then cut the end off."""
    broken = bytearray(data)
    for _ in range(draw.choice((1, 2, 4, 8))):
        reach = len(broken) if draw.random() < 0.5 else min(120, len(broken))
        broken[draw.randrange(reach)] = draw.choice((0, 1, 127, 255, draw.randrange(256)))
    return bytes(broken[: draw.randrange(len(broken))] if draw.random() < 0.1 else broken)


@pytest.mark.parametrize("name", GOOD)
def test_flipped_bytes_never_do_worse_than_an_image_error(name: str) -> None:
    """Whatever a few wrong bytes make of a file, it is a small array or a one-line error."""
    draw = random.Random(name)
    outcomes = {"array": 0, "error": 0}
    with ResourceMeter() as meter:
        for _ in range(300):
            try:
                picture = decode_image(_flipped(GOOD[name], draw), max_pixels=1_000_000)
                assert picture.dtype == np.uint8 and picture.ndim == 3 and picture.shape[2] == 3
                assert 0 < picture.shape[0] * picture.shape[1] <= 1_000_000
                outcomes["array"] += 1
            except ImageError as error:
                assert str(error) and "\n" not in str(error)
                outcomes["error"] += 1
        usage = meter.usage()
    assert min(outcomes.values()) > 0
    assert usage.peak_rss_bytes - usage.rss_before_bytes < 100 << 20


def test_shared_hostile_files_do_no_harm(shared_data: Path) -> None:
    """Every file that is known to trouble decoders is an array or a one-line ImageError."""
    paths = sorted((shared_data / "hostile").iterdir())
    arrays = 0
    for path in paths:
        try:
            picture = decode_image(path.read_bytes())
        except ImageError as error:
            assert str(error) and "\n" not in str(error), path.name
        else:
            assert picture.dtype == np.uint8 and picture.size > 0, path.name
            arrays += 1
    assert 0 < arrays < len(paths)


@pytest.mark.parametrize("suffix", ["jpg", "webp"])
def test_the_orientations_of_one_photo_agree(shared_data: Path, suffix: str) -> None:
    """The same photo, stored in several orientations by another program, looks the same."""
    paths = sorted((shared_data / "hostile").glob(f"*_hopper_orientation_?.{suffix}"))
    pictures = [decode_image(path.read_bytes()).astype(int) for path in paths]
    assert len(pictures) >= 6
    for picture in pictures[1:]:
        assert picture.shape == pictures[0].shape
        assert np.abs(picture - pictures[0]).mean() < 6
