"""Gender and age of labelled people against hand-made answers."""

from __future__ import annotations

import json

import pytest

from facecore.evaluation.accuracy import (
    confusions,
    evaluate_attributes,
    labelled_face,
)
from facecore.evaluation.labels import PersonLabel
from facecore.export import to_json_line
from facecore.results import AGE_GROUPS, GENDERS, nearest_age_group
from facecore.statistics.intervals import Estimate, Proportion
from tests.evaluation.conftest import analysis, face

CORNER = (0, 0, 20, 20)

LABELS = {
    label.file: label
    for label in (
        PersonLabel("man.jpg", 34.5, "Male", "30-39"),
        PersonLabel("woman.jpg", 34.5, "Female", "30-39"),
        PersonLabel("girl.jpg", 1.0, "Female", "0-2"),
        PersonLabel("years.jpg", 50.0, "Male"),
        PersonLabel("gender.jpg", gender="Female"),
        PersonLabel("age.jpg", 75.0, age_range="70+"),
        PersonLabel("nothing.jpg"),
        PersonLabel("missed.jpg", 5.0, "Male", "3-9"),
        PersonLabel("unread.jpg", 5.0, "Male", "3-9"),
    )
}
ANALYSES = {
    # Labelled (25-32); said (25-32): 28.5 years.
    "man.jpg": analysis([face("Male", 4)]),
    # One group off: 40.5 years.
    "woman.jpg": analysis([face("Male", 5), face("Female", 0, CORNER)]),
    # Two groups off: 10 years.
    "girl.jpg": analysis([face("Female", 2)]),
    # Labelled (48-53); said (60-100): 70 years.
    "years.jpg": analysis([face("Male", 7)]),
    "gender.jpg": analysis([face("Female", 0)]),
    "age.jpg": analysis([face("Female", 7)]),
    "nothing.jpg": analysis([face("Female", 7)]),
    "missed.jpg": analysis(),
    "unlabelled.jpg": analysis([face("Female", 7)]),
}


@pytest.mark.parametrize(
    ("age_years", "group"),
    [
        (0, "(0-2)"),
        (2.9, "(0-2)"),
        (3, "(0-2)"),
        (3.1, "(4-6)"),
        (7, "(4-6)"),
        (8, "(8-12)"),
        (13.5, "(8-12)"),
        (13.6, "(15-20)"),
        (22.5, "(15-20)"),
        (23, "(25-32)"),
        (35, "(25-32)"),
        (36, "(38-43)"),
        (45.5, "(38-43)"),
        (53, "(48-53)"),
        (56.5, "(48-53)"),
        (57, "(60-100)"),
        (100, "(60-100)"),
        (120, "(60-100)"),
    ],
)
def test_ages_go_to_the_nearest_group(age_years: float, group: str) -> None:
    """Inside a group it is that one, in a gap the nearer, in the middle of a gap the younger."""
    assert AGE_GROUPS[nearest_age_group(age_years)] == group


@pytest.mark.parametrize("age_years", [-1.0, float("nan"), float("inf")])
def test_what_is_no_age_has_no_group(age_years: float) -> None:
    """An impossible age is a mistake of the caller's."""
    with pytest.raises(ValueError, match="not an age"):
        nearest_age_group(age_years)


def test_labelled_person_is_nearest_to_the_centre() -> None:
    """Neither the order nor the size of the faces matters, only where their centres are."""
    assert labelled_face(analysis()) is None
    large, small = face("Male", 4, (0, 0, 60, 60)), face("Female", 4, (52, 42, 56, 46))
    assert labelled_face(analysis([large])) is large
    assert labelled_face(analysis([large, small])) is small
    assert labelled_face(analysis([small, large])) is small


def test_nothing_labelled_gives_empty_figures() -> None:
    """Without photos every figure has n = 0 and no value, and none divides by it."""
    report = evaluate_attributes({}, LABELS)
    assert report == evaluate_attributes(ANALYSES, {})
    assert (report.photos, report.no_face, report.gender) == (0, Proportion(0, 0), Proportion(0, 0))
    assert report.gender_by_gender == dict.fromkeys(GENDERS, Proportion(0, 0))
    assert report.gender_by_age_range == {}
    assert report.age_error_years == Estimate(None, None, 0)
    assert report.gender.value is None


def test_figures_by_hand() -> None:
    """Each figure counts the people who have its label and a face, and no others."""
    report = evaluate_attributes(ANALYSES, LABELS)
    assert report.photos == 8
    assert (report.no_face, report.no_face_files) == (Proportion(1, 8), ("missed.jpg",))
    assert report.gender == Proportion(4, 5)
    assert report.gender_by_gender == {"Male": Proportion(2, 2), "Female": Proportion(2, 3)}
    assert list(report.gender_by_age_range.items()) == [
        ("0-2", Proportion(1, 1)),
        ("30-39", Proportion(1, 2)),
        ("(48-53)", Proportion(1, 1)),
    ]
    assert report.age_group_exact == Proportion(2, 5)
    assert report.age_group_one_off == Proportion(4, 5)
    # 28.5 and 40.5 for 34.5, 10 for 1, 70 for 50, 70 for 75.
    assert report.age_error_years.value == pytest.approx((6 + 6 + 9 + 20 + 5) / 5)
    assert report.age_error_years.n == 5


def test_figures_as_plain_values() -> None:
    """The plain form has each figure with its n and interval."""
    plain = json.loads(to_json_line(evaluate_attributes(ANALYSES, LABELS)))
    assert plain["no_face_files"] == ["missed.jpg"]
    assert list(plain["gender"]) == ["value", "interval", "successes", "n"]
    assert (plain["gender"]["value"], plain["gender"]["successes"]) == (0.8, 4)
    assert plain["gender_by_age_range"]["30-39"]["n"] == 2
    assert set(plain["age_error_years"]) == {"value", "interval", "n"}


def test_confusion_of_nothing_has_all_names() -> None:
    """The tables have every row and column, filled with zeros, where nothing was counted."""
    genders, ages = confusions({}, {})
    assert (tuple(genders.index), tuple(genders.columns)) == (GENDERS, GENDERS)
    assert (tuple(ages.index), tuple(ages.columns)) == (AGE_GROUPS, AGE_GROUPS)
    assert genders.to_numpy().sum() == ages.to_numpy().sum() == 0


def test_confusions_by_hand() -> None:
    """A row is what the label says, a column what the network said."""
    genders, ages = confusions(ANALYSES, LABELS)
    assert genders.to_numpy().tolist() == [[2, 0], [1, 2]]
    counted = {
        (labelled, answered): count
        for labelled, row in ages.to_dict("index").items()
        for answered, count in row.items()
        if count
    }
    assert counted == {
        ("(25-32)", "(25-32)"): 1,
        ("(25-32)", "(38-43)"): 1,
        ("(0-2)", "(8-12)"): 1,
        ("(48-53)", "(60-100)"): 1,
        ("(60-100)", "(60-100)"): 1,
    }
