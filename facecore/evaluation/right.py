"""Which answers about labelled people are right, so that ways of reading can be compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from facecore.evaluation.accuracy import labelled_face
from facecore.evaluation.labels import PersonLabel
from facecore.results import AGE_GROUPS, Face, nearest_age_group
from facecore.wording import Text

RightAnswers = Mapping[str, Mapping[str, bool]]
"""By what is asked, "gender" or "age group", and the photo's name: whether the answer is right."""

NONE_OF_THESE = Text("None of the labels is of a photo that was read: the names must be the same.")


@dataclass(frozen=True, slots=True)
class _Read:
    faces: tuple[Face, ...]
    size_wh: tuple[int, int]


def right_answers(
    answers: Mapping[str, tuple[Face, ...]],
    sizes_wh: Mapping[str, tuple[int, int] | None],
    labels: Mapping[str, PersonLabel],
) -> RightAnswers:
    """Return which answers are right; that a labelled person was not found is not right.

    Args:
        answers: the faces of each photo that was read, by its name; the person is the one
            nearest to the photo's centre.
        sizes_wh: width and height of the upright photos in pixels, by name.
        labels: by the photo's name; an age counts in the group nearest to it.
    """
    right: dict[str, dict[str, bool]] = {"gender": {}, "age group": {}}
    for name, faces in answers.items():
        label, size_wh = labels.get(name), sizes_wh[name]
        if label is None or size_wh is None:
            continue
        face = labelled_face(_Read(faces, size_wh))
        if label.gender is not None:
            right["gender"][name] = face is not None and face.gender.label == label.gender
        if label.age_years is not None:
            truth = AGE_GROUPS[nearest_age_group(label.age_years)]
            right["age group"][name] = face is not None and face.age_group.label == truth
    return {asked: by_name for asked, by_name in right.items() if by_name}


def only_one_right(ours: Mapping[str, bool], theirs: Mapping[str, bool]) -> tuple[int, int]:
    """Return how many people only the first gets right, and how many only the second."""
    both = ours.keys() & theirs.keys()
    return (
        sum(ours[name] and not theirs[name] for name in both),
        sum(theirs[name] and not ours[name] for name in both),
    )
