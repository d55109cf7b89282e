"""A photo that is read again and again remembers what was found out about it."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from facecore.analysis import memory as memory_module
from facecore.analysis.analyzer import FaceAnalyzer
from facecore.analysis.memory import PhotoMemory
from facecore.errors import ImageError, UnsupportedImageError
from facecore.imaging.decoding import (
    BgrImage,
    decode_image,
    encode_jpeg,
    encode_png,
)
from facecore.imaging.drawing import draw_faces
from facecore.imaging.headers import read_header
from facecore.imaging.pictures import FULL_SIZE, Picture
from facecore.results import Box, Detection
from facecore.settings import AnalysisSettings
from tests.conftest import Recorded, face_rows

pytestmark = pytest.mark.slow


def test_opening_decodes_nothing_yet(analyzer: FaceAnalyzer) -> None:
    """A photo that cannot be read fails when it is read, each time."""
    photo = analyzer.memory(b"no picture")
    for _ in range(2):
        with pytest.raises(ImageError):
            analyzer.read(photo, AnalysisSettings())


def test_a_lower_threshold_classifies_only_the_new_faces(
    recorded: Recorded, couple: BgrImage
) -> None:
    """Moving the threshold runs no detector, and each face is classified once."""
    photo = recorded.analyzer.memory(encode_png(couple))
    first = recorded.analyzer.read(photo, AnalysisSettings())
    assert (first.reused, len(first.faces)) == ((), 2)
    shares = [candidate.confidence for candidate in first.candidates]
    for confidence, classified in (
        (1.0, []),
        (shares[4], [3]),
        (shares[1], []),
        (shares[5], [1]),
    ):
        recorded.gender.blobs.clear()
        recorded.age.blobs.clear()
        again = recorded.analyzer.read(photo, replace(first.settings, confidence=confidence))
        assert recorded.counts() == (1, classified, classified)
        assert again.reused == ("decode", "resize", "detect")
        assert again.candidates == first.candidates
        assert [face.confidence for face in again.faces] == [s for s in shares if s >= confidence]
        by_stage = again.timings.by_stage()
        assert [by_stage[stage] for stage in again.reused] == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    "change",
    [{"crop_margin_ratio": 0.3}, {"crop_shape": "box"}, {"crop_source": "capped"}],
    ids=str,
)
def test_other_crops_are_classified_but_not_detected(
    recorded: Recorded, couple: BgrImage, change: dict[str, Any]
) -> None:
    """Crop settings concern only the classifier, and going back to them costs nothing."""
    photo = recorded.analyzer.memory(couple)
    first = recorded.analyzer.read(photo, AnalysisSettings())
    other = recorded.analyzer.read(photo, replace(first.settings, **change))
    back = recorded.analyzer.read(photo, first.settings)
    assert recorded.counts() == (1, [2, 2], [2, 2])
    assert [face.box for face in other.faces] == [face.box for face in first.faces]
    assert other.faces != first.faces
    assert back.faces == first.faces


@pytest.mark.parametrize(
    "change",
    [{"input_shape": "square"}, {"input_size_px": 450}, {"drop_outside": False}, {"rescue": False}],
    ids=str,
)
def test_other_finding_is_detected_but_not_decoded(
    recorded: Recorded, couple: BgrImage, change: dict[str, Any]
) -> None:
    """Each setting of the detector makes it run again, over the photo that is there."""
    photo = recorded.analyzer.memory(couple)
    first = recorded.analyzer.read(photo, AnalysisSettings(closer_look="never"))
    again = recorded.analyzer.read(photo, replace(first.settings, **change))
    assert (recorded.detector.forward_count, again.reused) == (2, ("decode",))
    assert len(again.faces) == 2


def test_another_mark_for_unsure_answers_runs_nothing(recorded: Recorded, couple: BgrImage) -> None:
    """The threshold below which answers are marked concerns no network."""
    photo = recorded.analyzer.memory(couple)
    first = recorded.analyzer.read(photo, AnalysisSettings())
    again = recorded.analyzer.read(photo, replace(first.settings, unsure_below=0.99))
    assert recorded.counts() == (1, [2], [2])
    assert again.faces == first.faces


def test_a_face_with_other_landmarks_is_read_anew() -> None:
    """Of two detections in one box each has its own answer where their landmarks differ."""
    settings, photo = AnalysisSettings(), PhotoMemory(b"")
    one, other = (Detection(Box(0, 0, 9, 9), 0.9, landmarks_xy=((x, 3.0),) * 5) for x in (2.0, 2.5))
    photo.faces([one], settings, [one], [{}])
    assert photo.unread([replace(one, confidence=0.8), other], settings) == [other]


def test_another_size_is_detected_but_not_decoded(recorded: Recorded, couple: BgrImage) -> None:
    """The detector runs again where its copy changes, and the answer is that of a fresh photo."""
    file = encode_png(couple)
    small = AnalysisSettings(max_side_px=300)
    photo = recorded.analyzer.memory(file)
    recorded.analyzer.read(photo, AnalysisSettings())
    again = recorded.analyzer.read(photo, small)
    assert (recorded.detector.forward_count, again.reused) == (2, ("decode",))
    fresh = recorded.analyzer.analyze(file, small)
    np.testing.assert_allclose(face_rows(again.faces), face_rows(fresh.faces), rtol=0, atol=1e-5)


def test_forgetting_faces_changes_no_answer(
    recorded: Recorded, couple: BgrImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the memory of a photo holds fewer faces than it has, they are just read again."""
    monkeypatch.setattr(memory_module, "KNOWN_FACES_PER_PHOTO", 1)
    photo = recorded.analyzer.memory(couple)
    first = recorded.analyzer.read(photo, AnalysisSettings())
    second = recorded.analyzer.read(photo, AnalysisSettings())
    assert recorded.gender.batch_sizes == [2, 1]
    np.testing.assert_allclose(face_rows(second.faces), face_rows(first.faces), rtol=0, atol=1e-5)


def test_a_released_photo_keeps_its_answers(recorded: Recorded, astronaut_file: bytes) -> None:
    """Letting the pixels go frees their memory and costs one decoding, no network."""
    photo = recorded.analyzer.memory(astronaut_file)
    assert photo.image_bytes == 0
    first = recorded.analyzer.read(photo, AnalysisSettings())
    assert photo.image_bytes == 512 * 512 * 3
    photo.release_image()
    assert photo.image_bytes == 0
    again = recorded.analyzer.read(photo, AnalysisSettings())
    assert (again.reused, again.faces) == (("resize", "detect"), first.faces)
    assert recorded.counts() == (1, [1], [1])


def test_a_photo_that_was_read_keeps_no_networks(recorded: Recorded, astronaut_file: bytes) -> None:
    """What is remembered holds no networks, whether the photo could be read or not."""
    one = FaceAnalyzer(recorded.analyzer.models)
    good, bad = one.memory(astronaut_file), one.memory(b"junk")
    one.read(good, AnalysisSettings())
    with pytest.raises(ImageError):
        one.read(bad, AnalysisSettings())
    gone = weakref.ref(one)
    del one
    gc.collect()
    assert gone() is None
    assert good.picture(AnalysisSettings()).size_wh == (512, 512)


@pytest.mark.parametrize(
    ("annotate", "side_px", "size_wh"),
    [
        pytest.param(False, 100, None, id="nothing drawn, nothing to show"),
        pytest.param(True, None, None, id="not asked for"),
        pytest.param(True, 100, (100, 100), id="smaller"),
        pytest.param(True, 2000, (512, 512), id="never larger than the photo"),
    ],
)
def test_the_preview_is_a_small_jpeg_of_the_drawn_picture(
    analyzer: FaceAnalyzer,
    astronaut_file: bytes,
    annotate: bool,
    side_px: int | None,
    size_wh: tuple[int, int] | None,
) -> None:
    """A preview takes the drawn picture's place, and its time is told, only where it is wanted."""
    analysis = analyzer.read(
        analyzer.memory(astronaut_file),
        AnalysisSettings(),
        annotate=annotate,
        preview_side_px=side_px,
    )
    assert (analysis.timings.encode_ms > 0) == (size_wh is not None)
    if size_wh is None:
        assert analysis.preview_jpeg is None
        return
    assert analysis.preview_jpeg is not None
    assert analysis.annotated is None
    header = read_header(analysis.preview_jpeg)
    assert (header.format, header.size_wh) == ("JPEG", size_wh)
    small = Picture.in_full(decode_image(astronaut_file)).preview(side_px or 0)
    drawn = draw_faces(small, analysis.faces, scale=size_wh[0] / 512)
    assert analysis.preview_jpeg == encode_jpeg(drawn)
    assert not np.array_equal(drawn, small)


def test_a_photo_is_decoded_when_it_is_first_needed() -> None:
    """A file that is no picture is no error before its pixels are wanted, and one each time."""
    photo = PhotoMemory(b"no picture")
    assert not photo.is_decoded(1)
    for _ in range(2):
        with pytest.raises(UnsupportedImageError):
            photo.decoded(1)
        assert photo.image_bytes == 0


def test_the_finest_picture_is_kept() -> None:
    """Coarser pixels are not decoded again, finer ones take their place."""
    photo = PhotoMemory(encode_jpeg(np.zeros((192, 320, 3), np.uint8)))
    coarse = photo.decoded(50)
    assert (coarse.reduction, photo.decoded(80)) == (4, coarse)
    assert photo.is_decoded(80) and not photo.is_decoded(81)
    fine = photo.decoded(81)
    assert fine.reduction == 2
    assert photo.decoded(1) is fine
    full = photo.decoded(161)
    assert full.reduction == 1
    assert photo.is_decoded(FULL_SIZE) and photo.decoded(FULL_SIZE) is full


def test_pixels_that_were_let_go_come_back_as_fine() -> None:
    """What was needed once is decoded at once the next time, unless they come another way."""
    photo = PhotoMemory(encode_jpeg(np.zeros((192, 320, 3), np.uint8)))
    photo.decoded(100)
    photo.release_image()
    assert photo.image_bytes == 0
    assert photo.decoded(1).reduction == 2
    photo.side_for(AnalysisSettings(reduced_decode=True), 0)
    assert photo.image_bytes == 0
    assert photo.decoded(1).reduction == 8
