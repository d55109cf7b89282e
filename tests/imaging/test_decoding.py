"""Good pictures of every kind come out upright and in plain BGR."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from facecore.imaging import decoding as images
from facecore.imaging.decoding import (
    BgrImage,
    cap_longest_side,
    check_bgr,
    decode_image,
    encode_jpeg,
    encode_png,
    shrink,
    shrink_to_show,
)
from facecore.imaging.headers import read_header
from facecore.imaging.kinds import PHOTO_FORMATS
from tests.conftest import REPOSITORY

FINE: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "AVIF": {"quality": 100, "subsampling": "4:4:4"},
    "WEBP": {"lossless": True},
}
# How the stored picture comes from the upright one: EXIF 2.32, tag 0x0112.
STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def _quarters() -> NDArray[np.uint8]:
    """Four colours, RGB, 48×32: no turn or flip looks like another."""
    picture = np.zeros((32, 48, 3), np.uint8)
    picture[:16, :24], picture[:16, 24:] = (250, 20, 20), (20, 220, 20)
    picture[16:, :24], picture[16:, 24:] = (20, 20, 240), (240, 240, 240)
    return picture


def _ramp() -> NDArray[np.uint8]:
    """Grey from 0 to 235 in steps of 5 from left to right, 48×32."""
    return np.tile(np.arange(0, 240, 5, dtype=np.uint8), (32, 1))


def _saved(picture: Image.Image, image_format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, image_format, **FINE.get(image_format, {}), **options)
    return buffer.getvalue()


def _turned(orientation: int, image_format: str) -> bytes:
    """A file whose tag says how to turn its stored rows into `_quarters`."""
    stored = Image.fromarray(_quarters())
    turn = STORED[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    return _saved(stored if turn is None else stored.transpose(turn), image_format, exif=exif)


def _exif_moved_behind_the_pixels(png: bytes) -> bytes:
    start = png.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(png[start : start + 4], "big")
    last = png.index(b"IEND") - 4
    assert start < png.index(b"IDAT") < last
    return png[:start] + png[end:last] + png[start:end] + png[last:]


def _assert_colours(decoded: BgrImage, rgb: NDArray[np.uint8], tolerance: int) -> None:
    assert decoded.dtype == np.uint8
    assert decoded.shape == rgb.shape
    difference = np.abs(decoded[:, :, ::-1].astype(int) - rgb)
    assert difference.max() <= tolerance


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", STORED)
def test_exif_orientation_is_undone(image_format: str, orientation: int) -> None:
    """However a camera stored it, the picture comes out upright, as its header says before."""
    data = _turned(orientation, image_format)
    _assert_colours(decode_image(data), _quarters(), tolerance=4)
    header = read_header(data)
    assert header.format == image_format
    upright_wh = header.size_wh[::-1] if header.orientation >= 5 else header.size_wh
    assert upright_wh == (48, 32)
    if image_format != "TIFF":  # Pillow turns a TIFF's size upright by itself
        assert header.orientation == orientation


@pytest.mark.parametrize("orientation", STORED)
def test_png_orientation_counts_behind_the_pixels_too(orientation: int) -> None:
    """A PNG may keep its EXIF after the pixels, and it is undone all the same."""
    late = _exif_moved_behind_the_pixels(_turned(orientation, "PNG"))
    assert read_header(late).orientation == orientation
    _assert_colours(decode_image(late), _quarters(), tolerance=0)


@pytest.mark.parametrize("value", [0, 9, 65535])
@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
def test_an_orientation_that_does_not_exist_turns_nothing(image_format: str, value: int) -> None:
    """A tag outside 1 to 8 is passed over, not an error."""
    exif = Image.Exif()
    exif[0x0112] = value
    data = _saved(Image.fromarray(_quarters()), image_format, exif=exif)
    assert read_header(data).orientation == 1
    _assert_colours(decode_image(data), _quarters(), tolerance=4)


@pytest.mark.parametrize("image_format", ["PNG", "WEBP"])
def test_a_broken_exif_block_does_not_cost_the_photo(image_format: str) -> None:
    """Junk where the EXIF should be leaves the picture as it is stored."""
    data = _saved(Image.fromarray(_quarters()), image_format, exif=b"Exif\0\0junk that is no TIFF")
    assert read_header(data).orientation == 1
    _assert_colours(decode_image(data), _quarters(), tolerance=0)


def _grey16() -> Image.Image:
    return Image.fromarray(_ramp().astype(np.uint16) * 257)


def _rgb16(suffix: str) -> bytes:
    wide = _quarters()[:, :, ::-1].astype(np.uint16) * 257
    return cv2.imencode(suffix, wide)[1].tobytes()


def _transparent(mode: str) -> Image.Image:
    picture = Image.fromarray(_quarters()).convert(mode)
    picture.putalpha(Image.fromarray(np.full((32, 48), 7, np.uint8)))
    return picture


GREY_RGB = np.repeat(_ramp()[:, :, None], 3, axis=2)
BLACK_WHITE_RGB = np.where(GREY_RGB > 127, 255, 0).astype(np.uint8)
BLACK_WHITE = Image.fromarray(BLACK_WHITE_RGB[:, :, 0]).convert("1")
PALETTE = Image.fromarray(_quarters()).quantize(4)
CMYK = Image.fromarray(_quarters()).convert("CMYK")


@pytest.mark.parametrize(
    ("data", "rgb", "tolerance"),
    [
        pytest.param(_saved(Image.new("RGB", (1, 1)), "PNG"), np.zeros((1, 1, 3)), 0, id="1×1"),
        pytest.param(_saved(Image.fromarray(_ramp()), "PNG"), GREY_RGB, 0, id="grey PNG"),
        pytest.param(_saved(Image.fromarray(_ramp()), "JPEG"), GREY_RGB, 3, id="grey JPEG"),
        pytest.param(_saved(Image.fromarray(_ramp()), "TIFF"), GREY_RGB, 0, id="grey TIFF"),
        pytest.param(_saved(_grey16(), "PNG"), GREY_RGB, 0, id="16-bit grey PNG"),
        pytest.param(_saved(_grey16(), "TIFF"), GREY_RGB, 0, id="16-bit grey TIFF"),
        pytest.param(_rgb16(".png"), _quarters(), 0, id="16-bit PNG"),
        pytest.param(_rgb16(".tiff"), _quarters(), 0, id="16-bit TIFF"),
        pytest.param(_saved(PALETTE, "PNG"), _quarters(), 1, id="palette PNG"),
        pytest.param(_saved(PALETTE, "BMP"), _quarters(), 1, id="palette BMP"),
        pytest.param(_saved(PALETTE, "TIFF"), _quarters(), 1, id="palette TIFF"),
        pytest.param(_saved(BLACK_WHITE, "PNG"), BLACK_WHITE_RGB, 0, id="1-bit PNG"),
        pytest.param(_saved(BLACK_WHITE, "BMP"), BLACK_WHITE_RGB, 0, id="1-bit BMP"),
        pytest.param(_saved(BLACK_WHITE, "TIFF"), BLACK_WHITE_RGB, 0, id="1-bit TIFF"),
        pytest.param(
            _saved(BLACK_WHITE, "TIFF", compression="group4"), BLACK_WHITE_RGB, 0, id="fax TIFF"
        ),
        pytest.param(_saved(CMYK, "JPEG"), _quarters(), 5, id="CMYK JPEG"),
        pytest.param(_saved(CMYK, "TIFF"), _quarters(), 2, id="CMYK TIFF"),
        pytest.param(_saved(_transparent("RGBA"), "PNG"), _quarters(), 0, id="RGBA PNG"),
        pytest.param(_saved(_transparent("RGBA"), "WEBP", exact=True), _quarters(), 0, id="WebP"),
        pytest.param(_saved(_transparent("RGBA"), "TIFF"), _quarters(), 0, id="RGBA TIFF"),
        pytest.param(
            _saved(_transparent("L"), "PNG"),
            np.asarray(Image.fromarray(_quarters()).convert("L").convert("RGB")),
            0,
            id="LA PNG",
        ),
    ],
)
def test_every_kind_of_pixel_becomes_plain_bgr(
    data: bytes, rgb: NDArray[np.uint8], tolerance: int
) -> None:
    """Depth, palette, ink and transparency are resolved to the colours that were meant."""
    _assert_colours(decode_image(data), rgb, tolerance)


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("kind", ["colour", "16-bit grey"])
def test_pillow_reads_what_opencv_cannot(
    monkeypatch: pytest.MonkeyPatch, kind: str, orientation: int
) -> None:
    """Where OpenCV gives None, Pillow's picture is as upright and has the same colours."""
    source, rgb = Image.fromarray(_quarters()), _quarters()
    if kind == "16-bit grey":
        source, rgb = _grey16(), GREY_RGB
    exif = Image.Exif()
    exif[0x0112] = orientation
    turn = STORED[orientation]
    data = _saved(source if turn is None else source.transpose(turn), "PNG", exif=exif)
    monkeypatch.setattr(cv2, "imdecode", lambda *_: None)
    decoded = decode_image(data)
    _assert_colours(decoded, rgb, tolerance=0)
    assert decoded.flags.c_contiguous


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16"])
def test_bands_make_the_picture_that_the_whole_makes(
    monkeypatch: pytest.MonkeyPatch, mode: str, orientation: int
) -> None:
    """However many rows Pillow converts at a time, no pixel is another."""
    source = _grey16() if mode == "I;16" else Image.fromarray(_quarters()).convert(mode)
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = _saved(source, "TIFF", exif=exif)
    monkeypatch.setattr(cv2, "imdecode", lambda *_: None)
    whole = decode_image(data)
    for rows in (1, 5, 31):
        monkeypatch.setattr(images, "_BAND_PIXELS", rows * source.width)
        np.testing.assert_array_equal(decode_image(data), whole)
    rgb = GREY_RGB if mode == "I;16" else np.asarray(source.convert("RGB"))
    _assert_colours(whole, np.rot90(rgb, -1) if orientation == 6 else rgb, tolerance=0)


@pytest.mark.parametrize("subsampling", ["4:2:0", "4:4:4"])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_an_avif_has_the_pixels_that_opencv_gives(mode: str, subsampling: str) -> None:
    """Pillow decodes it, for its memory's sake, and not otherwise."""
    noise = np.random.default_rng(12).integers(0, 256, (33, 47, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).convert(mode).save(buffer, "AVIF", subsampling=subsampling)
    theirs = cv2.imdecode(np.frombuffer(buffer.getvalue(), np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(decode_image(buffer.getvalue()), theirs)


# In a process of its own, where no memory lies about that was used and is free again.
PEAK_OF_DECODING = """
import sys
from pathlib import Path
from facecore.imaging.decoding import decode_image
from facecore.machine.meter import ResourceMeter
data = Path(sys.argv[1]).read_bytes()
with ResourceMeter() as meter:
    assert decode_image(data).shape == (2000, 4000, 3)
    usage = meter.usage()
print(usage.peak_rss_bytes - usage.rss_before_bytes)
"""


@pytest.mark.slow
@pytest.mark.parametrize("image_format", ["TIFF", "AVIF"])
def test_a_transparent_picture_takes_no_more_than_the_memory_plan_thinks(
    tmp_path: Path, image_format: str
) -> None:
    """The kinds that Pillow decodes stay within the bytes per pixel that are planned for."""
    coarse = np.random.default_rng(13).integers(0, 256, (50, 100, 4), dtype=np.uint8)
    options = {"speed": 10} if image_format == "AVIF" else {}
    path = tmp_path / "photo"
    Image.fromarray(coarse).resize((4000, 2000)).save(path, image_format, **options)
    ran = subprocess.run(
        [sys.executable, "-c", PEAK_OF_DECODING, str(path)],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
        text=True,
    )
    assert 3 * 8_000_000 < int(ran.stdout) < 14.5 * 8_000_000


@pytest.mark.parametrize("image_format", ["PNG", "BMP", "TIFF"])
@pytest.mark.parametrize("size_wh", [(1_048_577, 1), (1, 1_048_577)], ids=["wide", "tall"])
def test_sides_beyond_opencvs_own_limit_are_read(
    image_format: str, size_wh: tuple[int, int]
) -> None:
    """OpenCV answers None or raises for a side above 2**20, and Pillow steps in."""
    data = _saved(Image.new("RGB", size_wh, (1, 2, 3)), image_format)
    decoded = decode_image(data)
    assert decoded.shape == (size_wh[1], size_wh[0], 3)
    assert (decoded == (3, 2, 1)).all()


@pytest.mark.parametrize("image_format", ["PNG", "WEBP", "TIFF"])
def test_of_several_frames_the_first_is_read(image_format: str) -> None:
    """An animation or a file of several pages is read as its first picture."""
    frames = [Image.fromarray(_quarters()), Image.new("RGB", (48, 32), (1, 2, 3))]
    data = _saved(frames[0], image_format, save_all=True, append_images=frames[1:])
    _assert_colours(decode_image(data), _quarters(), tolerance=0)


@pytest.mark.parametrize("image_format", sorted({*PHOTO_FORMATS} - {"HEIC"}))
def test_bytes_are_only_read(image_format: str) -> None:
    """Decoding twice gives two equal arrays that share nothing, each free to be written."""
    data = _saved(Image.fromarray(_quarters()), image_format)
    first, second = decode_image(data), decode_image(data)
    np.testing.assert_array_equal(first, second)
    first[:] = 0
    assert second.any()


@pytest.mark.parametrize("size_wh", [(1, 1), (1, 40), (47, 31)], ids=str)
def test_png_keeps_every_pixel(size_wh: tuple[int, int]) -> None:
    """What was encoded as PNG decodes to the same array."""
    width, height = size_wh
    picture = np.random.default_rng(8).integers(0, 256, (height, width, 3), dtype=np.uint8)
    np.testing.assert_array_equal(decode_image(encode_png(picture)), picture)


def test_jpeg_keeps_colours_and_weighs_less() -> None:
    """What was encoded as JPEG looks the same, and lower quality makes it smaller."""
    picture = np.ascontiguousarray(_quarters()[:, :, ::-1].repeat(4, axis=0).repeat(4, axis=1))
    decoded = decode_image(encode_jpeg(picture, quality=95))
    assert decoded.shape == picture.shape
    centres = np.s_[32::64, 48::96]
    assert np.abs(decoded[centres].astype(int) - picture[centres]).max() <= 4
    noise = np.random.default_rng(9).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    assert len(encode_jpeg(noise, quality=20)) < len(encode_jpeg(noise))


@pytest.mark.parametrize(("size_wh", "limit"), [((1, 1), 32), ((40, 30), 40), ((40, 30), None)])
def test_a_picture_that_fits_is_not_copied(size_wh: tuple[int, int], limit: int | None) -> None:
    """The very same array comes back where nothing is to be done."""
    picture = np.zeros((size_wh[1], size_wh[0], 3), np.uint8)
    assert cap_longest_side(picture, limit) is picture


@pytest.mark.parametrize(
    ("size_wh", "capped_hw"),
    [((400, 1), (1, 100)), ((400, 300), (75, 100)), ((30, 200), (100, 15))],
)
def test_a_large_picture_is_shrunk(size_wh: tuple[int, int], capped_hw: tuple[int, int]) -> None:
    """Shrinking averages the pixels, to the limit of 100, and leaves the original alone."""
    picture = np.zeros((size_wh[1], size_wh[0], 3), np.uint8)
    picture[:, ::2] = (100, 150, 200)
    before = picture.copy()
    capped = cap_longest_side(picture, 100)
    assert capped.shape == (*capped_hw, 3)
    np.testing.assert_array_equal(picture, before)
    np.testing.assert_allclose(capped.mean(axis=(0, 1)), (50, 75, 100), atol=1)


@pytest.mark.parametrize("size_wh", [(1, 1), (100, 100), (160, 160), (400, 400), (512, 512)])
def test_what_is_shown_looks_as_if_each_pixel_were_averaged(
    astronaut_file: bytes, size_wh: tuple[int, int]
) -> None:
    """The quick way makes nearly the same picture, at whole ratios and between them."""
    photo = decode_image(astronaut_file)
    shown, averaged = shrink_to_show(photo, size_wh), shrink(photo, size_wh)
    assert shown.shape == (*size_wh[::-1], 3)
    assert np.abs(shown.astype(int) - averaged).mean() < 3


def test_an_array_that_is_a_picture_passes() -> None:
    """The check gives back the array itself."""
    picture = np.zeros((2, 3, 3), np.uint8)
    assert check_bgr(picture) is picture
