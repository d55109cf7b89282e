"""One answer of several readings of the same face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import numpy as np

from facecore.models.attributes import Attributes
from facecore.results import AgeGroupPrediction, ClassPrediction


def averaged(readings: Sequence[Attributes]) -> Attributes:
    """Return the mean of each attribute's probabilities, and of the years where it has them.

    Args:
        readings: of one face, at least one, all with the same attributes. Where they are
            calibrated, so is the mean; ``raw`` becomes the mean of the networks' own.
    """
    return {name: _mean([one[name] for one in readings]) for name in readings[0]}


def _mean(predictions: Sequence[ClassPrediction]) -> ClassPrediction:
    first = predictions[0]
    raws = [one.raw for one in predictions if one.raw is not None]
    mean = replace(
        first,
        probabilities=_mean_row([one.probabilities for one in predictions]),
        raw=_mean_row(raws) if len(raws) == len(predictions) else None,
    )
    if isinstance(mean, AgeGroupPrediction) and mean.years is not None:
        ages = (cast(AgeGroupPrediction, one).years for one in predictions)
        return replace(mean, years=float(np.mean([age for age in ages if age is not None])))
    return mean


def _mean_row(rows: Sequence[tuple[float, ...]]) -> tuple[float, ...]:
    return tuple(np.mean(np.array(rows, dtype=np.float64), axis=0).tolist())
