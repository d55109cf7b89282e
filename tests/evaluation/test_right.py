"""Which answers about labelled people are right, person by person."""

from __future__ import annotations

from facecore.evaluation.labels import PersonLabel
from facecore.evaluation.right import only_one_right, right_answers
from tests.evaluation.conftest import SIZE_WH, face


def test_nothing_known_is_nothing_right() -> None:
    """Without labels, photos or answers there is nothing to say."""
    assert right_answers({}, {}, {}) == {}
    assert right_answers({"a": ()}, {"a": SIZE_WH}, {}) == {}
    assert only_one_right({}, {"a": True}) == (0, 0)


def test_a_person_is_the_face_in_the_middle_and_not_found_is_not_right() -> None:
    """Each thing asked counts the people whose truth is known; a photo not read counts nowhere."""
    answers = {
        "a": (face("Male", 0, (0, 0, 9, 9)), face("Female", 4)),
        "b": (),
        "c": (face("Male", 4),),
        "unread": (face("Male", 4),),
    }
    labels = {
        "a": PersonLabel("a", age_years=30, gender="Female"),
        "b": PersonLabel("b", gender="Male"),
        "c": PersonLabel("c", age_years=50),
        "unread": PersonLabel("unread", gender="Male"),
        "elsewhere": PersonLabel("elsewhere", gender="Male"),
    }
    sizes = dict.fromkeys("abc", SIZE_WH) | {"unread": None}
    right = right_answers(answers, sizes, labels)
    assert right == {"gender": {"a": True, "b": False}, "age group": {"a": True, "c": False}}
    assert only_one_right(right["gender"], {"a": False, "b": True, "c": True}) == (1, 1)
