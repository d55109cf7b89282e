"""Answers of many photos, kept small: what scores need of each, and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from facecore.evaluation.accuracy import Answered, labelled_face
from facecore.results import Analysis, Box, Detection, Face


class Scored(Answered, Protocol):
    """What scores are made of: an `Analysis`, or what is kept of one."""

    @property
    def candidates(self) -> tuple[Detection, ...]:
        """All that the detector offered, by falling confidence."""


@dataclass(frozen=True, slots=True, eq=False)
class KeptAnswer:
    """One photo's answer: 24 bytes a candidate, where an `Analysis` has 450, and one face.

    ``confidences`` are those of the candidates, shape (n,), falling.
    """

    faces: tuple[Face, ...]
    size_wh: tuple[int, int]
    _boxes_xyxy: NDArray[np.int32]
    confidences: NDArray[np.float64]

    @classmethod
    def of(cls, analysis: Analysis) -> KeptAnswer:
        """Keep of an analysis what `Scored` promises."""
        person = labelled_face(analysis)
        boxes = [candidate.box.xyxy for candidate in analysis.candidates]
        return cls(
            (person,) if person else (),
            analysis.size_wh,
            np.array(boxes, dtype=np.int32).reshape(-1, 4),
            np.array([one.confidence for one in analysis.candidates], dtype=np.float64),
        )

    @property
    def candidates(self) -> tuple[Detection, ...]:
        """All that the detector offered, by falling confidence, made anew."""
        rows = zip(self._boxes_xyxy.tolist(), self.confidences.tolist(), strict=True)
        return tuple(Detection(Box(*xyxy), confidence) for xyxy, confidence in rows)


def all_confidences(answers: Iterable[Scored]) -> NDArray[np.float64]:
    """Return the confidences of all candidates of some answers, shape (n,), 0 to 1."""
    parts = [
        answer.confidences
        if isinstance(answer, KeptAnswer)
        else np.array([one.confidence for one in answer.candidates], dtype=np.float64)
        for answer in answers
    ]
    return np.concatenate(parts) if parts else np.zeros(0)


class KeptAnswers:
    """Answers by the photo's name; one thread adds, any may look."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: dict[str, KeptAnswer] = {}

    def add(self, name: str, analysis: Analysis) -> None:
        """Keep what scores need of an answer."""
        kept = KeptAnswer.of(analysis)
        with self._lock:
            self._answers[name] = kept

    def now(self) -> dict[str, KeptAnswer]:
        """Return the answers that are there now, in their order."""
        with self._lock:
            return dict(self._answers)
