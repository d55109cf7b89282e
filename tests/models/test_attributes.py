"""Gender and age group from crops, with the real networks."""

from __future__ import annotations

import dataclasses
from typing import Any

import cv2
import numpy as np
import pytest

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.imaging.decoding import BgrImage, decode_image
from facecore.imaging.pictures import Picture
from facecore.models import attributes
from facecore.models.attributes import (
    AttributeClassifier,
    AttributeReader,
    Attributes,
    crop_face,
)
from facecore.models.network import blob_from_images
from facecore.results import (
    AGE_GROUPS,
    GENDERS,
    AgeGroupPrediction,
    Box,
    Detection,
    GenderPrediction,
)
from facecore.settings import AnalysisSettings
from tests.conftest import Recorded, RecordingNetwork, face_rows


def _probabilities(answers: tuple[Attributes, ...]) -> list[tuple[float, ...]]:
    return [one["gender"].probabilities + one["age_group"].probabilities for one in answers]


def _crops(file: bytes, count: int) -> list[BgrImage]:
    photo = decode_image(file)
    return [photo[i : 180 + i, 140 + 2 * i : 290 + i] for i in range(count)]


def test_no_crops_need_no_forward_pass(recorded: Recorded) -> None:
    """Nothing to read is an empty answer and no work."""
    assert recorded.reader.classify([]) == ()
    assert (recorded.gender.batch_sizes, recorded.age.batch_sizes) == ([], [])


def test_a_crowd_is_read_in_batches(
    recorded: Recorded, astronaut_file: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One face too many for a batch makes a second, and the answers are those of one by one."""
    monkeypatch.setattr(attributes, "MAX_BATCH", 3)
    crops = _crops(astronaut_file, 4)
    classifier = recorded.reader
    together = classifier.classify(crops)
    assert recorded.gender.batch_sizes == recorded.age.batch_sizes == [3, 1]
    one_by_one = tuple(answer for crop in crops for answer in classifier.classify([crop]))
    assert recorded.gender.batch_sizes[2:] == [1] * len(crops)
    np.testing.assert_allclose(_probabilities(together), _probabilities(one_by_one), atol=1e-5)
    assert len(set(_probabilities(together))) == len(crops)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_faces_are_read_alike_one_by_one(
    recorded: Recorded, astronaut_file: bytes, count: int
) -> None:
    """Without batches each network runs once per picture, with the same answers."""
    crops = _crops(astronaut_file, count)
    classifier = recorded.reader
    faces = [views for views in (crops[:1], crops[1:]) if views]
    together = classifier.classify_views(faces)
    before = len(recorded.gender.blobs)
    one_by_one = classifier.classify_views(faces, batch=False)
    assert recorded.gender.batch_sizes[before:] == recorded.age.batch_sizes[before:] == [1] * count
    # On a processor with AVX2 they are equal to the bit.
    np.testing.assert_allclose(_probabilities(together), _probabilities(one_by_one), atol=1e-5)


@pytest.mark.slow
def test_the_settings_say_whether_faces_go_in_a_batch(recorded: Recorded, couple: BgrImage) -> None:
    """With the setting off, two faces are two passes of each network, and read the same."""
    photo = recorded.analyzer.memory(couple)
    together = recorded.analyzer.read(photo, AnalysisSettings(), annotate=False)
    one_by_one = recorded.analyzer.read(photo, AnalysisSettings(batch_faces=False), annotate=False)
    assert recorded.counts() == (1, [2, 1, 1], [2, 1, 1])
    assert one_by_one.reused == ("decode", "resize", "detect")
    np.testing.assert_allclose(face_rows(one_by_one.faces), face_rows(together.faces), atol=1e-5)
    careful = recorded.analyzer.analyze(
        couple, AnalysisSettings(batch_faces=False, careful=True), annotate=False
    )
    assert len(careful.faces) == 2
    assert recorded.gender.batch_sizes[3:] == [1] * 12


def test_probabilities_are_a_softmax(recorded: Recorded, astronaut_file: bytes) -> None:
    """Both networks give one probability per label, and they sum to one."""
    (read,) = recorded.reader.classify(_crops(astronaut_file, 1))
    assert list(read) == ["gender", "age_group"]
    gender, age = read.values()
    assert (len(gender.probabilities), len(age.probabilities)) == (len(GENDERS), len(AGE_GROUPS))
    assert sum(gender.probabilities) == pytest.approx(1, abs=1e-5)
    assert sum(age.probabilities) == pytest.approx(1, abs=1e-5)


def test_networks_that_are_fed_alike_share_one_blob(
    recorded: Recorded, astronaut_file: bytes
) -> None:
    """The crops are prepared once for both networks."""
    recorded.reader.classify(_crops(astronaut_file, 2))
    assert recorded.age.blobs[0] is recorded.gender.blobs[0]


def test_networks_that_are_fed_differently_get_their_own_blob(
    recorded: Recorded, astronaut_file: bytes
) -> None:
    """An age network with another mean gets crops that this mean was taken from."""
    age = RecordingNetwork(recorded.age)
    age.spec = dataclasses.replace(age.spec, mean_bgr=(0.0, 0.0, 0.0))
    crops = _crops(astronaut_file, 1)
    readers = {
        "gender": AttributeReader(recorded.gender, GenderPrediction),
        "age_group": AttributeReader(age, AgeGroupPrediction),
    }
    AttributeClassifier(readers).classify(crops)
    gender_blob = blob_from_images(crops, recorded.gender.spec)
    np.testing.assert_array_equal(recorded.gender.blobs[0], gender_blob)
    np.testing.assert_array_equal(age.blobs[0], blob_from_images(crops, age.spec))
    assert not np.array_equal(age.blobs[0], gender_blob)


def test_crops_of_any_shape_are_read(recorded: Recorded) -> None:
    """A single pixel, a row, a column and a large crop go through one batch."""
    shapes = [(1, 1), (1, 90), (90, 1), (900, 700)]
    crops = [np.full((*shape, 3), 127, np.uint8) for shape in shapes]
    assert len(recorded.reader.classify(crops)) == len(shapes)


@pytest.mark.parametrize(
    ("settings", "window"),
    [
        pytest.param(
            AnalysisSettings(crop_margin_ratio=0.0, crop_shape="box"), (20, 30, 60, 50), id="bare"
        ),
        pytest.param(
            AnalysisSettings(crop_margin_ratio=0.1, crop_shape="box"), (16, 28, 64, 52), id="margin"
        ),
        pytest.param(
            AnalysisSettings(crop_margin_ratio=0.0, crop_shape="square"),
            (20, 20, 60, 60),
            id="square",
        ),
        pytest.param(
            AnalysisSettings(crop_margin_ratio=1.0, crop_shape="square"), (0, 0, 100, 80), id="cut"
        ),
    ],
)
def test_a_crop_is_a_view_of_the_full_photo(
    settings: AnalysisSettings, window: tuple[int, int, int, int]
) -> None:
    """A crop shows the photo's own pixels in the window that the settings ask for."""
    photo = np.random.default_rng(5).integers(0, 256, (80, 120, 3), dtype=np.uint8)
    crop = crop_face(Picture.in_full(photo), Box(20, 30, 60, 50), settings)
    x0, y0, x1, y1 = window
    np.testing.assert_array_equal(crop, photo[y0:y1, x0:x1])
    assert np.shares_memory(crop, photo)


def test_faces_are_cut_from_the_full_photo_not_the_capped_copy(
    recorded: Recorded, astronaut_file: bytes
) -> None:
    """However small the detector's copy, the classifier sees the sharp crop."""
    photo = decode_image(astronaut_file)
    settings = AnalysisSettings(max_side_px=200)
    (face,) = recorded.analyzer.analyze(photo, settings).faces
    sharp = blob_from_images(
        [crop_face(Picture.in_full(photo), face.box, settings)], recorded.gender.spec
    )
    np.testing.assert_array_equal(recorded.gender.blobs[0], sharp)
    small = cv2.resize(photo, (200, 200), interpolation=cv2.INTER_AREA)
    blurred = cv2.resize(small, (512, 512)).astype(np.uint8, copy=False)
    soft = blob_from_images(
        [crop_face(Picture.in_full(blurred), face.box, settings)], recorded.gender.spec
    )
    assert not np.allclose(sharp, soft, atol=1.0)


@pytest.mark.parametrize(
    ("change", "reduction", "side_px"),
    [
        pytest.param({}, 1, 1600, id="there is nothing finer"),
        pytest.param({"crop_source": "capped"}, 8, 200, id="cut from the copy"),
        pytest.param({}, 2, 800, id="enough"),
        pytest.param({}, 4, 790, id="a little more"),
        pytest.param({}, 8, 783, id="much more"),
        pytest.param({"crop_margin_ratio": 0.0}, 2, 1108, id="a smaller crop"),
        pytest.param({"careful": True}, 4, 849, id="the smallest of six crops"),
        pytest.param({"crop_shape": "box", "crop_margin_ratio": 0.0}, 4, 2270, id="more than all"),
    ],
)
def test_how_long_a_photo_must_be_for_its_crops(
    analyzer: FaceAnalyzer, change: dict[str, Any], reduction: int, side_px: int
) -> None:
    """The smallest crop tells it: in full, one of 462 pixels here, or 330 without a margin."""
    image = np.zeros((1200 // reduction, 1600 // reduction, 3), np.uint8)
    picture = Picture(image, (1600, 1200), reduction)
    settings = dataclasses.replace(AnalysisSettings(), **change)
    classifier = analyzer.models.reader
    assert classifier.side_for_crops_px(picture, [], settings) == 1600 // reduction
    faces = [Detection(Box(400, 400, 730, 560), 0.9), Detection(Box(200, 200, 900, 900), 0.8)]
    assert classifier.side_for_crops_px(picture, faces, settings) == side_px
