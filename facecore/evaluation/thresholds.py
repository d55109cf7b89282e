"""What each threshold makes of the detector's boxes, and which one to take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facecore.evaluation.curves import MATCH_IOU, taken_faces
from facecore.evaluation.labels import BoxXyxy
from facecore.results import Detection
from facecore.statistics.intervals import (
    Estimate,
    Interval,
    Proportion,
    bootstrap_interval,
    draws,
)
from facecore.wording import Text, counted, listed

STEPS = tuple(step / 100 for step in range(1, 101))
"""The thresholds that a slider can say."""

PLATEAU_F1 = 0.01
"""How much lower than the best an F1 is that still counts as good as the best."""

FEW_PHOTOS = 20
"""With fewer, intervals from a bootstrap over photos are too narrow."""

_TAILS = (2.5, 97.5)


@dataclass(frozen=True, slots=True, eq=False)
class MatchedPhoto:
    """What the detector offered in one photo, and which of its faces each box takes.

    Attributes:
        boxes_xyxy: shape (n, 4), int64, pixels, by falling confidence.
        confidences: shape (n,), 0 to 1, falling.
        takes: shape (n,), int64, the place in ``faces``; -1 for a box that is no face.
        faces: where the photo's faces are.
    """

    boxes_xyxy: NDArray[np.int64]
    confidences: NDArray[np.float64]
    takes: NDArray[np.int64]
    faces: tuple[BoxXyxy, ...]

    @classmethod
    def of(
        cls, candidates: Sequence[Detection], faces: Sequence[BoxXyxy], iou: float = MATCH_IOU
    ) -> MatchedPhoto:
        """Match candidates in any order with the faces, see `taken_faces`."""
        ordered = sorted(candidates, key=lambda candidate: -candidate.confidence)
        boxes = [candidate.box.xyxy for candidate in ordered]
        return cls(
            np.array(boxes, dtype=np.int64).reshape(-1, 4),
            np.array([candidate.confidence for candidate in ordered], dtype=np.float64),
            np.array(taken_faces(boxes, faces, iou), dtype=np.int64),
            tuple(faces),
        )

    def reached(self, threshold: float) -> int:
        """Return how many boxes have this confidence or more."""
        return int(np.searchsorted(-self.confidences, -threshold, side="right"))

    def missed(self, threshold: float) -> list[BoxXyxy]:
        """Return the faces that no box with this confidence or more takes."""
        taken = set(self.takes[: self.reached(threshold)].tolist())
        return [face for number, face in enumerate(self.faces) if number not in taken]

    def false(self, threshold: float) -> list[BoxXyxy]:
        """Return the boxes with this confidence or more that are no face, the surest first."""
        reached = self.reached(threshold)
        wrong = self.boxes_xyxy[:reached][self.takes[:reached] < 0]
        return [(x0, y0, x1, y1) for x0, y0, x1, y1 in wrong.tolist()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """What one threshold gives: a box counts from there on.

    Attributes:
        threshold: 0 to 1.
        precision: boxes that are faces, of all boxes.
        recall: faces that were found, of all faces.
        f1: harmonic mean of the two, 0 to 1; None where there is no box and no face.
    """

    threshold: float
    precision: Proportion
    recall: Proportion
    f1: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class BestF1:
    """The threshold to take for F1: the middle of the widest plateau of good ones.

    Attributes:
        scores: of that threshold.
        highest: the best F1 at any threshold, 0 to 1.
        plateau: first and last of the most thresholds in a row whose F1 is at most `PLATEAU_F1`
            below the best.
        not_told_apart: first and last of those around the best for which the 95 % interval of
            the difference to it, by a bootstrap over the same photos, does not leave out 0; None
            for a single photo.
        faces, photos: what all that rests on.
    """

    scores: Scores
    highest: float
    plateau: tuple[float, float]
    not_told_apart: tuple[float, float] | None
    faces: int
    photos: int

    def in_words(self) -> Text:
        """Return how far the plateau goes and what it rests on, in sentences."""
        low, high = self.plateau
        reach = Text(
            "from {low:.2f} to {high:.2f} it is at most {lower:g} lower, and {threshold:.2f} is "
            "the middle of this plateau, the widest",
            low=low,
            high=high,
            lower=PLATEAU_F1,
            threshold=self.scores.threshold,
        )
        if low == high:
            reach = Text(
                "no threshold next to {low:.2f} comes within {lower:g} of it",
                low=low,
                lower=PLATEAU_F1,
            )
        words = Text("The best F1 is {highest:.3f}; {reach}.", highest=self.highest, reach=reach)
        return listed([words, *self._rests_on()], " ")

    def _rests_on(self) -> Iterator[Text]:
        known: dict[str, Any] = {
            "faces": counted(self.faces, "face"),
            "photos": counted(self.photos, "photo"),
        }
        if self.not_told_apart is None:
            yield Text(
                "That rests on {faces} in {photos}, which does not tell how sure it is.", **known
            )
            return
        least, most = self.not_told_apart
        yield Text(
            "That rests on {faces} in {photos}; they cannot tell {least:.2f} to {most:.2f} apart "
            "from the best.",
            least=least,
            most=most,
            **known,
        )
        if self.photos < FEW_PHOTOS:
            yield Text(
                "So few photos make intervals too narrow: {enough} or more are better.",
                enough=FEW_PHOTOS,
            )

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        return {
            "threshold": self.scores.threshold,
            "precision": self.scores.precision,
            "recall": self.scores.recall,
            "f1": self.scores.f1,
            "highest_f1": self.highest,
            "plateau": self.plateau,
            "not_told_apart": self.not_told_apart,
            "faces": self.faces,
            "photos": self.photos,
        }


class ThresholdScores:
    """Scores over some thresholds, all from one matching of boxes with faces."""

    def __init__(self, photos: Sequence[MatchedPhoto], thresholds: Sequence[float] = STEPS) -> None:
        """Count right boxes and all boxes of each photo at each threshold, given rising."""
        self.thresholds = tuple(thresholds)
        self.photos = len(photos)
        self._said, self._right = np.zeros((2, len(photos), len(self.thresholds)), dtype=np.int64)
        for row, photo in enumerate(photos):
            said = np.searchsorted(-photo.confidences, -np.array(self.thresholds), side="right")
            self._said[row] = said
            self._right[row] = np.concatenate([[0], np.cumsum(photo.takes >= 0)])[said]
        self._truths = np.array([len(photo.faces) for photo in photos], dtype=np.int64)

    @property
    def faces(self) -> int:
        """How many faces there are in all photos."""
        return int(self._truths.sum())

    def at(self, threshold: float) -> Scores:
        """Return the scores at the nearest of the thresholds."""
        place = int(np.abs(np.array(self.thresholds) - threshold).argmin())
        right, said = self._right[:, place], self._said[:, place]
        return Scores(
            threshold=self.thresholds[place],
            precision=Proportion(int(right.sum()), int(said.sum())),
            recall=Proportion(int(right.sum()), self.faces),
            f1=f1_estimate(right, said, self._truths),
        )

    def lines(self) -> dict[str, list[float | None]]:
        """Return precision, recall and F1 by name, a value a threshold; None where there is none.

        Precision has none where no box reaches the threshold, recall where there is no face.
        """
        right, said = self._right.sum(axis=0), self._said.sum(axis=0)
        faces = np.full_like(right, self.faces)
        return {
            "precision": _ratios(right, said),
            "recall": _ratios(right, faces),
            "f1": _ratios(2 * right, said + faces),
        }

    def best_f1(self) -> BestF1 | None:
        """Return the middle of the widest plateau of F1; None where no face is found."""
        f1 = np.array([value or 0.0 for value in self.lines()["f1"]])
        highest = float(f1.max(initial=0.0))
        if highest == 0:
            return None
        good = f1 >= highest - PLATEAU_F1 - 1e-12
        runs = {_run(good, int(place)) for place in np.flatnonzero(good)}
        # Of equally wide ones the surest.
        low, high = max(runs, key=lambda run: (run[1] - run[0], run[0]))
        ends = self._not_told_apart(int(f1.argmax()))
        return BestF1(
            scores=self.at(self.thresholds[(low + high) // 2]),
            highest=highest,
            plateau=(self.thresholds[low], self.thresholds[high]),
            not_told_apart=ends and (self.thresholds[ends[0]], self.thresholds[ends[1]]),
            faces=self.faces,
            photos=self.photos,
        )

    def at_least_precision(self, precision: float) -> Scores | None:
        """Return the scores with the highest recall of those with this precision, 0 to 1, or more.

        Of several the surest. None where no threshold has a right box and this precision.
        """
        lines = self.lines()
        good = [
            (recall, place)
            for place, (said, recall) in enumerate(
                zip(lines["precision"], lines["recall"], strict=True)
            )
            if said is not None and said >= precision and recall
        ]
        return self.at(self.thresholds[max(good)[1]]) if good else None

    def _not_told_apart(self, best: int) -> tuple[int, int] | None:
        if self.photos < 2:
            return None
        # As floats, which processors multiply many times faster.
        drawn = np.stack(list(draws(self.photos))).astype(np.float64)
        total = drawn @ (self._said + self._truths[:, None]).astype(np.float64)
        f1 = np.full(total.shape, np.nan)
        np.divide(2 * (drawn @ self._right.astype(np.float64)), total, out=f1, where=total > 0)
        # A draw without a face and without a box says nothing.
        lower_by = np.nanpercentile(f1[:, [best]] - f1, _TAILS[0], axis=0)
        return _run(lower_by <= 0, best)


def f1_estimate(
    right: NDArray[np.int64], said: NDArray[np.int64], truths: NDArray[np.int64]
) -> Estimate:
    """Return F1 with its interval by a bootstrap over photos; each array has a count a photo."""

    def over(drawn: NDArray[np.int64]) -> float | None:
        total = int(drawn @ (said + truths))
        return 2 * int(drawn @ right) / total if total else None

    photos = len(right)
    interval: Interval | None = bootstrap_interval(over, photos)
    return Estimate(over(np.ones(photos, dtype=np.int64)), interval, photos)


def _ratios(counts: NDArray[np.int64], of: NDArray[np.int64]) -> list[float | None]:
    return [
        None if not n else count / n for count, n in zip(counts.tolist(), of.tolist(), strict=True)
    ]


def _run(good: NDArray[np.bool_], place: int) -> tuple[int, int]:
    """Return the first and the last place of the run of good ones around one of them."""
    low = high = place
    while low > 0 and good[low - 1]:
        low -= 1
    while high + 1 < len(good) and good[high + 1]:
        high += 1
    return low, high
