"""Pictures no finer than they are needed: the same place for every pixel, the same errors."""

from __future__ import annotations

import io
import random
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from facecore.errors import DamagedImageError, ImageError, UnsupportedImageError
from facecore.imaging.decoding import BgrImage, cap_longest_side, decode_image, decode_reduced
from facecore.imaging.headers import read_header
from facecore.imaging.pictures import (
    FULL_SIZE,
    Picture,
    coarsest_reduction,
    decode_picture,
)

# What Pillow grumbles about in a damaged file is no error of ours.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

MAX_PIXELS = 1_000_000


def _scene(width: int, height: int) -> NDArray[np.uint8]:
    """A soft picture, RGB, in which every place looks different."""
    coarse = np.random.default_rng(width * height).integers(40, 216, (4, 5, 3), dtype=np.uint8)
    soft = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return soft.astype(np.uint8, copy=False)


def _jpeg(
    size_wh: tuple[int, int], mode: str = "RGB", orientation: int = 1, **options: Any
) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = Image.fromarray(_scene(*size_wh)).convert(mode)
    buffer = io.BytesIO()
    picture.save(buffer, options.pop("format", "JPEG"), quality=95, exif=exif, **options)
    return buffer.getvalue()


def _averaged(image: BgrImage, reduction: int) -> NDArray[np.float64]:
    height, width = image.shape[0] // reduction, image.shape[1] // reduction
    blocks = image.reshape(height, reduction, width, reduction, 3)
    return np.asarray(blocks.mean(axis=(1, 3)))


KINDS: dict[str, dict[str, Any]] = {
    "baseline": {},
    "sharp colours": {"subsampling": 0},
    "grey": {"mode": "L"},
    "CMYK": {"mode": "CMYK"},
    "MPO": {"format": "MPO", "save_all": True, "append_images": [Image.new("RGB", (64, 64))]},
}
AS_IT_IS: dict[str, dict[str, Any]] = {
    "progressive": {"progressive": True},
    "PNG": {"format": "PNG"},
    "WebP": {"format": "WEBP"},
    "TIFF": {"format": "TIFF"},
    "AVIF": {"format": "AVIF"},
    "odd sides": {"size_wh": (321, 201)},
    "one odd side": {"size_wh": (320, 201)},
}


@pytest.mark.parametrize("least_px", [1, 40, FULL_SIZE])
@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff", b"no picture", b"\xff\xd8\xff\xe0junk"])
def test_no_picture_is_the_same_error_at_any_size(data: bytes, least_px: int) -> None:
    """What cannot be read is told with the sentence of a full decoding."""
    with pytest.raises(ImageError) as full:
        decode_image(data)
    with pytest.raises(type(full.value)) as reduced:
        decode_picture(data, least_px)
    assert str(reduced.value) == str(full.value)


@pytest.mark.parametrize(
    ("size_wh", "least_px", "reduction"),
    [
        ((1, 1), 1, 1),
        ((1, 1), FULL_SIZE, 1),
        ((8, 8), 1, 8),
        ((8, 8), 2, 4),
        ((8, 4), 1, 4),
        ((4032, 3024), 1600, 2),
        ((4032, 3024), 504, 8),
        ((4032, 3024), 505, 4),
        ((3024, 4032), 4032, 1),
        ((6000, 4000), 1501, 2),
        ((6000, 4000), 1500, 4),
        ((6000, 4000), 6001, 1),
        ((6000, 4001), 1, 1),
        ((6002, 4000), 1, 2),
        ((5712, 4284), 1, 4),
    ],
)
def test_the_coarsest_reduction_that_will_do(
    size_wh: tuple[int, int], least_px: int, reduction: int
) -> None:
    """It divides both sides and leaves as many pixels as are asked for."""
    assert coarsest_reduction(size_wh, least_px) == reduction


@pytest.mark.parametrize("reduction", [2, 4, 8])
@pytest.mark.parametrize("kind", KINDS)
def test_a_reduced_pixel_is_the_mean_of_those_it_stands_for(kind: str, reduction: int) -> None:
    """Every kind of JPEG comes out as the full picture does, averaged over whole pixels."""
    data = _jpeg(**({"size_wh": (320, 192)} | KINDS[kind]))
    picture = decode_picture(data, 320 // reduction)
    assert (picture.size_wh, picture.reduction) == ((320, 192), reduction)
    difference = np.abs(picture.image - _averaged(decode_image(data), reduction))
    assert difference.mean() < 1.5
    assert difference.max() < 12


@pytest.mark.parametrize("orientation", range(1, 9))
def test_sizes_and_places_hold_for_every_orientation(orientation: int) -> None:
    """Over many sizes, what is reduced lies upright and to the pixel where the full photo does."""
    draw = random.Random(orientation)
    reductions = set()
    for _ in range(30):
        step = draw.choice((1, 2, 4, 8, 8))
        size_wh = (step * draw.randint(2, 40), step * draw.randint(2, 40))
        data = _jpeg(size_wh, orientation=orientation, subsampling=0)
        full = decode_image(data)
        least_px = max(1, draw.randint(1, max(size_wh) + 10) // draw.choice((1, 2, 8)))
        picture = decode_picture(data, least_px)
        reductions.add(picture.reduction)
        assert picture.size_wh == (full.shape[1], full.shape[0])
        assert picture.serves(least_px)
        assert picture.reduction == coarsest_reduction(size_wh, least_px)
        sides = tuple(side * picture.reduction for side in picture.image.shape[1::-1])
        assert sides == picture.size_wh
        assert np.abs(picture.image - _averaged(full, picture.reduction)).mean() < 2
    assert reductions == {1, 2, 4, 8}


@pytest.mark.parametrize("kind", AS_IT_IS)
def test_what_is_not_reduced_is_decoded_as_before(kind: str) -> None:
    """Where there is nothing to gain or pixels would not fit, the full picture comes out."""
    data = _jpeg(**({"size_wh": (320, 200)} | AS_IT_IS[kind]))
    picture = decode_picture(data, 1)
    full = decode_image(data)
    assert (picture.reduction, picture.size_wh) == (1, (full.shape[1], full.shape[0]))
    np.testing.assert_array_equal(picture.image, full)


def test_a_header_tells_whether_the_pixels_come_in_passes() -> None:
    """Only a progressive JPEG says so, not an interlaced picture of another format."""
    assert read_header(_jpeg((32, 16), progressive=True)).is_progressive
    assert not read_header(_jpeg((32, 16))).is_progressive
    assert not read_header(_jpeg((32, 16), format="PNG", interlace=1)).is_progressive


def test_a_photo_that_comes_out_turned_otherwise_is_decoded_in_full() -> None:
    """Where OpenCV reads an odd orientation tag differently, its full picture counts."""
    data = bytearray(_jpeg((320, 192), orientation=6))
    # From one SHORT of 6 to one LONG of 6: OpenCV takes the LONG's first half.
    tag = data.index(b"\x01\x12\x00\x03\x00\x00\x00\x01")
    data[tag + 2 : tag + 12] = b"\x00\x04\x00\x00\x00\x01\x00\x00\x00\x06"
    file = bytes(data)
    full = decode_image(file)
    header = read_header(file)
    assert header.upright_wh == (192, 320) != full.shape[1::-1]
    reduced = decode_reduced(file, header, 2)
    assert reduced is not None and reduced.shape == (96, 160, 3)
    picture = decode_picture(file, 1)
    assert (picture.reduction, picture.size_wh) == (1, (320, 192))


def _outcome(data: bytes, least_px: int) -> object:
    """Return the photo's size, or the error's kind and sentence."""
    try:
        return decode_picture(data, least_px, max_pixels=MAX_PIXELS).size_wh
    except ImageError as error:
        return type(error), str(error)


@pytest.mark.parametrize("kind", ["baseline", "grey", "CMYK"])
def test_a_cut_file_is_the_same_error_at_any_size(kind: str) -> None:
    """Wherever a file ends too soon, reducing tells the same as decoding in full."""
    data = _jpeg(**({"size_wh": (160, 96)} | KINDS[kind]))
    outcomes = set()
    for length in (*range(0, 40, 5), *range(40, len(data), 41)):
        outcome = _outcome(data[:length], FULL_SIZE)
        outcomes.add(outcome[0] if isinstance(outcome, tuple) else None)
        for least_px in (20, 40, 80):
            assert _outcome(data[:length], least_px) == outcome, length
    assert {DamagedImageError, UnsupportedImageError} <= outcomes


@pytest.mark.parametrize("kind", ["baseline", "sharp colours", "grey", "CMYK"])
def test_flipped_bytes_come_to_the_same_at_any_size(kind: str) -> None:
    """Whatever a few wrong bytes make of a JPEG, reducing has the full decoding's outcome."""
    data = _jpeg(**({"size_wh": (160, 96)} | KINDS[kind]))
    draw = random.Random(kind)
    sizes = 0
    for _ in range(200):
        broken = bytearray(data)
        for _ in range(draw.choice((1, 2, 4, 8))):
            reach = len(broken) if draw.random() < 0.5 else min(120, len(broken))
            broken[draw.randrange(reach)] = draw.choice((0, 1, 127, 255, draw.randrange(256)))
        outcome = _outcome(bytes(broken), FULL_SIZE)
        sizes += isinstance(outcome, tuple) and isinstance(outcome[0], int)
        for least_px in (20, 40, 80):
            assert _outcome(bytes(broken), least_px) == outcome
    assert 0 < sizes < 200


@pytest.mark.parametrize("max_side_px", [None, 1, 7, 33, 100, 192, 1000])
@pytest.mark.parametrize("reduction", [1, 2, 8])
def test_a_capped_copy_is_as_large_as_one_made_in_full(
    reduction: int, max_side_px: int | None
) -> None:
    """The detector's copy has the same size and looks the same, whatever it is made from."""
    full = _scene(192, 128)
    small = cap_longest_side(full, 192 // reduction)
    capped = Picture(small, (192, 128), reduction).capped(max_side_px)
    expected = cap_longest_side(full, max_side_px)
    assert capped.shape == expected.shape
    if max_side_px is not None and max_side_px <= 192 // reduction:
        assert np.abs(capped.astype(int) - expected).mean() < 2


def test_a_part_of_a_full_picture_is_its_own_pixels() -> None:
    """A window of a picture in full is a view of exactly those pixels."""
    image = _scene(40, 30)
    part = Picture.in_full(image).cut((3, 4, 20, 29))
    np.testing.assert_array_equal(part, image[4:29, 3:20])
    assert np.shares_memory(part, image)


@pytest.mark.parametrize("reduction", [2, 4, 8])
def test_a_part_of_a_reduced_picture_is_off_by_half_a_pixel_at_most(reduction: int) -> None:
    """Every window has at least a pixel, and its edges are the nearest that there are."""
    width, height = 16, 24
    place = np.stack(np.meshgrid(np.arange(width // reduction), np.arange(height // reduction)), -1)
    image = np.dstack([place, place[..., :1]]).astype(np.uint8)
    picture = Picture(image, (width, height), reduction)
    for x0 in range(width):
        for x1 in range(x0 + 1, width + 1):
            y0, y1 = x0 * height // width, x1 * height // width
            part = picture.cut((x0, y0, x1, max(y1, y0 + 1)))
            assert part.size > 0
            first, last = int(part[0, 0, 0]), int(part[0, -1, 0]) + 1
            if x1 - x0 > reduction:
                assert abs(first - x0 / reduction) <= 0.5
                assert abs(last - x1 / reduction) <= 0.5


def test_an_array_is_a_picture_in_full() -> None:
    """An array is neither copied nor reduced, and checked."""
    image = _scene(320, 192)
    picture = decode_picture(image, 1, max_pixels=MAX_PIXELS)
    assert picture.image is image
    assert (picture.size_wh, picture.reduction) == ((320, 192), 1)
    with pytest.raises(UnsupportedImageError):
        decode_picture(image[:, :, 0], 1, max_pixels=MAX_PIXELS)
