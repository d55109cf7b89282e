"""Several views of one face, and crops from the capped copy, with the real networks."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.imaging.decoding import BgrImage, cap_longest_side, decode_image
from facecore.imaging.pictures import Picture
from facecore.models import attributes
from facecore.models.attributes import box_in_copy, crop_face, face_views
from facecore.models.network import blob_from_images
from facecore.results import Box, Detection
from facecore.settings import AnalysisSettings
from facecore.settings.analysis import CropSource
from facecore.settings.presets import preset
from tests.conftest import Recorded, face_rows

CAREFUL = replace(preset("Careful"), calibrated=False)  # which has tests of its own
BOX = Box(40, 30, 80, 70)


@pytest.fixture
def noise() -> BgrImage:
    """A picture of 120×100 in which every place looks different."""
    return np.random.default_rng(8).integers(0, 256, (100, 120, 3), dtype=np.uint8)


def test_one_view_is_the_crop(noise: BgrImage) -> None:
    """Without care a face is read from its crop alone."""
    (view,) = face_views(Picture.in_full(noise), BOX, AnalysisSettings())
    np.testing.assert_array_equal(view, crop_face(Picture.in_full(noise), BOX, AnalysisSettings()))


@pytest.mark.parametrize(
    ("margin_ratio", "margins"),
    [
        (0.2, (0.15, 0.2, 0.25)),
        (0.0, (0.0, 0.05, 0.1)),
        (1.0, (0.9, 0.95, 1.0)),
    ],
)
def test_six_views_are_three_margins_and_their_mirror_images(
    noise: BgrImage, margin_ratio: float, margins: tuple[float, ...]
) -> None:
    """With care there are the crops around the chosen margin, within its range, and mirrored."""
    settings = replace(CAREFUL, crop_margin_ratio=margin_ratio)
    views = face_views(Picture.in_full(noise), BOX, settings)
    assert len(views) == 6
    for margin, view, mirrored in zip(margins, views[:3], views[3:], strict=True):
        plain = crop_face(Picture.in_full(noise), BOX, replace(settings, crop_margin_ratio=margin))
        np.testing.assert_array_equal(view, plain)
        np.testing.assert_array_equal(mirrored, plain[:, ::-1])


@pytest.mark.slow
def test_careful_answers_are_the_mean_of_six(
    recorded: Recorded, couple: BgrImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twelve views of two faces go through each network, in bounded batches, and are averaged."""
    monkeypatch.setattr(attributes, "MAX_BATCH", 8)
    faces = recorded.analyzer.analyze(couple, CAREFUL, annotate=False).faces
    assert recorded.counts() == (1, [8, 4], [8, 4])
    classifier = recorded.reader
    for face in faces:
        one_by_one = [
            classifier.classify([view])[0]
            for view in face_views(Picture.in_full(couple), face.box, CAREFUL)
        ]
        genders = np.mean([one["gender"].probabilities for one in one_by_one], axis=0)
        ages = np.mean([one["age_group"].probabilities for one in one_by_one], axis=0)
        np.testing.assert_allclose(face.gender.probabilities, genders, rtol=0, atol=1e-5)
        np.testing.assert_allclose(face.age_group.probabilities, ages, rtol=0, atol=1e-5)
        assert sum(face.age_group.probabilities) == pytest.approx(1, abs=1e-5)
    plain = recorded.analyzer.analyze(couple, annotate=False).faces
    assert [face.box for face in faces] == [face.box for face in plain]
    assert faces != plain


def test_faces_of_different_numbers_of_views(recorded: Recorded, noise: BgrImage) -> None:
    """Each face gets the answer of its own views, in order; no face is no work."""
    classifier = recorded.reader
    assert classifier.classify_views([]) == ()
    views = [noise[:50], noise[50:], noise[:, :60]]
    answers = classifier.classify_views([views[:1], views[1:]])
    singles = classifier.classify(views)
    assert recorded.gender.batch_sizes == [3, 3]
    assert answers[0] == singles[0]
    mean = np.mean([one["gender"].probabilities for one in singles[1:]], axis=0)
    np.testing.assert_allclose(answers[1]["gender"].probabilities, mean, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("fractions_xyxy", "expected"),
    [
        pytest.param((0.1, 0.2, 0.5, 0.8), (10, 10, 50, 40), id="inside"),
        pytest.param((0.119, 0.219, 0.519, 0.819), (11, 10, 51, 40), id="towards zero"),
        pytest.param((-0.3, -0.2, 1.2, 1.4), (0, 0, 100, 50), id="clipped"),
        pytest.param((0.101, 0.201, 0.104, 0.204), (10, 10, 11, 11), id="a pixel is left"),
        pytest.param((0.999, 0.999, 1.5, 1.5), (99, 49, 100, 50), id="the last pixel"),
        pytest.param((1.0, 1.0, 1.5, 1.5), (99, 49, 100, 50), id="beyond the last pixel"),
    ],
)
def test_a_box_in_a_copy(
    fractions_xyxy: tuple[float, float, float, float], expected: tuple[int, int, int, int]
) -> None:
    """In a copy of 100×50 a face lies where the network's own numbers say."""
    copy = np.zeros((50, 100, 3), np.uint8)
    assert box_in_copy(Detection(BOX, 0.9, fractions_xyxy), copy).xyxy == expected


def test_a_box_that_is_from_no_network_has_no_place_in_a_copy() -> None:
    """Without the network's own numbers there is nothing to scale."""
    with pytest.raises(ValueError, match="copy"):
        box_in_copy(Detection(BOX, 0.9), np.zeros((50, 100, 3), np.uint8))


def test_faces_can_be_cut_from_the_capped_copy(recorded: Recorded, astronaut_file: bytes) -> None:
    """Where that is asked for, the classifier sees the pixels that the detector saw."""
    settings = AnalysisSettings(max_side_px=200, crop_source="capped")
    photo = decode_image(astronaut_file)
    (face,) = recorded.analyzer.analyze(photo, settings).faces
    small = cap_longest_side(photo, 200)
    crop = crop_face(Picture.in_full(small), box_in_copy(face.detection, small), settings)
    np.testing.assert_array_equal(
        recorded.gender.blobs[0], blob_from_images([crop], recorded.gender.spec)
    )
    (sharp,) = recorded.analyzer.analyze(photo, replace(settings, crop_source="full")).faces
    assert sharp.box == face.box
    assert sharp.gender != face.gender


def test_without_a_cap_both_sources_are_the_same(analyzer: FaceAnalyzer, couple: BgrImage) -> None:
    """A photo that needs no smaller copy gives the same crops from either."""
    full, capped = (
        analyzer.analyze(couple, AnalysisSettings(max_side_px=None, crop_source=source)).faces
        for source in get_args(CropSource)
    )
    np.testing.assert_array_equal(face_rows(full), face_rows(capped))
