"""Whether two settings give the same answers, on faces made by hand and on real ones."""

from __future__ import annotations

import itertools

import pytest

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.results import AGE_GROUPS, AgeGroupPrediction, Box, Detection, Face, GenderPrediction
from facecore.settings import AnalysisSettings
from facecore.statistics.agreement import Agreement, Disagreement, face_agreement

AT = Box(100, 100, 200, 200)
ELSEWHERE = Box(500, 100, 600, 200)


def _face(
    box: Box = AT, *, confidence: float = 0.9, male: float = 0.8, age_group: str = "(25-32)"
) -> Face:
    ages = tuple(0.65 if group == age_group else 0.05 for group in AGE_GROUPS)
    return Face(
        Detection(box, confidence),
        {"gender": GenderPrediction((male, 1 - male)), "age_group": AgeGroupPrediction(ages)},
    )


def _nothing(**more: object) -> Agreement:
    figures: dict[str, object] = dict.fromkeys(
        ("photos", "matched", "lost", "new", "same", "gender_flips", "age_group_flips"), 0
    )
    figures |= dict.fromkeys(("mean_iou", "mean_shift_px", "mean_confidence_change"))
    figures |= dict.fromkeys(("events", "only_baseline", "only_variant"), ())
    return Agreement(**(figures | more))  # type: ignore[arg-type]


def test_nothing_agrees_with_nothing() -> None:
    """No photo on either side is the same, and is not told as if photos had been compared."""
    agreement = face_agreement({}, {})
    assert agreement == _nothing()
    assert (agreement.events, agreement.share_same) == ((), 1.0)
    assert agreement.words == "no photo to compare"


def test_photos_without_faces_agree() -> None:
    """Both sides see nobody."""
    agreement = face_agreement({"a.jpg": []}, {"a.jpg": ()})
    assert agreement == _nothing(photos=1)
    assert (agreement.events, agreement.share_same) == ((), 1.0)
    assert agreement.words == "no face on either side"


def test_the_same_faces_agree() -> None:
    """In any order, since boxes are matched by where they are."""
    faces = [_face(), _face(ELSEWHERE, male=0.3)]
    agreement = face_agreement({"a.jpg": faces}, {"a.jpg": faces[::-1]})
    assert (agreement.matched, agreement.same, agreement.events) == (2, 2, ())
    assert (agreement.events, agreement.share_same) == ((), 1.0)
    assert (agreement.mean_iou, agreement.mean_shift_px) == (1, 0)
    assert agreement.mean_confidence_change == 0
    assert agreement.words == "no change of answers in 2 faces"


def test_one_face_is_told_in_the_singular() -> None:
    """One face, not one faces."""
    assert face_agreement({"a": [_face()]}, {"a": [_face()]}).words.endswith("in 1 face")
    assert face_agreement({"a": [_face()]}, {"a": []}).words == "1 of 1 face lost"


def test_lost_and_new_faces_are_told_with_photo_and_box() -> None:
    """A face that is somewhere else is one lost and one new."""
    agreement = face_agreement(
        {"a.jpg": [_face()], "b.jpg": [_face(confidence=0.62)]},
        {"a.jpg": [_face()], "b.jpg": [_face(ELSEWHERE, confidence=0.7, male=0.1)]},
    )
    assert (agreement.matched, agreement.lost, agreement.new) == (1, 1, 1)
    assert agreement.events == (
        Disagreement("b.jpg", "lost", AT, None, "face, 62 %: Male, (25-32)", "no face"),
        Disagreement(
            "b.jpg", "new", ELSEWHERE, ELSEWHERE, "no face", "face, 70 %: Female, (25-32)"
        ),
    )
    assert agreement.share_same == pytest.approx(1 / 3)
    assert agreement.words == "1 of 2 faces lost, 1 new"


def test_faces_where_there_were_none_are_new() -> None:
    """Nothing was there to be lost."""
    agreement = face_agreement({"a.jpg": []}, {"a.jpg": [_face()]})
    assert (agreement.new, agreement.share_same, agreement.words) == (1, 0.0, "1 new")


def test_flips_are_counted_each_but_a_face_only_once() -> None:
    """A face with another gender and another age group is one face that is not the same."""
    baseline = {"a.jpg": [_face(), _face(ELSEWHERE)]}
    variant = {"a.jpg": [_face(male=0.4, age_group="(38-43)"), _face(ELSEWHERE)]}
    agreement = face_agreement(baseline, variant)
    assert (agreement.gender_flips, agreement.age_group_flips, agreement.same) == (1, 1, 1)
    assert agreement.share_same == 0.5
    assert agreement.events == (
        Disagreement("a.jpg", "gender", AT, AT, "Male, 80 %", "Female, 60 %"),
        Disagreement("a.jpg", "age group", AT, AT, "(25-32), 65 %", "(38-43), 65 %"),
    )
    assert agreement.words == "none of 2 faces lost, 1 gender changed, 1 age group changed"


def test_a_probability_that_changes_no_label_is_no_flip() -> None:
    """Confidence and probability may move; the answer stays."""
    agreement = face_agreement(
        {"a.jpg": [_face(confidence=0.9), _face(ELSEWHERE, confidence=0.8)]},
        {"a.jpg": [_face(confidence=0.7, male=0.51), _face(ELSEWHERE, confidence=0.9)]},
    )
    assert agreement.events == ()
    assert agreement.mean_confidence_change == pytest.approx(0.15)


def test_boxes_that_move_are_measured() -> None:
    """A shift of (3, 4) is 5 pixels."""
    moved = Box(103, 104, 203, 204)
    agreement = face_agreement({"a.jpg": [_face()]}, {"a.jpg": [_face(moved)]})
    shared = 97 * 96
    assert agreement.mean_iou == pytest.approx(shared / (2 * 100 * 100 - shared))
    assert agreement.mean_shift_px == pytest.approx(5)


@pytest.mark.parametrize(("width", "matched"), [(200, 1), (201, 0)])
def test_half_an_overlap_is_the_same_face(width: int, matched: int) -> None:
    """At an IoU of exactly 0.5 it is, below it is not."""
    wider = Box(100, 100, 100 + width, 200)
    assert face_agreement({"a": [_face()]}, {"a": [_face(wider)]}).matched == matched


def test_the_largest_overlap_is_matched_first() -> None:
    """Where two boxes claim one face, the closer takes it, whatever their order."""
    near, far = Box(105, 100, 205, 200), Box(130, 100, 230, 200)
    for order in itertools.permutations([_face(near), _face(far, male=0.1)]):
        agreement = face_agreement({"a.jpg": [_face()]}, {"a.jpg": order})
        assert (agreement.matched, agreement.new, agreement.gender_flips) == (1, 1, 0)
        assert agreement.events[0].box == far


def test_photos_of_one_side_are_named_and_count_nowhere() -> None:
    """A photo that one side could not read tells nothing about its faces."""
    agreement = face_agreement(
        {"a.jpg": [_face()], "b.jpg": [_face()]}, {"a.jpg": [_face()], "c.jpg": []}
    )
    assert (agreement.photos, agreement.matched, agreement.lost) == (1, 1, 0)
    assert (agreement.only_baseline, agreement.only_variant) == (("b.jpg",), ("c.jpg",))
    assert agreement.share_same == 1
    assert agreement.words == "no change of answers in 1 face; 2 photos read on one side only"


def test_a_variant_that_read_no_photo_is_not_the_same() -> None:
    """Nothing compared is not agreement."""
    agreement = face_agreement({"a.jpg": [_face()]}, {})
    assert agreement.words == "no photo to compare; 1 photo read on one side only"


@pytest.mark.slow
def test_a_photo_read_twice_agrees_and_a_higher_threshold_loses_faces(
    analyzer: FaceAnalyzer, hopper_file: bytes
) -> None:
    """The real networks answer the same question the same way."""
    first, second = (analyzer.analyze(hopper_file).faces for _ in range(2))
    assert first
    assert face_agreement({"a": first}, {"a": second}).events == ()
    strict = analyzer.analyze(hopper_file, AnalysisSettings(confidence=1.0)).faces
    agreement = face_agreement({"a": first}, {"a": strict})
    assert agreement.lost == len(first) - len(strict) > 0
