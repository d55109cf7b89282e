"""Whether probabilities mean what they say, and the calibration that makes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facecore.models.calibration import log_probabilities
from facecore.statistics.intervals import Proportion
from facecore.wording import Text

BINS = 10
"""Bins of the reliability diagram, of equal width from 0 to 1."""

_PRIOR_SCALE = 0.3
_PRIOR_WEIGHT = 2.0
_STEPS = 60

HOW_CALIBRATED = Text(
    "Calibration error is the expected one: over ten equal bins of the "
    "answer's probability, the mean distance of that probability from how "
    "many of the answers are right."
)


@dataclass(frozen=True, slots=True)
class Bin:
    """Answers whose probability lies in one bin: their mean probability, and how many are right."""

    probability: float
    right: Proportion


@dataclass(frozen=True, slots=True)
class Reliability:
    """How probabilities and truth go together.

    ``bins`` are those with answers, by rising probability; ``error`` is the expected
    calibration error, 0 to 1 (Naeini et al. 2015), None without answers.
    """

    bins: tuple[Bin, ...]
    error: float | None


def reliability(answers: Sequence[tuple[float, bool]]) -> Reliability:
    """Return how the probability of answers, 0 to 1, goes with whether they are right."""
    if not answers:
        return Reliability((), None)
    probabilities, right = (np.array(column, dtype=float) for column in zip(*answers, strict=True))
    places = np.minimum((probabilities * BINS).astype(int), BINS - 1)
    bins = tuple(
        Bin(
            float(probabilities[places == place].mean()),
            Proportion(int(right[places == place].sum()), int((places == place).sum())),
        )
        for place in np.unique(places)
    )
    gaps = (abs(one.probability - (one.right.value or 0.0)) * one.right.n for one in bins)
    return Reliability(bins, float(sum(gaps)) / len(answers))


def fit(
    probabilities: Sequence[Sequence[float]],
    truths: Sequence[int],
    *,
    scale_each: bool = False,
    offsets: bool = True,
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the scales and offsets, one a class, under which labelled answers are likeliest.

    Newton's method on the logarithm of the likelihood, with a weak pull towards a scale of
    0.3 and no offset, so that few photos or a class without any give no wild values.

    Args:
        probabilities: of each class, an answer a row.
        truths: the index of each one's true class.
        scale_each: a scale for each class; else one for all of them.
        offsets: False leaves them at 0, so that with one scale no answer changes.
    """
    logs = log_probabilities(probabilities)
    classes = logs.shape[1]
    features = np.zeros((len(logs), classes, (classes if scale_each else 1) + classes))
    for one in range(classes):
        features[:, one, one if scale_each else 0] = logs[:, one]
        features[:, one, one - classes] = offsets
    prior = np.zeros(features.shape[2])
    prior[:-classes] = _PRIOR_SCALE
    values = _newton(features, np.asarray(truths), prior)
    scales = values[:-classes] if scale_each else np.repeat(values[0], classes)
    return tuple(scales.tolist()), tuple(values[-classes:].tolist())


def _newton(
    features: NDArray[np.float64], truths: NDArray[np.int64], prior: NDArray[np.float64]
) -> NDArray[np.float64]:
    values, rows = prior.copy(), np.arange(len(features))
    for _ in range(_STEPS):
        logits = features @ values
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares = powers / powers.sum(axis=1, keepdims=True)
        mean = np.einsum("nc,ncf->nf", shares, features)
        slope = (features[rows, truths] - mean).sum(axis=0) - _PRIOR_WEIGHT * (values - prior)
        square = np.einsum("nc,ncf,ncg->fg", shares, features, features) - mean.T @ mean
        step = np.linalg.solve(square + _PRIOR_WEIGHT * np.eye(len(prior)), slope)
        # Far steps overshoot.
        values = values + step * min(1.0, 1.0 / max(np.abs(step).max(), 1e-12))
    return values
