"""Gender and age of labelled people: how often the answers are right."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import pandas as pd

from facecore.evaluation.calibration import Reliability, fit, reliability
from facecore.evaluation.labels import PersonLabel
from facecore.models.calibration import Calibration
from facecore.results import AGE_GROUPS, GENDERS, Analysis, Face, nearest_age_group
from facecore.statistics.intervals import Estimate, Proportion, mean_estimate
from facecore.wording import Text

HOW_AGES = Text(
    "An age is put into the nearest of the network's age groups, the younger "
    "of two equally near; a range counts as its middle, one without an end "
    "as 5 years above its start (70+ as 75)."
)
HOW_PERSON = Text("The labelled person is the face whose centre is nearest to the photo's centre.")
HOW_INTERVALS = Text(
    "Intervals are 95 %: Wilson's for shares, as if every face were "
    "independent; a bootstrap over photos for F1, average precision and "
    "means; order statistics for percentiles."
)


class Answered(Protocol):
    """What tells who the labelled person is: an `Analysis`, or what is left of one."""

    @property
    def faces(self) -> tuple[Face, ...]:
        """The faces, empty where none was found."""

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height of the upright photo in pixels."""


def labelled_face(analysis: Answered) -> Face | None:
    """Return the face whose centre is nearest to the photo's centre; None without a face."""
    width, height = analysis.size_wh

    def distance(face: Face) -> float:
        x0, y0, x1, y1 = face.box.xyxy
        return math.hypot(x0 + x1 - width, y0 + y1 - height)

    return min(analysis.faces, key=distance, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeReport:
    """Gender and age of the labelled people; figures are of the faces that were found.

    Attributes:
        photos: labelled photos that were analysed.
        no_face: the part of them in which no face was found.
        no_face_files: their names.
        gender: right answers, of those with a gender label.
        gender_by_gender: the same by the labelled gender, in the order of `GENDERS`.
        gender_by_age_range: the same by the labelled range, the youngest first; a
            label in years counts under its nearest age group.
        age_group_exact: age group right, of those with an age label.
        age_group_one_off: age group right or next to it.
        age_one_off_by_age_range: the same by the labelled range.
        age_error_years: absolute difference of expected and labelled age, in years.
        reliability: how the probability of an answer goes with its being right, by attribute.
    """

    photos: int
    no_face: Proportion
    no_face_files: tuple[str, ...]
    gender: Proportion
    gender_by_gender: Mapping[str, Proportion]
    gender_by_age_range: Mapping[str, Proportion]
    age_group_exact: Proportion
    age_group_one_off: Proportion
    age_one_off_by_age_range: Mapping[str, Proportion]
    age_error_years: Estimate
    reliability: Mapping[str, Reliability]


def evaluate_attributes(
    analyses: Mapping[str, Answered], labels: Mapping[str, PersonLabel]
) -> AttributeReport:
    """Compare gender and age of the labelled people; photos without both are left out.

    Args:
        analyses: by the file's name, as in the labels.
        labels: by the file's name.
    """
    photos = [name for name in labels if name in analyses]
    missed = tuple(name for name in photos if not analyses[name].faces)
    people = list(_people(analyses, labels))
    genders = [(label, face.gender.label == label.gender) for label, face in people if label.gender]
    ages = [(label, label.age_years, face) for label, face in people if label.age_years is not None]
    steps = [
        (label, abs(AGE_GROUPS.index(face.age_group.label) - nearest_age_group(age)))
        for label, age, face in ages
    ]
    near = [(label, step <= 1) for label, step in steps]
    return AttributeReport(
        photos=len(photos),
        no_face=Proportion(len(missed), len(photos)),
        no_face_files=missed,
        gender=_share(right for _, right in genders),
        gender_by_gender={
            gender: _share(right for label, right in genders if label.gender == gender)
            for gender in GENDERS
        },
        gender_by_age_range=_by_age_range(genders),
        age_group_exact=_share(step == 0 for _, step in steps),
        age_group_one_off=_share(right for _, right in near),
        age_one_off_by_age_range=_by_age_range(near),
        age_error_years=mean_estimate(
            [abs(face.age_group.expected_age - age) for _, age, face in ages]
        ),
        reliability=_reliability(people),
    )


def _by_age_range(answers: Sequence[tuple[PersonLabel, bool]]) -> dict[str, Proportion]:
    ranges = {_age_range(label): label.age_years for label, _ in answers}
    ranges.pop("", None)
    return {
        name: _share(right for label, right in answers if _age_range(label) == name)
        for name in sorted(ranges, key=lambda name: (ranges[name] or 0.0, name))
    }


def cross_fitted(
    analyses: Mapping[str, Analysis],
    labels: Mapping[str, PersonLabel],
    calibrations: Mapping[str, Calibration],
) -> dict[str, Analysis]:
    """Return the labelled people alone, calibrated by what was fitted on the other half of them.

    The halves are every second one of the labels. So nobody's answer was put right by what is
    known of that person, as it is where a calibration is judged on what it was fitted on.

    Args:
        analyses: by the file's name, as in the labels.
        labels: by the file's name.
        calibrations: by attribute; a fit has as many free numbers as its one here.
    """
    people = list(_people(analyses, labels))
    halves = [people[::2], people[1::2]]
    answers = {}
    for half, other in zip(halves, reversed(halves), strict=True):
        fitted = {name: _fitted_like(one, other) for name, one in calibrations.items()}
        for label, face in half:
            attributes = {
                name: fitted[name].of(said) if name in fitted else said
                for name, said in face.attributes.items()
            }
            faces = (replace(face, attributes=attributes),)
            answers[label.file] = replace(analyses[label.file], faces=faces)
    return answers


def _fitted_like(one: Calibration, people: Sequence[tuple[PersonLabel, Face]]) -> Calibration:
    said = [
        (face.attributes[one.attribute], _truth(label, one.attribute)) for label, face in people
    ]
    known = [
        (answer.raw or answer.probabilities, truth) for answer, truth in said if truth is not None
    ]
    if not known:
        return one
    scales, offsets = fit(
        [row for row, _ in known],
        [truth for _, truth in known],
        scale_each=len(set(one.scales)) > 1,
        offsets=any(one.offsets),
    )
    return replace(one, scales=scales, offsets=offsets)


def _truth(label: PersonLabel, attribute: str) -> int | None:
    if attribute == "gender":
        return None if label.gender is None else GENDERS.index(label.gender)
    return None if label.age_years is None else nearest_age_group(label.age_years)


def _reliability(people: Sequence[tuple[PersonLabel, Face]]) -> dict[str, Reliability]:
    genders = [
        (face.gender.probability, face.gender.label == label.gender)
        for label, face in people
        if label.gender
    ]
    ages = [
        (face.age_group.probability, face.age_group.label == AGE_GROUPS[nearest_age_group(age)])
        for label, face in people
        for age in ([] if label.age_years is None else [label.age_years])
    ]
    return {"gender": reliability(genders), "age_group": reliability(ages)}


def files_by_answer(
    analyses: Mapping[str, Answered], labels: Mapping[str, PersonLabel]
) -> dict[str, dict[tuple[str, str], list[str]]]:
    """Return the photos by label and answer, for gender and for age_group.

    Both are of `GENDERS` and `AGE_GROUPS`; an age counts in the group nearest to it.
    """
    files: dict[str, dict[tuple[str, str], list[str]]] = {"gender": {}, "age_group": {}}
    for label, face in _people(analyses, labels):
        if label.gender:
            files["gender"].setdefault((label.gender, face.gender.label), []).append(label.file)
        if label.age_years is not None:
            nearest = AGE_GROUPS[nearest_age_group(label.age_years)]
            cell = nearest, face.age_group.label
            files["age_group"].setdefault(cell, []).append(label.file)
    return files


def confusions(
    analyses: Mapping[str, Answered], labels: Mapping[str, PersonLabel]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Count answers about gender and about age: a row per label, a column per answer.

    Rows and columns are `GENDERS` and `AGE_GROUPS`; see `files_by_answer`.
    """
    files = files_by_answer(analyses, labels)
    return _counts(files["gender"], GENDERS), _counts(files["age_group"], AGE_GROUPS)


def _people(
    analyses: Mapping[str, Answered], labels: Mapping[str, PersonLabel]
) -> Iterator[tuple[PersonLabel, Face]]:
    for name, label in labels.items():
        face = labelled_face(analyses[name]) if name in analyses else None
        if face is not None:
            yield label, face


def _age_range(label: PersonLabel) -> str:
    if label.age_range or label.age_years is None:
        return label.age_range or ""
    return AGE_GROUPS[nearest_age_group(label.age_years)]


def _share(answers: Iterable[bool]) -> Proportion:
    listed = list(answers)
    return Proportion(sum(listed), len(listed))


def _counts(files: Mapping[tuple[str, str], Sequence[str]], names: Sequence[str]) -> pd.DataFrame:
    rows = [[len(files.get((label, answer), ())) for answer in names] for label in names]
    return pd.DataFrame(rows, index=list(names), columns=list(names), dtype=np.int64)
