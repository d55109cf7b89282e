"""HEIC photos: told from AVIF, turned once, and bounded before a tile is decoded."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pillow_heif
import pytest

from facecore.errors import DamagedImageError, ImageError, ImageTooLargeError, UnsupportedImageError
from facecore.imaging import heif
from facecore.imaging.decoding import decode_image
from facecore.imaging.headers import read_header
from tests.imaging.formats.scene import scene
from tests.load.mutations import mutated

PIXELS = scene(96, 64)


def _heic(**options: object) -> bytes:
    buffer = io.BytesIO()
    pillow_heif.encode("RGB", (96, 64), PIXELS.tobytes(), buffer, quality=80, **options)
    return buffer.getvalue()


HEIC = _heic()


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content) + 8, kind) + content


def _made_of(parts: list[list[int]], side_px: int = 1000) -> bytes:
    """Items of one size, the first of which are made of others, as often as these are named."""
    size = _box(b"ispe", struct.pack(">III", 0, side_px, side_px))
    count = 1 + len(parts)
    links = b"".join(struct.pack(">HBB", item, 1, 1) for item in range(1, count + 1))
    properties = _box(b"ipco", size) + _box(b"ipma", struct.pack(">II", 0, count) + links)
    references = b"".join(
        _box(b"dimg", struct.pack(f">HH{len(ids)}H", item, len(ids), *ids))
        for item, ids in enumerate(parts, start=1)
    )
    meta = bytes(4) + _box(b"iref", bytes(4) + references) + _box(b"iprp", properties)
    return _box(b"ftyp", b"heic\0\0\0\0mif1heic") + _box(b"meta", meta)


@pytest.mark.parametrize(
    ("brands", "kind"),
    [
        (b"heic\0\0\0\0mif1heic", "HEIC"),
        (b"mif1\0\0\0\0mif1heic", "HEIC"),
        (b"mif1\0\0\0\0mif1avif", "AVIF"),
        (b"avif\0\0\0\0mif1miaf", "AVIF"),
        (b"hevc\0\0\0\0msf1hevc", "HEIC"),
        (b"isom\0\0\0\0isommp42", ""),
        (b"", ""),
    ],
)
def test_brands_tell_heic_from_avif_and_film(brands: bytes, kind: str) -> None:
    """The main brand may be one of any image; the others say of which kind."""
    assert heif.kind_by_brands(_box(b"ftyp", brands)) == kind


@pytest.mark.parametrize("parts", [[], [[2, 2, 2, 2]], [[2], [3]]])
def test_honest_items_pass(parts: list[list[int]]) -> None:
    """Pictures of a few tiles, and pictures of pictures, are as they should be."""
    heif.check_items(_made_of(parts), 1_000_000)


@pytest.mark.parametrize("parts", [[[2] * 500], [[2] * 3, [3] * 3], [[1]], [[2], [1]]])
def test_tile_that_is_named_again_and_again_is_refused(parts: list[list[int]]) -> None:
    """Each name costs a tile's decoding, though the file has it once; so do circles."""
    with pytest.raises(DamagedImageError, match="far more than it shows"):
        heif.check_items(_made_of(parts), 100_000_000)


def test_hidden_item_beyond_the_limit_is_refused() -> None:
    """The limit is one of every item, not of the main picture alone."""
    with pytest.raises(DamagedImageError, match="far more than it shows"):
        heif.check_items(_made_of([]), 999_999)


def test_more_pixels_than_the_limit_are_refused_undecoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The size in the header is the measure, as for every other format."""
    monkeypatch.setattr(heif, "decode", lambda _: pytest.fail("decoded before the check"))
    with pytest.raises(ImageTooLargeError, match="96×64"):
        decode_image(HEIC, max_pixels=96 * 64 - 1)


def test_picture_that_says_less_than_it_has_is_refused() -> None:
    """A size that lies is met by the decoder's own bound, in a sentence of ours."""
    place = HEIC.index(b"ispe") + 8
    lying = HEIC[:place] + struct.pack(">II", 16, 16) + HEIC[place + 8 :]
    with pytest.raises(ImageError, match="choose another file"):
        decode_image(lying, max_pixels=1000)


def test_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing reads HEIC, the sentence says what to install."""
    monkeypatch.setattr(heif, "is_there", lambda: False)
    with pytest.raises(UnsupportedImageError, match="pip install pi-heif"):
        read_header(HEIC)


@pytest.mark.parametrize("library", ["pi_heif", "pillow_heif"])
def test_either_library_gives_the_same_pixels(
    monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    """Which of the two is installed makes no difference."""
    monkeypatch.setattr(heif, "_LIBRARIES", (library,))
    heif._library.cache_clear()
    try:
        assert heif._library().__name__ == library
        difference = np.abs(decode_image(HEIC)[:, :, ::-1].astype(int) - PIXELS)
    finally:
        heif._library.cache_clear()
    assert difference.mean() < 4


def test_of_several_pictures_the_main_one_is_read() -> None:
    """A phone may keep others in the file, before or behind."""
    file = pillow_heif.HeifFile()  # type: ignore[no-untyped-call]
    for picture in (np.zeros((32, 32, 3), np.uint8), PIXELS):
        height, width = picture.shape[:2]
        file.add_frombytes("RGB", (width, height), picture.tobytes())
    buffer = io.BytesIO()
    file.save(buffer, primary_index=1)
    assert read_header(buffer.getvalue()).size_wh == (96, 64)
    assert decode_image(buffer.getvalue()).shape == (64, 96, 3)


# What Pillow grumbles about in a damaged file is no error of ours.
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_broken_files_are_pictures_or_one_sentence() -> None:
    """Whatever is changed, cut or put in, it is read or told of in one sentence."""
    read = 0
    for _, data in mutated([HEIC, _heic(chroma="444")], 400, seed=5):
        try:
            assert decode_image(data, max_pixels=1_000_000).ndim == 3
            read += 1
        except ImageError as error:
            assert "\n" not in str(error)
    assert read > 15


def test_known_case_is_turned_once(shared_data: Path) -> None:
    """Where both the EXIF tag and a box of the file say how to turn it, the box does."""
    data = (shared_data / "cases" / "folder_mixed" / "IMG_0002.HEIC").read_bytes()
    assert read_header(data).upright_wh == decode_image(data).shape[1::-1] == (600, 512)
