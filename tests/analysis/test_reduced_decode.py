"""Reduced decoding on the whole way from a file to its faces, with the real networks."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.analysis.memory import PhotoMemory, least_side_px
from facecore.errors import ImageError
from facecore.imaging.decoding import BgrImage, decode_image, encode_jpeg, encode_png
from facecore.imaging.drawing import draw_faces
from facecore.imaging.geometry import iou_matrix
from facecore.imaging.headers import read_header
from facecore.imaging.pictures import FULL_SIZE, Picture, decode_picture
from facecore.machine.meter import ResourceMeter
from facecore.models.attributes import crop_face
from facecore.models.network import blob_from_images
from facecore.results import Face
from facecore.settings import AnalysisSettings
from facecore.settings.presets import PRESETS, preset
from tests.conftest import Recorded, face_rows

# The photo has to have 800 pixels then, a face's crop 227.
REDUCED = AnalysisSettings(max_side_px=400, reduced_decode=True)
FULL = replace(REDUCED, reduced_decode=False)
FOUR_TIMES_WH = (3792, 2048)
"""Here a quarter is enough for finding faces, and for the larger face; the other needs a half."""

TWICE_WH = (1896, 1024)
"""Here it is a half, and the full size."""


@pytest.fixture(scope="module")
def four_times(couple: BgrImage) -> bytes:
    """A JPEG of two people, four times as large as they were."""
    return _enlarged(couple, FOUR_TIMES_WH)


@pytest.fixture(scope="module")
def twice(couple: BgrImage) -> bytes:
    """A JPEG of the same two, twice as large as they were."""
    return _enlarged(couple, TWICE_WH)


def _enlarged(image: BgrImage, size_wh: tuple[int, int]) -> bytes:
    large = cv2.resize(image, size_wh, interpolation=cv2.INTER_CUBIC)
    return encode_jpeg(large.astype(np.uint8, copy=False), 95)


def _reduction(photo: PhotoMemory, size_wh: tuple[int, int]) -> float:
    """Tell from the memory that it takes how coarsely a photo is decoded now."""
    return math.sqrt(3 * math.prod(size_wh) / photo.image_bytes)


def _assert_same_faces(ours: tuple[Face, ...], theirs: tuple[Face, ...]) -> None:
    """Check that boxes are all but the same, and labels quite."""
    assert len(ours) == len(theirs) > 0
    for one, other in zip(ours, theirs, strict=True):
        overlap = iou_matrix(np.array([one.box.xyxy]), np.array([other.box.xyxy]))
        assert overlap[0, 0] > 0.97
        assert one.confidence == pytest.approx(other.confidence, abs=0.01)
        assert one.gender.label == other.gender.label
        assert one.age_group.label == other.age_group.label


@pytest.mark.parametrize("annotate", [False, True])
def test_no_face_needs_no_finer_picture(recorded: Recorded, annotate: bool) -> None:
    """A grey photo is decoded once, coarsely unless it is drawn in full, and has its own size."""
    photo = recorded.analyzer.memory(_enlarged(np.full((8, 8, 3), 128, np.uint8), FOUR_TIMES_WH))
    analysis = recorded.analyzer.read(photo, REDUCED, annotate=annotate)
    assert (analysis.faces, analysis.size_wh) == ((), FOUR_TIMES_WH)
    assert _reduction(photo, FOUR_TIMES_WH) == (1 if annotate else 4)
    assert recorded.counts() == (4, [], [])


@pytest.mark.parametrize(
    ("change", "drawn_px", "side_px"),
    [
        pytest.param({}, 0, 800, id="twice the detector's copy"),
        pytest.param({}, 799, 800, id="more than what is drawn"),
        pytest.param({}, 1400, 1400, id="what is drawn"),
        pytest.param({}, FULL_SIZE, FULL_SIZE, id="drawn in full"),
        pytest.param({"max_side_px": 1600}, 1400, 3200, id="a larger copy"),
        pytest.param({"max_side_px": None}, 0, FULL_SIZE, id="no copy"),
        pytest.param({"reduced_decode": False}, 0, FULL_SIZE, id="switched off"),
    ],
)
def test_how_fine_a_photo_has_to_be(change: dict[str, Any], drawn_px: int, side_px: int) -> None:
    """The detector's copy and what is drawn say it, where the settings allow it at all."""
    assert least_side_px(replace(REDUCED, **change), drawn_px) == side_px


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_decodes_in_full(name: str) -> None:
    """Reduced decoding is for those who choose it, above all not for the article's own way."""
    assert least_side_px(preset(name), 0) == FULL_SIZE


def test_a_large_face_is_read_from_the_reduced_photo(recorded: Recorded, four_times: bytes) -> None:
    """Where the crop has enough pixels it is cut from the coarse picture, in the box's place."""
    photo = recorded.analyzer.memory(four_times)
    (face,) = recorded.analyzer.read(
        photo, replace(REDUCED, confidence=0.999), annotate=False
    ).faces
    assert _reduction(photo, FOUR_TIMES_WH) == 4
    crop = crop_face(decode_picture(four_times, 800), face.box, REDUCED)
    assert min(crop.shape[:2]) >= 227
    np.testing.assert_array_equal(
        recorded.gender.blobs[0], blob_from_images([crop], recorded.gender.spec)
    )


@pytest.mark.parametrize(("name", "reduction"), [("four_times", 2), ("twice", 1)])
def test_a_small_face_makes_the_photo_be_decoded_finer(
    request: pytest.FixtureRequest, recorded: Recorded, name: str, reduction: int
) -> None:
    """Crops come from the coarsest picture in which all have enough pixels, else in full."""
    data: bytes = request.getfixturevalue(name)
    photo = recorded.analyzer.memory(data)
    analysis = recorded.analyzer.read(photo, REDUCED, annotate=False)
    assert _reduction(photo, analysis.size_wh) == reduction
    assert len(analysis.faces) == 2
    assert analysis.reused == ()
    source = decode_picture(data, analysis.size_wh[0] // reduction)
    crops = [crop_face(source, face.box, REDUCED) for face in analysis.faces]
    np.testing.assert_array_equal(
        recorded.gender.blobs[0], blob_from_images(crops, recorded.gender.spec)
    )
    shown = recorded.analyzer.crops(photo, [face.detection for face in analysis.faces], REDUCED)
    for ours, crop in zip(shown, crops, strict=True):
        np.testing.assert_array_equal(ours, crop)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "careful"), [("four_times", True), ("twice", False)])
def test_faces_are_those_of_the_full_photo(
    request: pytest.FixtureRequest, analyzer: FaceAnalyzer, name: str, careful: bool
) -> None:
    """Size, boxes in pixels of the original, and labels are as without reducing."""
    data: bytes = request.getfixturevalue(name)
    full, reduced = (
        analyzer.analyze(data, replace(settings, careful=careful), annotate=False)
        for settings in (FULL, REDUCED)
    )
    assert reduced.size_wh == full.size_wh
    _assert_same_faces(reduced.faces, full.faces)


@pytest.mark.slow
@pytest.mark.parametrize("orientation", [3, 6, 7])
def test_boxes_are_upright_for_every_orientation(
    analyzer: FaceAnalyzer, twice: bytes, orientation: int
) -> None:
    """However the camera was held, boxes and size are those of the upright photo."""
    data = twice
    exif = Image.Exif()
    exif[0x0112] = orientation
    block = b"Exif\0\0" + exif.tobytes().removeprefix(b"Exif\0\0")
    data = data[:2] + b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block + data[2:]
    assert read_header(data).orientation == orientation
    settings = replace(REDUCED, confidence=0.3)
    full, reduced = (
        analyzer.analyze(data, replace(settings, reduced_decode=on), annotate=False)
        for on in (False, True)
    )
    assert reduced.size_wh == full.size_wh == TWICE_WH[:: -1 if orientation >= 5 else 1]
    ours, theirs = (
        np.array([found.box.xyxy for found in analysis.candidates if found.confidence > 0.3])
        for analysis in (reduced, full)
    )
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=12)


@pytest.mark.slow
def test_faces_from_the_capped_copy_need_nothing_finer(
    recorded: Recorded, four_times: bytes
) -> None:
    """The article's crops come from the detector's copy, which the coarse picture has."""
    photo = recorded.analyzer.memory(four_times)
    settings = replace(REDUCED, crop_source="capped")
    faces = recorded.analyzer.read(photo, settings, annotate=False).faces
    assert _reduction(photo, FOUR_TIMES_WH) == 4
    full = recorded.analyzer.analyze(four_times, replace(settings, reduced_decode=False))
    _assert_same_faces(faces, full.faces)


@pytest.mark.slow
@pytest.mark.parametrize("side_px", [100, 1000, 2000])
def test_the_preview_is_as_large_as_ever(
    analyzer: FaceAnalyzer, four_times: bytes, side_px: int
) -> None:
    """What is drawn on has the pixels that it is to have, and the boxes in their places."""
    photo = analyzer.memory(four_times)
    reduced = analyzer.read(photo, replace(REDUCED, confidence=0.999), preview_side_px=side_px)
    assert _reduction(photo, FOUR_TIMES_WH) == {100: 4, 1000: 2, 2000: 1}[side_px]
    assert reduced.preview_jpeg is not None
    preview = decode_image(reduced.preview_jpeg)
    small = Picture.in_full(decode_image(four_times)).preview(side_px)
    drawn = draw_faces(small, reduced.faces, scale=side_px / FOUR_TIMES_WH[0])
    expected = decode_image(encode_jpeg(drawn))
    assert preview.shape == expected.shape
    assert np.abs(preview.astype(int) - expected).mean() < 2


@pytest.mark.slow
def test_a_new_small_face_decodes_finer_and_detects_nothing_again(
    recorded: Recorded, four_times: bytes
) -> None:
    """Of a second reading only what the new face needs is done, and the decoding is timed."""
    photo = recorded.analyzer.memory(four_times)
    first = recorded.analyzer.read(photo, replace(REDUCED, confidence=0.999), annotate=False)
    assert (_reduction(photo, FOUR_TIMES_WH), len(first.faces)) == (4, 1)
    second = recorded.analyzer.read(photo, REDUCED, annotate=False)
    assert (_reduction(photo, FOUR_TIMES_WH), len(second.faces)) == (2, 2)
    assert second.reused == ("resize", "detect")
    assert second.timings.decode_ms > 0
    third = recorded.analyzer.read(photo, REDUCED, annotate=False)
    assert (third.reused, third.faces) == (("decode", "resize", "detect"), second.faces)
    assert recorded.counts() == (1, [1, 1], [1, 1])


@pytest.mark.slow
def test_a_released_photo_is_decoded_once_as_fine_as_it_was(
    recorded: Recorded, four_times: bytes
) -> None:
    """After its pixels went, a photo does not begin with the coarse ones again."""
    photo = recorded.analyzer.memory(four_times)
    first = recorded.analyzer.read(photo, REDUCED, annotate=False)
    photo.release_image()
    again = recorded.analyzer.read(photo, REDUCED, annotate=False)
    assert _reduction(photo, FOUR_TIMES_WH) == 2
    assert (again.reused, again.faces) == (("resize", "detect"), first.faces)
    assert recorded.counts() == (1, [2], [2])


@pytest.mark.slow
def test_the_other_way_of_decoding_is_a_run_of_its_own(
    recorded: Recorded, four_times: bytes
) -> None:
    """Turning the setting takes nothing over, and the answer is that of a fresh photo."""
    photo = recorded.analyzer.memory(four_times)
    for number, settings in enumerate((REDUCED, FULL), start=1):
        analysis = recorded.analyzer.read(photo, settings, annotate=False)
        assert analysis.reused == ()
        assert recorded.counts() == (number, [2] * number, [2] * number)
        assert _reduction(photo, FOUR_TIMES_WH) == (2 if settings is REDUCED else 1)
    fresh = recorded.analyzer.analyze(four_times, FULL, annotate=False)
    np.testing.assert_array_equal(face_rows(analysis.faces), face_rows(fresh.faces))
    back = recorded.analyzer.read(photo, REDUCED, annotate=False)
    assert back.reused == ()
    assert recorded.gender.batch_sizes == [2, 2, 2]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["array", "PNG", "progressive"])
def test_what_cannot_be_reduced_is_read_as_before(
    analyzer: FaceAnalyzer, twice: bytes, kind: str
) -> None:
    """For arrays, other formats and progressive JPEGs the setting changes no number."""
    image = decode_image(twice)
    photo: bytes | BgrImage = image
    if kind == "PNG":
        photo = encode_png(image)
    elif kind == "progressive":
        photo = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
    reduced, full = (
        analyzer.analyze(photo, settings, annotate=False) for settings in (REDUCED, FULL)
    )
    assert len(full.faces) == 2
    np.testing.assert_array_equal(face_rows(reduced.faces), face_rows(full.faces))
    assert reduced.size_wh == full.size_wh


def _outcome(analyzer: FaceAnalyzer, data: bytes, settings: AnalysisSettings) -> object:
    """Return the photo's size, or the error's kind and sentence."""
    try:
        return analyzer.analyze(data, settings, annotate=False).size_wh
    except ImageError as error:
        return type(error), str(error)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_shared_hostile_files_come_to_the_same(analyzer: FaceAnalyzer, shared_data: Path) -> None:
    """A broken, lying or huge JPEG, here every third, is answered or refused as in full."""
    every = sorted((shared_data / "hostile").iterdir())
    paths = [path for path in every if path.read_bytes()[:2] == b"\xff\xd8"][::3]
    settings = AnalysisSettings(max_side_px=32)
    answered = 0
    with ResourceMeter() as meter:
        for path in paths:
            data = path.read_bytes()
            full = _outcome(analyzer, data, settings)
            reduced = _outcome(analyzer, data, replace(settings, reduced_decode=True))
            assert reduced == full, path.name
            answered += isinstance(full, tuple) and isinstance(full[0], int)
        usage = meter.usage()
    assert 0 < answered < len(paths)
    assert usage.peak_rss_bytes - usage.rss_before_bytes < 400 << 20


@pytest.mark.slow
def test_shared_large_photos_keep_their_faces(analyzer: FaceAnalyzer, shared_data: Path) -> None:
    """Photos as cameras make them have the same faces, and take a fraction of the memory."""
    reduced_at_all = 0
    for path in sorted((shared_data / "large").glob("*.jpg")):
        data = path.read_bytes()
        full = analyzer.analyze(data, annotate=False)
        photo = analyzer.memory(data)
        reduced = analyzer.read(photo, AnalysisSettings(reduced_decode=True), annotate=False)
        assert reduced.size_wh == full.size_wh
        ours, theirs = (
            np.array([face.box.xyxy for face in analysis.faces]).reshape(-1, 4)
            for analysis in (reduced, full)
        )
        assert len(ours) == len(theirs) > 0
        assert iou_matrix(ours, theirs).max(axis=1).min() > 0.95
        reduced_at_all += photo.image_bytes < 3 * math.prod(full.size_wh)
    assert reduced_at_all > 0
