"""Probabilities that mean what they say: a network's own, put right by what was measured of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from facecore.results import ClassPrediction

LEAST_PROBABILITY = 1e-6
"""Smaller ones count as this, as their logarithm would drown all else."""

_Prediction = TypeVar("_Prediction", bound=ClassPrediction)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A scale and an offset for the logarithm of each class's probability (Platt scaling).

    Attributes:
        attribute: what it is for: "gender" or "age_group".
        views: how the faces were read when it was fitted: "one", "careful", "aligned".
        scales: one a class.
        offsets: one a class.
        data: on what photos it was fitted.
        date: when.
    """

    attribute: str
    views: str
    scales: tuple[float, ...]
    offsets: tuple[float, ...]
    data: str
    date: str

    def of(self, prediction: _Prediction) -> _Prediction:
        """Return a prediction with calibrated probabilities, the network's own kept as ``raw``."""
        raw = prediction.probabilities if prediction.raw is None else prediction.raw
        (row,) = calibrated([raw], self.scales, self.offsets)
        return replace(prediction, probabilities=tuple(row.tolist()), raw=raw)


def log_probabilities(probabilities: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    """Return their natural logarithms, shape (N, classes), none below `LEAST_PROBABILITY`'s."""
    return np.log(np.maximum(np.asarray(probabilities, dtype=np.float64), LEAST_PROBABILITY))


def calibrated(
    probabilities: Sequence[Sequence[float]], scales: Sequence[float], offsets: Sequence[float]
) -> NDArray[np.float64]:
    """Return softmax(scale · log probability + offset), shape (N, classes)."""
    logits = log_probabilities(probabilities) * scales + offsets
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
