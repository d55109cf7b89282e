"""Two ways of reading the same labelled photos, score by score."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from facecore.evaluation.accuracy import labelled_face
from facecore.evaluation.detection import counted_boxes
from facecore.evaluation.kept import Scored
from facecore.evaluation.labels import BoxXyxy, PersonLabel
from facecore.results import AGE_GROUPS, nearest_age_group
from facecore.settings import AnalysisSettings
from facecore.statistics.intervals import Estimate, Proportion, bootstrap_interval
from facecore.wording import Text

Unit = Literal["%", "", "years", "per photo"]
"""Of a score: a share, F1 from 0 to 1, years, or a count in each photo."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of two ways of reading: its settings, and its answers by the photo's name."""

    settings: AnalysisSettings
    answers: Mapping[str, Scored]


@dataclass(frozen=True, slots=True, kw_only=True)
class BesideRow:
    """One score of two ways of reading the photos that both read.

    Attributes:
        name: of the score.
        unit: of all its values.
        first, second: shares have Wilson's interval, others that of a bootstrap over photos.
        difference: second less first, with the interval of a bootstrap over the same photos.
    """

    name: str
    unit: Unit
    first: Proportion | Estimate
    second: Proportion | Estimate
    difference: Estimate

    @property
    def is_told_apart(self) -> bool:
        """Whether the difference's 95 % interval leaves out 0."""
        ends = self.difference.interval
        return ends is not None and (ends[0] > 0 or ends[1] < 0)


def beside(
    first: Side,
    second: Side,
    labels: Mapping[str, PersonLabel],
    boxes: Mapping[str, Sequence[BoxXyxy]],
) -> list[BesideRow]:
    """Return the scores of two ways at their own confidence, those that something is known for.

    Args:
        first, second: photos that only one of them read are left out.
        labels, boxes: by the photo's name, as in the answers.
    """
    both = first.answers.keys() & second.answers.keys()
    framed = {name: boxes[name] for name in boxes if name in both}
    named = {name: labels[name] for name in labels if name in both}
    scores = [
        *zip(_of_boxes(first, framed), _of_boxes(second, framed), strict=True),
        *zip(_of_people(first, named), _of_people(second, named), strict=True),
    ]
    return [_row(one, other) for one, other in scores if one.of.any() or other.of.any()]


@dataclass(frozen=True, slots=True)
class _Score:
    """What each photo adds to a score's numerator and to its denominator, shape (n,) each."""

    name: str
    unit: Unit
    counts: NDArray[np.float64]
    of: NDArray[np.float64]

    def over(self, drawn: NDArray[np.int64]) -> float | None:
        total = float(drawn @ self.of)
        return float(drawn @ self.counts) / total if total else None

    def figure(self) -> Proportion | Estimate:
        if self.unit == "%":
            return Proportion(int(self.counts.sum()), int(self.of.sum()))
        photos = len(self.of)
        interval = bootstrap_interval(self.over, photos)
        return Estimate(self.over(np.ones(photos, dtype=np.int64)), interval, photos)


def _row(first: _Score, second: _Score) -> BesideRow:
    photos = len(first.of)

    def over(drawn: NDArray[np.int64]) -> float | None:
        one, other = first.over(drawn), second.over(drawn)
        return None if one is None or other is None else other - one

    everything = np.ones(photos, dtype=np.int64)
    return BesideRow(
        name=first.name,
        unit=first.unit,
        first=first.figure(),
        second=second.figure(),
        difference=Estimate(over(everything), bootstrap_interval(over, photos), photos),
    )


def _of_boxes(side: Side, boxes: Mapping[str, Sequence[BoxXyxy]]) -> Iterator[_Score]:
    answers = [side.answers[name] for name in boxes]
    counted = counted_boxes(answers, list(boxes.values()), side.settings)
    right, said, truths = (counts.astype(np.float64) for counts in counted)
    yield _Score(Text("precision"), "%", right, said)
    yield _Score(Text("recall"), "%", right, truths)
    yield _Score("F1", "", 2 * right, said + truths)
    yield _Score(Text("false faces"), "per photo", said - right, np.ones(len(said)))


def _of_people(side: Side, labels: Mapping[str, PersonLabel]) -> Iterator[_Score]:
    """Yield the scores of labelled people; those whose face was not found count in none but one."""
    faces = [labelled_face(side.answers[name]) for name in labels]
    found = np.array([face is not None for face in faces], dtype=np.float64)
    gender, exact, near, years = np.zeros((4, len(faces), 2))
    for place, (face, label) in enumerate(zip(faces, labels.values(), strict=True)):
        if face is not None and label.gender:
            gender[place] = face.gender.label == label.gender, 1
        if face is not None and label.age_years is not None:
            said = AGE_GROUPS.index(face.age_group.label)
            steps = abs(said - nearest_age_group(label.age_years))
            exact[place], near[place] = (steps == 0, 1), (steps <= 1, 1)
            years[place] = abs(face.age_group.expected_age - label.age_years), 1
    yield _Score(Text("no face found"), "%", 1 - found, np.ones(len(faces)))
    yield _Score(Text("gender right"), "%", *gender.T)
    yield _Score(Text("age group right"), "%", *exact.T)
    yield _Score(Text("age group right or next to it"), "%", *near.T)
    yield _Score(Text("expected age is off by"), "years", *years.T)
