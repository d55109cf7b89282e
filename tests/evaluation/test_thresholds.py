"""Scores over thresholds and the one to take, by hand."""

from __future__ import annotations

import pytest

from facecore.evaluation.curves import ScoredPhoto
from facecore.evaluation.labels import BoxXyxy
from facecore.evaluation.thresholds import MatchedPhoto, Scores, ThresholdScores
from facecore.statistics.intervals import Estimate, Proportion
from tests.evaluation.conftest import found

A: BoxXyxy = (0, 0, 10, 10)
B: BoxXyxy = (20, 0, 30, 10)
C: BoxXyxy = (40, 0, 50, 10)
ON_A, ON_B, NOWHERE = (0, 0, 10, 10), (20, 0, 30, 10), (70, 60, 80, 70)

HALF_RIGHT: list[ScoredPhoto] = [
    # By confidence over both photos: right, wrong, right, wrong; three faces.
    (found((0.7, ON_B), (0.9, ON_A)), (A, B)),
    (found((0.8, NOWHERE), (0.6, ON_B)), (C,)),
]


def _scores(*photos: ScoredPhoto) -> ThresholdScores:
    return ThresholdScores([MatchedPhoto.of(*photo) for photo in photos])


@pytest.mark.parametrize(
    "photos", [[], [((), ())], [((), (A,))], [(found((0.9, ON_A), (0.5, ON_B)), ())]]
)
def test_without_a_found_face_there_is_nothing_to_take(photos: list[ScoredPhoto]) -> None:
    """Nothing is divided by zero, and no threshold is recommended."""
    scores = _scores(*photos)
    assert scores.faces == sum(len(faces) for _, faces in photos)
    assert scores.best_f1() is None
    assert scores.at_least_precision(0.0) is None
    assert scores.at(0.99).precision == Proportion(0, 0)
    assert scores.at(0.99).f1.interval is None


def test_scores_by_hand() -> None:
    """Photos are counted together, and a box with just the threshold's confidence counts."""
    scores = _scores(*HALF_RIGHT)
    assert scores.faces == 3
    steps = [scores.at(threshold) for threshold in (0.91, 0.9, 0.8, 0.7, 0.6, 0.01)]
    assert [(one.precision, one.recall) for one in steps] == [
        (Proportion(0, 0), Proportion(0, 3)),
        (Proportion(1, 1), Proportion(1, 3)),
        (Proportion(1, 2), Proportion(1, 3)),
        (Proportion(2, 3), Proportion(2, 3)),
        (Proportion(2, 4), Proportion(2, 3)),
        (Proportion(2, 4), Proportion(2, 3)),
    ]
    assert [one.f1.value for one in steps] == pytest.approx([0, 2 / 4, 2 / 5, 4 / 6, 4 / 7, 4 / 7])
    lines = scores.lines()
    assert lines["precision"][-1] is None
    assert [lines[name][69] for name in lines] == pytest.approx([2 / 3, 2 / 3, 4 / 6])


def test_interval_of_f1_is_over_photos() -> None:
    """Both halves alike: photos with F1 1 and 0 by turns give any F1 between; one photo none."""
    photos: list[ScoredPhoto] = [(found((0.9, ON_A)), (A,)), (found((0.9, NOWHERE)), (A,))]
    f1 = _scores(*photos * 10).at(0.5).f1
    assert f1.value == 0.5
    assert f1.interval == pytest.approx((0.3, 0.7), abs=0.06)
    assert _scores(photos[0]).at(0.5).f1 == Estimate(1.0, None, 1)


def test_the_middle_of_the_widest_plateau_is_taken() -> None:
    """Where F1 is best from 0.31 to 0.70 and once more at 0.80, the middle of the wide one is."""
    photos: list[ScoredPhoto] = [
        (found((0.9, ON_A), (0.7, ON_B)), (A, B)),
        (found((0.3, NOWHERE)), ()),
    ]
    best = _scores(*photos).best_f1()
    assert best is not None
    assert (best.highest, best.plateau) == (1.0, (0.31, 0.7))
    assert (best.scores.threshold, best.scores.f1.value) == (0.5, 1.0)
    assert (best.faces, best.photos) == (2, 2)
    assert best.as_dict()["plateau"] == (0.31, 0.7)


def test_of_two_peaks_the_wider_counts() -> None:
    """A narrow peak that is as high as a wide plateau is not the one to take."""
    # At 0.90 and 0.89 one of two faces without a false one, F1 2/3; then a false one,
    # 1/2; from 0.60 on both faces with two false ones, F1 4/6.
    offered = found((0.9, ON_A), (0.88, NOWHERE), (0.7, (60, 0, 70, 10)), (0.6, ON_B))
    best = _scores((offered, (A, B))).best_f1()
    assert best is not None
    assert best.plateau == (0.01, 0.6)
    assert best.scores.threshold == 0.3


def test_a_wide_plateau_may_be_a_little_lower_than_a_narrow_peak() -> None:
    """Best is 98/99 at 0.88; 98/100 from 0.81 on is as good, and so is 100/102 up to 0.60."""
    faces = [(20.0 * n, 0.0, 20.0 * n + 10, 10.0) for n in range(50)]
    boxes = [(20 * n, 0, 20 * n + 10, 10) for n in range(50)]
    offered = found(
        *((0.9, box) for box in boxes[:48]),
        (0.88, boxes[48]),
        (0.87, (0, 50, 10, 60)),
        (0.80, (20, 50, 30, 60)),
        (0.60, boxes[49]),
    )
    best = _scores((offered, faces)).best_f1()
    assert best is not None
    assert best.highest == pytest.approx(98 / 99)
    assert (best.plateau, best.scores.f1.value) == ((0.01, 0.6), 100 / 102)


def test_what_photos_cannot_tell_apart_is_said() -> None:
    """A face lost in one of thirty photos may be chance; one lost in each of ten is not."""
    second_at = [0.5] * 10 + [0.7] + [0.8] * 19
    photos: list[ScoredPhoto] = [(found((0.9, ON_A), (at, ON_B)), (A, B)) for at in second_at]
    best = _scores(*photos).best_f1()
    assert best is not None
    assert best.plateau == (0.01, 0.5)
    assert best.not_told_apart == (0.01, 0.5)
    few = _scores(*photos[10:]).best_f1()
    assert few is not None
    assert few.plateau == (0.01, 0.7)
    assert few.not_told_apart == (0.01, 0.8)


def test_words_say_how_far_and_on_what() -> None:
    """The sentence has the plateau's ends, its middle, faces, photos, and what is as good."""
    words = _best_in_words([(found((0.9, ON_A), (0.7, ON_B)), (A, B)), (found((0.3, NOWHERE)), ())])
    assert words == (
        "The best F1 is 1.000; from 0.31 to 0.70 it is at most 0.01 lower, and 0.50 is the middle "
        "of this plateau, the widest. That rests on 2 faces in 2 photos; they cannot tell 0.01 to "
        "0.70 apart from the best. So few photos make intervals too narrow: 20 or more are better."
    )
    alone = _best_in_words([(found((0.9, ON_A)), (A,))])
    assert alone.endswith("That rests on 1 face in 1 photo, which does not tell how sure it is.")


def _best_in_words(photos: list[ScoredPhoto]) -> str:
    best = _scores(*photos).best_f1()
    assert best is not None
    return best.in_words()


def test_most_recall_at_a_wanted_precision() -> None:
    """Of thresholds with the same recall the surest counts; where none is precise enough, none."""
    scores = _scores(*HALF_RIGHT)

    def threshold(precision: float) -> float | None:
        point: Scores | None = scores.at_least_precision(precision)
        return None if point is None else point.threshold

    assert [threshold(wanted) for wanted in (1.0, 0.6, 0.5, 0.0)] == [0.9, 0.7, 0.7, 0.7]
    wrong_first = _scores((found((0.9, NOWHERE), (0.8, ON_A)), (A,)))
    assert wrong_first.at_least_precision(0.51) is None


def test_missed_and_false_faces_have_their_places() -> None:
    """At 0.8 a face of each photo is missed and one box is wrong, whose place is told."""
    first, second = (MatchedPhoto.of(*photo) for photo in HALF_RIGHT)
    assert (first.missed(0.8), first.false(0.8)) == ([B], [])
    assert (second.missed(0.8), second.false(0.8)) == ([C], [NOWHERE])
    assert first.missed(0.7) == []
    assert second.false(0.5) == [NOWHERE, ON_B]
    nothing = MatchedPhoto.of((), ())
    assert (nothing.missed(0.5), nothing.false(0.5)) == ([], [])
