"""Finding faces: how many of the boxes are faces, and how many of the faces are found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facecore.evaluation.curves import (
    MATCH_IOU,
    ScoredPhoto,
    average_precision,
    match_detections,
)
from facecore.evaluation.kept import Scored
from facecore.evaluation.labels import BoxXyxy
from facecore.evaluation.thresholds import MatchedPhoto, ThresholdScores, f1_estimate
from facecore.models.detector import accept
from facecore.settings import AnalysisSettings
from facecore.statistics.intervals import Estimate, Proportion, mean_estimate
from facecore.wording import Text

AVERAGE_PRECISION_IOUS = (0.5, 0.4)

HOW_MATCHED = Text(
    "A box is right if it overlaps a face by an IoU of {iou:g} or more; boxes take faces one to "
    "one, the surest first, each the free face that it overlaps most.",
    iou=MATCH_IOU,
)
HOW_AVERAGED = Text(
    "Average precision is over all candidates of the looks that were taken, "
    "which do not depend on the confidence, down to the detector's floor of "
    "0.01, with all-point interpolation as in PASCAL VOC from 2010 on."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionReport:
    """How well faces are found.

    Attributes:
        photos: photos with known faces, or known to have none, that were analysed.
        faces: how many faces they have.
        confidence: the threshold of ``precision``, ``recall``, ``f1`` and
            ``false_per_photo``, which are at an IoU of `MATCH_IOU`.
        precision: boxes that are faces, of all boxes.
        recall: faces that were found, of all faces.
        f1: harmonic mean of the two, 0 to 1; None where there is no box and no face.
        average_precision: by the least IoU, 0 to 1.
        false_per_photo: boxes that are no face, per photo.
        by_threshold: the same at every threshold, at `MATCH_IOU`, whatever the most faces are.
    """

    photos: int
    faces: int
    confidence: float
    precision: Proportion
    recall: Proportion
    f1: Estimate
    average_precision: Mapping[float, Estimate]
    false_per_photo: Estimate
    by_threshold: ThresholdScores = field(compare=False)

    @property
    def how(self) -> list[str]:
        """How the figures were made, and what the threshold to take rests on, as sentences."""
        best = self.by_threshold.best_f1()
        return [HOW_MATCHED, HOW_AVERAGED, *([best.in_words()] if best else [])]

    def as_dict(self) -> dict[str, Any]:
        """Return all figures as plain values; of the thresholds, the one to take for F1."""
        best = self.by_threshold.best_f1()
        averages = self.average_precision.items()
        return {
            "photos": self.photos,
            "faces": self.faces,
            "confidence": self.confidence,
            "match_iou": MATCH_IOU,
            "precision": self.precision,
            "recall": self.recall,
            "f1": self.f1,
            "average_precision": {f"{iou:g}": figure for iou, figure in averages},
            "false_faces_per_photo": self.false_per_photo,
            "best_f1": best and best.as_dict(),
        }


def evaluate_detection(
    analyses: Mapping[str, Scored],
    boxes: Mapping[str, tuple[BoxXyxy, ...]],
    settings: AnalysisSettings,
) -> DetectionReport:
    """Compare the candidates with the known faces; photos without both are left out.

    Args:
        analyses: by the file's name, as in the boxes; their own thresholds do not count.
        boxes: by the file's name, in pixels of the upright photo.
        settings: ``confidence`` and ``max_faces`` are used.
    """
    names = [name for name in boxes if name in analyses]
    right, said, truths = counted_boxes(
        [analyses[n] for n in names], [boxes[n] for n in names], settings
    )
    scored: list[ScoredPhoto] = [(analyses[name].candidates, boxes[name]) for name in names]
    return DetectionReport(
        photos=len(names),
        faces=int(truths.sum()),
        confidence=settings.confidence,
        precision=Proportion(int(right.sum()), int(said.sum())),
        recall=Proportion(int(right.sum()), int(truths.sum())),
        f1=f1_estimate(right, said, truths),
        average_precision={iou: average_precision(scored, iou) for iou in AVERAGE_PRECISION_IOUS},
        false_per_photo=mean_estimate((said - right).tolist()),
        by_threshold=ThresholdScores([MatchedPhoto.of(*photo) for photo in scored]),
    )


def counted_boxes(
    answers: Sequence[Scored], boxes: Sequence[Sequence[BoxXyxy]], settings: AnalysisSettings
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the right boxes, all boxes and the faces of each photo, shape (n,) each.

    Args:
        answers: one a photo.
        boxes: the faces of each photo, in pixels.
        settings: ``confidence`` and ``max_faces`` are used.
    """
    right, said = np.zeros((2, len(answers)), dtype=np.int64)
    for number, (answer, truth) in enumerate(zip(answers, boxes, strict=True)):
        found = accept(
            answer.candidates, confidence=settings.confidence, max_faces=settings.max_faces
        )
        said[number] = len(found)
        right[number] = sum(match_detections([d.box.xyxy for d in found], truth, MATCH_IOU))
    return right, said, np.array([len(truth) for truth in boxes], dtype=np.int64)
