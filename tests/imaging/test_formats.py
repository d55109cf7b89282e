"""Every format and sub-format that can be made: our pixels are the right ones."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image, ImageOps

from facecore.errors import UnsupportedImageError
from facecore.imaging.decoding import decode_image
from facecore.imaging.headers import read_header
from tests.imaging.formats import cases
from tests.imaging.formats.bmp import _bmp
from tests.imaging.formats.scene import GREY, HEIGHT, RGB, WIDTH, Case
from tests.imaging.formats.tiff import _COLOUR, _PLAIN, _tiff

CASES = cases()
# Pillow's own faults, each looked at: what it gives is not what the specification says.
NOT_BY_PILLOW = ("BMP RLE8 with jumps", "BMP RLE8, padded plain runs", "HEIC")


def _difference(rgb: np.ndarray, case: Case) -> tuple[int, float]:
    assert rgb.shape == case.rgb.shape
    difference = np.abs(rgb.astype(int) - case.rgb)
    return int(difference.max()), float(difference.mean())


def _by_pillow(case: Case) -> np.ndarray:
    with Image.open(io.BytesIO(case.data)) as picture:
        upright = ImageOps.exif_transpose(picture)
        deep = upright.mode.startswith("I;16")
        bits = getattr(picture, "tag_v2", {}).get(258, (16,))[0] if deep else 8
        grey = np.asarray(upright, np.uint16) >> (bits - 8) if deep else None
        return np.asarray(upright.convert("RGB")) if grey is None else np.dstack([grey] * 3)


# Pillow grumbles about transparency that is dropped.
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_pixels_are_those_that_were_meant(case: Case) -> None:
    """Whatever way a picture is stored, what comes out is what went in, also in Pillow's eyes."""
    header = read_header(case.data)
    assert header.upright_wh == (WIDTH, HEIGHT)
    read = [decode_image(case.data)[:, :, ::-1]]
    read += [] if case.name.startswith(NOT_BY_PILLOW) else [_by_pillow(case)]
    for rgb in read:
        most, mean = _difference(rgb, case)
        assert most <= case.most
        assert mean <= (case.mean or case.most)


def test_there_are_many_and_all_differ() -> None:
    """A format that is forgotten is not tested: none may drop out unseen."""
    assert len({case.name for case in CASES}) == len(CASES) >= 240


def _deep(bits: int, kind: str, samples: int, floating: bool) -> bytes:
    pixels = (RGB if samples == 3 else GREY).astype(kind).tobytes()
    tags = {**_PLAIN, **_COLOUR} if samples == 3 else {**_PLAIN, 262: (1,), 277: (1,)}
    tags |= {258: (bits,) * samples, 339: (3 if floating else 1,) * samples}
    return _tiff([pixels], tags)


def _unread() -> Iterator[tuple[str, bytes, str]]:
    yield "float grey TIFF", _deep(32, "<f4", 1, True), "32-bit floating-point colours"
    yield "float TIFF", _deep(32, "<f4", 3, True), "32-bit floating-point colours"
    yield "double TIFF", _deep(64, "<f8", 1, True), "64-bit floating-point colours"
    yield "32-bit grey TIFF", _deep(32, "<u4", 1, False), "32-bit colours"
    yield "32-bit TIFF", _deep(32, "<u4", 3, False), "32-bit colours"
    twelve = _tiff([bytes(WIDTH * HEIGHT * 5)], {**_PLAIN, **_COLOUR, 258: (12,) * 3})
    yield "12-bit TIFF", twelve, "12-bit colours"
    lab = _tiff([RGB.tobytes()], {**_PLAIN, **_COLOUR, 262: (9,)})
    yield "ITULab TIFF", lab, "TIFF stores its colours in a way"
    masks = struct.pack("<III", 0x3FF00000, 0xFFC00, 0x3FF)
    ten = _bmp([bytes(WIDTH * 4)] * HEIGHT, 32, compression=3, masks=masks)
    yield "10-bit BMP", ten, "BMP stores its colours in a way"
    buffer = io.BytesIO()
    Image.fromarray(RGB).save(buffer, "JPEG")
    jpeg = buffer.getvalue()
    frame = jpeg.index(b"\xff\xc0")
    twelve = jpeg[: frame + 4] + b"\x0c" + jpeg[frame + 5 :]
    yield "12-bit JPEG", twelve, "JPEG has 12 bits per colour, of which 8 are read"
    lossless = jpeg[: frame + 1] + b"\xc3" + jpeg[frame + 2 :]
    yield "lossless JPEG", lossless, "lossless or hierarchical kind"


@pytest.mark.parametrize(
    ("data", "says"), [pytest.param(data, says, id=name) for name, data, says in _unread()]
)
def test_what_is_not_read_is_named(data: bytes, says: str) -> None:
    """A photo of a kind that no decoder here takes is told of as that, with what to do."""
    with pytest.raises(UnsupportedImageError, match=says) as caught:
        decode_image(data)
    assert "save it" in str(caught.value)
