"""Results check themselves, stay as they are, and say what they mean."""

from __future__ import annotations

import dataclasses
import math
from datetime import UTC, datetime

import numpy as np
import pytest

from facecore.results import (
    AGE_GROUP_YEARS,
    AGE_GROUPS,
    GENDERS,
    STAGES,
    AgeGroupPrediction,
    Analysis,
    Box,
    Detection,
    Face,
    GenderPrediction,
    ResourceUsage,
    StageTimings,
)
from facecore.settings import AnalysisSettings

FACE = Face(
    detection=Detection(Box(1, 2, 30, 40), 0.9),
    attributes={
        "gender": GenderPrediction((0.25, 0.75)),
        "age_group": AgeGroupPrediction((0.0, 0.0, 0.0, 0.1, 0.6, 0.2, 0.1, 0.0)),
    },
)
USAGE = ResourceUsage(
    started_at=datetime(2024, 5, 1, tzinfo=UTC),
    wall_time_s=2.0,
    cpu_time_s=3.0,
    rss_before_bytes=100,
    rss_after_bytes=120,
    peak_rss_bytes=150,
)


@pytest.mark.parametrize(
    "xyxy",
    [
        pytest.param((0, 0, 0, 0), id="empty"),
        pytest.param((5, 1, 5, 9), id="no width"),
        pytest.param((1, 5, 9, 5), id="no height"),
        pytest.param((9, 9, 1, 1), id="turned round"),
        pytest.param((-1, 0, 4, 4), id="left of the photo"),
        pytest.param((0, -1, 4, 4), id="above the photo"),
    ],
)
def test_boxes_without_area_or_outside_are_refused(xyxy: tuple[int, int, int, int]) -> None:
    """A box has at least one pixel and no negative corner."""
    with pytest.raises(ValueError, match="not a box"):
        Box(*xyxy)


def test_a_box_knows_its_size() -> None:
    """Width and height count the pixels up to, not including, the far corner."""
    box = Box(3, 4, 13, 34)
    assert (box.width, box.height, box.xyxy) == (10, 30, (3, 4, 13, 34))


@pytest.mark.parametrize("confidence", [math.nan, -0.01, 1.01, math.inf])
def test_a_confidence_lies_between_zero_and_one(confidence: float) -> None:
    """A detector's confidence that is no share is refused."""
    with pytest.raises(ValueError, match="confidence"):
        Detection(Box(0, 0, 1, 1), confidence)


@pytest.mark.parametrize(
    ("prediction", "probabilities"),
    [
        pytest.param(GenderPrediction, (), id="no genders"),
        pytest.param(GenderPrediction, (1.0,), id="one gender"),
        pytest.param(GenderPrediction, (0.3, 0.3, 0.4), id="three genders"),
        pytest.param(GenderPrediction, (-0.1, 1.1), id="beyond the range"),
        pytest.param(GenderPrediction, (math.nan, 0.5), id="gender is no number"),
        pytest.param(AgeGroupPrediction, (), id="no ages"),
        pytest.param(AgeGroupPrediction, (1.0, *[0.0] * 6), id="seven ages"),
        pytest.param(AgeGroupPrediction, (2.0, *[0.0] * 7), id="above one"),
        pytest.param(AgeGroupPrediction, (math.nan, *[0.0] * 7), id="age is no number"),
    ],
)
def test_wrong_probabilities_are_refused(
    prediction: type[GenderPrediction | AgeGroupPrediction], probabilities: tuple[float, ...]
) -> None:
    """There is one probability per label, each between 0 and 1."""
    with pytest.raises(ValueError, match="probabilit"):
        prediction(probabilities)


@pytest.mark.parametrize("index", range(len(GENDERS)))
def test_the_likelier_gender_is_the_label(index: int) -> None:
    """The label is the gender in whose place the largest probability stands."""
    prediction = GenderPrediction(tuple(0.8 if i == index else 0.2 for i in range(2)))
    assert (prediction.label, prediction.probability) == (GENDERS[index], 0.8)
    assert list(prediction.as_dict()) == ["Male", "Female"]
    assert prediction.as_dict()[GENDERS[index]] == 0.8


@pytest.mark.parametrize("index", range(len(AGE_GROUPS)))
def test_the_likeliest_age_group_is_the_label(index: int) -> None:
    """The label is the age group in whose place the largest probability stands."""
    prediction = AgeGroupPrediction(tuple(0.65 if i == index else 0.05 for i in range(8)))
    assert (prediction.label, prediction.probability) == (AGE_GROUPS[index], 0.65)
    assert tuple(prediction.as_dict()) == AGE_GROUPS
    assert prediction.as_dict()[AGE_GROUPS[index]] == 0.65


def test_a_face_passes_its_detection_on() -> None:
    """Box and confidence of a face are those of its detection."""
    assert FACE.box is FACE.detection.box
    assert FACE.confidence == 0.9


def test_timings_are_zero_until_measured() -> None:
    """A stage that did not run took 0.0 ms, and every stage is listed in order."""
    assert StageTimings().by_stage() == dict.fromkeys(STAGES, 0.0)
    by_stage = StageTimings(decode_ms=1, detect_ms=3, encode_ms=6, total_ms=99).by_stage()
    assert tuple(by_stage) == STAGES
    assert list(by_stage.values()) == [1, 0, 3, 0, 0, 6]


@pytest.mark.parametrize(
    ("wall_time_s", "cpu_time_s", "expected"), [(0.0, 0.0, 0.0), (0.0, 1.0, 0.0), (2.0, 3.0, 150.0)]
)
def test_cpu_percent_is_of_one_core(wall_time_s: float, cpu_time_s: float, expected: float) -> None:
    """CPU time over wall time may pass 100 percent, and no wall time is no error."""
    usage = dataclasses.replace(USAGE, wall_time_s=wall_time_s, cpu_time_s=cpu_time_s)
    assert usage.cpu_percent == expected


@pytest.mark.parametrize(
    ("value", "attribute"),
    [
        (FACE.box, "x0"),
        (FACE.detection, "confidence"),
        (FACE.gender, "probabilities"),
        (FACE.age_group, "probabilities"),
        (FACE, "attributes"),
        (StageTimings(), "total_ms"),
        (USAGE, "cpu_time_s"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_results_cannot_be_changed(value: object, attribute: str) -> None:
    """Every result is frozen and serves as a key."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, attribute, 0)
    assert hash(value) == hash(dataclasses.replace(value))  # type: ignore[type-var]


def test_analyses_compare_by_their_answers() -> None:
    """The drawn picture takes no part in comparing, hashing or showing an analysis."""
    analysis = Analysis(
        faces=(FACE,),
        candidates=(FACE.detection,),
        size_wh=(64, 48),
        timings=StageTimings(),
        resources=USAGE,
        settings=AnalysisSettings(),
    )
    drawn = dataclasses.replace(analysis, annotated=np.zeros((48, 64, 3), np.uint8))
    assert analysis == drawn
    assert hash(analysis) == hash(drawn)
    assert "annotated" not in repr(drawn)
    assert analysis != dataclasses.replace(analysis, faces=())


@pytest.mark.parametrize(
    ("probabilities", "years"),
    [
        pytest.param((1.0, 0, 0, 0, 0, 0, 0, 0), 1.0, id="surely a baby"),
        pytest.param((0, 0, 0, 0, 0, 0, 0, 1.0), 70.0, id="surely old"),
        pytest.param((0, 0.5, 0.5, 0, 0, 0, 0, 0), 7.5, id="between two groups"),
        pytest.param((0.125,) * 8, 27.875, id="no idea"),  # (1+5+10+17.5+28.5+40.5+50.5+70) / 8
        pytest.param((0, 0, 0, 0, 0.75, 0.25, 0, 0), 31.5, id="three quarters"),
        pytest.param((0, 0, 0, 0, 0.4999999, 0.4999999, 0, 0), 34.5, id="not quite one in all"),
    ],
)
def test_the_expected_age_is_a_weighted_mean(
    probabilities: tuple[float, ...], years: float
) -> None:
    """Each group's age counts as much as the group is probable."""
    assert AgeGroupPrediction(probabilities).expected_age == pytest.approx(years, abs=1e-9)


def test_every_age_group_has_an_age_within_it() -> None:
    """The age that stands for a group lies in it, as its label says."""
    for label, years in zip(AGE_GROUPS, AGE_GROUP_YEARS, strict=True):
        low, high = (int(number) for number in label.strip("()").split("-"))
        assert low <= years <= high
