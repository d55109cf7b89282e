"""Annotated photos in a ZIP file."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import msgspec
import numpy as np
import pytest

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.batch.annotated_zip import SIDE_PX, write_annotated_zip
from facecore.errors import ArchiveError, ImageError
from facecore.export import PhotoRow, Row
from facecore.imaging.decoding import decode_image, encode_jpeg
from facecore.imaging.drawing import draw_faces
from facecore.settings import DEFAULT_MAX_PIXELS
from facecore.sources.folders import photos_of_archive
from facecore.sources.photo import Photo
from tests.batch.conftest import failed_row, grey_png, row
from tests.sources.crafted import Entry, archive


def _packed(pairs: list[tuple[Photo, Row]]) -> dict[str, bytes]:
    """Pack, and give the ZIP file's entries."""
    turns = 0

    @contextmanager
    def turn() -> Iterator[None]:
        nonlocal turns
        turns += 1
        yield

    file = io.BytesIO()
    written = write_annotated_zip(pairs, file, max_pixels=DEFAULT_MAX_PIXELS, turn=turn)
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        entries = {name: archive.read(name) for name in archive.namelist()}
    assert len(entries) == written <= turns
    return entries


def _photo(name: str, data: bytes) -> Photo:
    return Photo(name=name, read=lambda: data)


def test_no_photo_is_an_empty_archive() -> None:
    """Nothing to draw gives a ZIP file without entries."""
    assert _packed([]) == {}


def test_same_photos_are_the_same_bytes_whenever_they_are_packed() -> None:
    """An entry has the time at which its photo was read, and can be opened when unpacked."""
    pairs = [(_photo("a.png", grey_png()), row("a.png", 0))]
    file = io.BytesIO()
    write_annotated_zip(pairs, file, max_pixels=DEFAULT_MAX_PIXELS, turn=nullcontext)
    with zipfile.ZipFile(file) as archive:
        (entry,) = archive.infolist()
    assert entry.date_time == (2024, 5, 1, 12, 30, 14)
    assert entry.external_attr >> 16 == 0o644


def test_a_frame_of_a_video_has_its_whole_moment_in_its_name() -> None:
    """Behind the last dot of a frame's name is no suffix, but a part of its second."""
    frame = msgspec.structs.replace(row("clip.mp4#t=12.500", 0), time_s=12.5, frame=25)
    assert list(_packed([(_photo(frame.path, grey_png()), frame)])) == [
        "0001-clip.mp4_t_12.500.jpg"
    ]


def test_faces_are_drawn_as_on_the_page(analyzer: FaceAnalyzer, hopper_file: bytes) -> None:
    """A packed photo is the photo with what its row says drawn on it."""
    analysis = analyzer.analyze(hopper_file, annotate=False)
    found = PhotoRow.of("below/hopper.jpg", analysis)
    ((name, data),) = _packed([(_photo("below/hopper.jpg", hopper_file), found)]).items()
    assert name == "0001-hopper.jpg"
    known = decode_image(encode_jpeg(draw_faces(decode_image(hopper_file), analysis.faces), 85))
    np.testing.assert_array_equal(decode_image(data), known)


@pytest.mark.slow
def test_large_photo_is_made_smaller() -> None:
    """The longest side has at most 1600 pixels, and the boxes shrink with it."""
    large = grey_png(2 * SIDE_PX)
    ((_, data),) = _packed([(_photo("large.png", large), row("large.png", 1))]).items()
    drawn = decode_image(data)
    assert drawn.shape[:2] == (SIDE_PX, SIDE_PX)
    differs = np.argwhere(np.abs(drawn.astype(int) - 128).max(axis=2) > 40)
    assert differs.min(axis=0).tolist() <= [2, 2]
    assert differs[:, 1].max() < 400


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("../../etc/passwd.jpg", "0001-passwd.jpg"),
        ("a.zip/b/c d<e>.png", "0001-c_d_e_.jpg"),
        ("..", "0001-photo.jpg"),
        ("é 東京 (2).jpg", "0001-é_東京_(2).jpg"),
        ("x" * 300 + ".jpg", "0001-" + "x" * 80 + ".jpg"),
    ],
)
def test_names_are_harmless(name: str, entry: str) -> None:
    """Whatever a photo is called, its entry stays in the folder it is unpacked into."""
    assert list(_packed([(_photo(name, grey_png()), row(name, 0))])) == [entry]


def test_archive_that_lied_costs_only_its_own_photos() -> None:
    """An archive that was found out after some photos were read is left out, and no other photo."""
    entries = [Entry(name="a.png", data=grey_png()), Entry(name="b.png", data=bytes(99), size=9)]
    good, liar = photos_of_archive("z.zip", lambda: io.BytesIO(archive(entries)))
    assert good.read()
    with pytest.raises(ArchiveError):
        liar.read()
    pairs: list[tuple[Photo, Row]] = [
        (good, row(good.name, 0)),
        (liar, failed_row(liar.name)),
        (_photo("c.png", grey_png()), row("c.png", 0)),
    ]
    assert list(_packed(pairs)) == ["0001-c.jpg"]


def test_photo_is_read_when_its_turn_has_come() -> None:
    """What waits for a turn holds no file's bytes."""
    inside: list[bool] = []

    @contextmanager
    def turn() -> Iterator[None]:
        inside.append(True)
        yield
        inside.pop()

    def read() -> bytes:
        assert inside
        return grey_png()

    pairs = [(Photo(name="a.png", read=read), row("a.png", 0))]
    assert write_annotated_zip(pairs, io.BytesIO(), max_pixels=DEFAULT_MAX_PIXELS, turn=turn) == 1


def test_photos_without_an_answer_are_left_out() -> None:
    """A failed photo, and one that went away since, are not in the archive."""

    def gone() -> bytes:
        raise ImageError("It is gone.")

    pairs: list[tuple[Photo, Row]] = [
        (_photo("bad.jpg", b"bad"), failed_row("bad.jpg")),
        (Photo(name="gone.jpg", read=gone), row("gone.jpg")),
        (_photo("good.png", grey_png()), row("good.png", 0)),
    ]
    assert list(_packed(pairs)) == ["0001-good.jpg"]
