"""Matching, precision-recall curves and average precision, by hand and by brute force."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from facecore.evaluation.curves import ScoredPhoto, average_precision, match_detections
from facecore.evaluation.labels import BoxXyxy
from facecore.evaluation.thresholds import MatchedPhoto, ThresholdScores
from facecore.statistics.intervals import Estimate, Proportion
from tests.evaluation.conftest import found

A: BoxXyxy = (0, 0, 10, 10)
B: BoxXyxy = (20, 0, 30, 10)
C: BoxXyxy = (40, 0, 50, 10)
ON_A, ON_B, ON_C = (0, 0, 10, 10), (20, 0, 30, 10), (40, 0, 50, 10)
NOWHERE = (70, 60, 80, 70)


@pytest.mark.parametrize(
    ("boxes", "truth", "expected"),
    [
        pytest.param([], [], (), id="no boxes, no faces"),
        pytest.param([], [A], (), id="no boxes"),
        pytest.param([A], [], (False,), id="no faces"),
        pytest.param([A, B], [B, A], (True, True), id="any order"),
        pytest.param([A, C], [A, B], (True, False), id="one beside"),
        pytest.param([A, A], [A], (True, False), id="a face counts once"),
        pytest.param([(0, 0, 10, 4)], [A], (True,), id="just enough: 0.4"),
        pytest.param([(0, 0, 10, 3.9)], [A], (False,), id="just too little"),
        # The surer box overlaps both faces and takes the better, so the other is left.
        pytest.param(
            [(0, 0, 10, 12), (0, 0, 10, 10)],
            [(0, 0, 10, 12), (0, 0, 10, 8)],
            (True, True),
            id="the best of two",
        ),
        # The surer box takes the face; the second one gets the next best, not nothing.
        pytest.param(
            [(0, 0, 10, 10), (0, 0, 10, 10)],
            [(0, 0, 10, 10), (0, 5, 10, 10)],
            (True, True),
            id="the best that is free",
        ),
        # Greedy: the first takes the only face that the second could have had.
        pytest.param(
            [(0, 0, 10, 10), (0, 0, 10, 20)],
            [(0, 0, 10, 11), (0, 0, 10, 4)],
            (True, False),
            id="greedy",
        ),
    ],
)
def test_matching_by_hand(
    boxes: Sequence[BoxXyxy], truth: Sequence[BoxXyxy], expected: tuple[bool, ...]
) -> None:
    """The surest box comes first, and each face is taken once."""
    assert match_detections(boxes, truth, 0.4) == expected


@pytest.mark.parametrize("iou", [0.0, -0.1, 1.01, float("nan")])
def test_impossible_overlaps_are_refused(iou: float) -> None:
    """With 0, boxes that do not touch would match."""
    with pytest.raises(ValueError, match="least overlap"):
        match_detections([A], [A], iou)


HALF_RIGHT: list[ScoredPhoto] = [
    # By confidence over both photos: right, wrong, right, wrong; three faces.
    (found((0.7, ON_B), (0.9, ON_A)), (A, B)),
    (found((0.8, NOWHERE), (0.6, ON_B)), (C,)),
]


@pytest.mark.parametrize("per_photo", [[], [((), ())], [(found((0.9, ON_A)), ())]])
def test_average_precision_without_faces_is_none(per_photo: Sequence[ScoredPhoto]) -> None:
    """Where there is nothing to find, there is nothing to average over."""
    assert average_precision(per_photo) == Estimate(None, None, len(per_photo))


@pytest.mark.parametrize(
    ("per_photo", "expected"),
    [
        pytest.param([((), (A,))], 0.0, id="nothing found"),
        pytest.param([(found((0.2, ON_A)), (A,))], 1.0, id="all found, however unsure"),
        pytest.param(HALF_RIGHT, (1 + 2 / 3) / 3, id="half right"),
        # Precision at recall 1/2 is 1/2, but 2/3 is still to come, and counts there too.
        pytest.param(
            [(found((0.9, NOWHERE), (0.8, ON_A), (0.7, ON_B)), (A, B))], 2 / 3, id="all points"
        ),
        pytest.param([(found((0.9, ON_A), (0.9, NOWHERE)), (A,))], 0.5, id="tie"),
        pytest.param([(found((0.9, NOWHERE), (0.9, ON_A)), (A,))], 0.5, id="tie, turned round"),
    ],
)
def test_average_precision_by_hand(per_photo: Sequence[ScoredPhoto], expected: float) -> None:
    """The area has the best precision from each recall on, with equal confidences together."""
    assert average_precision(per_photo).value == pytest.approx(expected)


def test_overlap_decides_the_average_precision() -> None:
    """A box that overlaps by 0.45 is right at 0.4 and wrong at 0.5."""
    per_photo: list[ScoredPhoto] = [(found((0.9, (0, 0, 20, 9))), ((0, 0, 20, 20),))]
    assert average_precision(per_photo, 0.4).value == 1.0
    assert average_precision(per_photo, 0.5).value == 0.0


def test_interval_of_the_average_precision_is_over_photos() -> None:
    """Of ten photos, half found: half on average, but it could be rather less or more."""
    estimate = average_precision([(found((0.9, ON_A)), (A,)), ((), (A,))] * 5)
    assert (estimate.value, estimate.n) == (0.5, 10)
    assert estimate.interval == pytest.approx((0.2, 0.8), abs=0.11)


def _random_photo(draw: random.Random) -> ScoredPhoto:
    def box() -> tuple[int, int, int, int]:
        x, y = draw.randrange(30), draw.randrange(30)
        return x, y, x + draw.randint(8, 20), y + draw.randint(8, 20)

    # Few different confidences, so that there are ties.
    boxes = [(draw.randint(1, 20) / 20, box()) for _ in range(draw.randint(0, 12))]
    return found(*boxes), [box() for _ in range(draw.randint(0, 5))]


def _overlap(a: BoxXyxy, b: BoxXyxy) -> float:
    width = max(0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0, min(a[3], b[3]) - max(a[1], b[1]))
    areas = sum((x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in (a, b))
    return width * height / (areas - width * height)


def _counted_anew(per_photo: Sequence[ScoredPhoto], threshold: float) -> tuple[int, int]:
    """Count right boxes and all boxes from a threshold on, without a matrix or a ranking."""
    right = said = 0
    for detections, truth in per_photo:
        free = list(truth)
        for detection in sorted(detections, key=lambda d: -d.confidence):
            if detection.confidence < threshold:
                continue
            said += 1
            best = max(free, key=lambda box: _overlap(detection.box.xyxy, box), default=None)
            if best is not None and _overlap(detection.box.xyxy, best) >= 0.4:
                right += 1
                free.remove(best)
    return right, said


@pytest.mark.parametrize("seed", range(4))
def test_curves_agree_with_counting_at_every_threshold_anew(seed: int) -> None:
    """One matching serves every threshold, and the area is that under the steps."""
    draw = random.Random(seed)
    per_photo = [_random_photo(draw) for _ in range(8)]
    thresholds = [step / 20 for step in range(1, 21)]
    scores = ThresholdScores([MatchedPhoto.of(*photo) for photo in per_photo], thresholds)
    lines = scores.lines()
    counts = [_counted_anew(per_photo, threshold) for threshold in thresholds]
    assert lines["precision"] == [right / said if said else None for right, said in counts]
    assert lines["recall"] == [right / scores.faces for right, _ in counts]
    # A threshold's own scores take a bootstrap each.
    one, (right, said) = scores.at(thresholds[9]), counts[9]
    assert one.precision == Proportion(right, said)
    assert one.recall == Proportion(right, scores.faces)
    falling = [
        (recall or 0.0, precision or 0.0)
        for recall, precision in zip(lines["recall"], lines["precision"], strict=True)
    ][::-1]
    area = 0.0
    for number, (recall, _) in enumerate(falling):
        step = recall - (falling[number - 1][0] if number else 0.0)
        area += step * max(precision for _, precision in falling[number:])
    assert average_precision(per_photo, 0.4).value == pytest.approx(area)
