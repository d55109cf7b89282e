"""Which of the detector's boxes are faces, and how well the surer ones are chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facecore.evaluation.labels import BoxXyxy
from facecore.imaging.geometry import iou_matrix
from facecore.results import Detection
from facecore.statistics.intervals import Estimate, bootstrap_interval

MATCH_IOU = 0.4
"""Overlap from which a box counts as the face, where nothing else is asked for."""

ScoredPhoto = tuple[Sequence[Detection], Sequence[BoxXyxy]]
"""What was found in one photo, and where its faces are."""


def taken_faces(boxes: Sequence[BoxXyxy], truth: Sequence[BoxXyxy], iou: float) -> tuple[int, ...]:
    """Return which of a photo's faces each box takes, by its place in ``truth``; -1 for none.

    Each box in its turn takes the face that it overlaps most of those that are
    left. So what a box gets does not depend on the boxes after it, and a higher
    threshold only cuts the answer short.

    Args:
        boxes: by falling confidence.
        truth: the faces, in the same pixels, in any order.
        iou: the least overlap, above 0 and at most 1.

    Raises:
        ValueError: ``iou`` is outside its range.
    """
    if not 0 < iou <= 1:
        raise ValueError(f"the least overlap is above 0 and at most 1, not {iou}")
    overlaps = iou_matrix(np.array(boxes, dtype=np.float64), np.array(truth, dtype=np.float64))
    overlaps[overlaps < iou] = 0.0
    taken = [-1] * len(boxes)
    for box in np.flatnonzero(overlaps.any(axis=1)):
        best = int(overlaps[box].argmax())
        if overlaps[box, best] > 0:
            taken[box] = best
            overlaps[:, best] = 0.0
    return tuple(taken)


def match_detections(
    boxes: Sequence[BoxXyxy], truth: Sequence[BoxXyxy], iou: float
) -> tuple[bool, ...]:
    """Return which of a photo's boxes are faces: those that take one, see `taken_faces`."""
    return tuple(face >= 0 for face in taken_faces(boxes, truth, iou))


def average_precision(per_photo: Sequence[ScoredPhoto], iou: float = 0.5) -> Estimate:
    """Return the area under the precision-recall curve, 0 to 1, with all-point interpolation.

    At each recall counts the best precision at that recall or a higher one, as
    in the PASCAL VOC challenges from 2010 on (M. Everingham, J. Winn, "The PASCAL
    Visual Object Classes Challenge 2012 Development Kit", section 3.4.1). The
    matching is that of `match_detections`; the interval is from a bootstrap over
    photos, whose number is ``n``. None where there is no face to be found.
    """
    ranking = _rank(per_photo, iou)
    photos = len(per_photo)
    whole = ranking.average_precision(np.ones(photos, dtype=np.int64))
    interval = None if whole is None else bootstrap_interval(ranking.average_precision, photos)
    return Estimate(whole, interval, photos)


@dataclass(frozen=True, slots=True)
class _Ranking:
    """All photos' boxes by falling confidence; ``ends`` has the last one of each confidence."""

    confidences: NDArray[np.float64]
    is_face: NDArray[np.int64]
    photo: NDArray[np.int64]
    ends: NDArray[np.int64]
    truths: NDArray[np.int64]

    def totals(self, drawn: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return right boxes and all boxes down to each end, photos counted as often as drawn."""
        weights = drawn[self.photo]
        return np.cumsum(weights * self.is_face)[self.ends], np.cumsum(weights)[self.ends]

    def average_precision(self, drawn: NDArray[np.int64]) -> float | None:
        truths = int(drawn @ self.truths)
        if truths == 0:
            return None
        right, said = self.totals(drawn)
        precision = right / np.maximum(said, 1)
        best_from_here = np.maximum.accumulate(precision[::-1])[::-1]
        return float(np.diff(right, prepend=0) @ best_from_here) / truths


def _rank(per_photo: Sequence[ScoredPhoto], iou: float) -> _Ranking:
    confidences: list[float] = []
    is_face: list[bool] = []
    photo: list[int] = []
    for number, (detections, truth) in enumerate(per_photo):
        ordered = sorted(detections, key=lambda detection: -detection.confidence)
        is_face += match_detections([d.box.xyxy for d in ordered], truth, iou)
        confidences += [detection.confidence for detection in ordered]
        photo += [number] * len(ordered)
    order = np.argsort(-np.array(confidences, dtype=np.float64), kind="stable")
    falling = np.array(confidences, dtype=np.float64)[order]
    last = np.diff(falling, append=-1.0) < 0
    return _Ranking(
        falling,
        np.array(is_face, dtype=np.int64)[order],
        np.array(photo, dtype=np.int64)[order],
        np.flatnonzero(last),
        np.array([len(truth) for _, truth in per_photo], dtype=np.int64),
    )
