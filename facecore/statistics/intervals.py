"""Shares, means and percentiles, each with how far off it may be: a 95 % interval.

A share has Wilson's score interval. A mean, and whatever else is computed from
a sample, has the percentile bootstrap with a fixed seed: the sample is drawn
again from itself, with repetition, many times, and the middle 95 % of the
answers are the interval (Efron and Tibshirani 1993, "An Introduction to the
Bootstrap", chapter 13). It never leaves the range of what is possible, and the
same values give the same interval; below some twenty values it is too narrow.
A percentile has an interval from the order of the values.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Interval = tuple[float, float]
"""Both ends of a 95 % interval, the lower first."""

Z_95 = 1.959963984540054
"""The 97.5th percentile of the normal distribution: 95 % lie within it on both sides."""

RESAMPLES = 1000
_SEED = 20150607
_TAILS = (2.5, 97.5)


def wilson_interval(successes: float, n: int) -> Interval | None:
    """Return Wilson's score interval of a share, 0 to 1 (E. B. Wilson, JASA 22, 1927).

    What is neither a success nor a failure may count as half of one.
    None for n = 0, where nothing is known.

    Raises:
        ValueError: the successes are not between 0 and n.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} of {n} is no share")
    if n == 0:
        return None
    centre = successes + Z_95**2 / 2
    reach = Z_95 * math.sqrt(successes * (n - successes) / n + Z_95**2 / 4)
    scale, share = n + Z_95**2, successes / n
    # At 0 and 1 an end is the share itself, which rounding must not cut off.
    low, high = min(share, (centre - reach) / scale), max(share, (centre + reach) / scale)
    return max(0.0, low), min(1.0, high)


def binomial_tail(successes: int, n: int) -> float:
    """Return the chance of so many heads or more in n tosses of a fair coin, 0 to 1."""
    return float(sum(math.comb(n, k) for k in range(successes, n + 1)) / 2**n)


def draws(n: int) -> Iterator[NDArray[np.int64]]:
    """Return `RESAMPLES` bootstrap draws of a sample of this size, at least 1, always the same.

    Each says how often each member was drawn: shape (n,), whole numbers with the sum n.
    """
    generator = np.random.default_rng(_SEED)
    for _ in range(RESAMPLES):
        yield np.bincount(generator.integers(n, size=n), minlength=n)


def bootstrap_interval(
    statistic: Callable[[NDArray[np.int64]], float | None], n: int
) -> Interval | None:
    """Return the percentile bootstrap interval of a statistic over a sample.

    Args:
        statistic: takes how often each member of the sample was drawn, shape
            (n,), whole numbers with the sum n; returns its value, or None where
            this draw has none.
        n: size of the sample.

    Returns:
        None where the draws do not tell how much the value varies: there are
        fewer than two members, or all draws that have a value have the same.
    """
    if n < 2:
        return None
    values = [value for value in map(statistic, draws(n)) if value is not None]
    # No false face in nine photos does not make it certain that there never is one.
    if len(set(values)) < 2:
        return None
    low, high = np.percentile(values, _TAILS)
    return float(low), float(high)


def percentile(values: Sequence[float], percent: float) -> float | None:
    """Return the percentile by linear interpolation, or None where it would say nothing.

    At least 1 / (1 - percent / 100) values are needed for one of them to lie
    beyond it: 2 for the median, 10 for the 90th, 20 for the 95th.

    Args:
        values: in any order and unit.
        percent: above 0 and below 100.
    """
    if len(values) < math.ceil(100 / (100 - percent) - 1e-9):
        return None
    return float(np.percentile(values, percent))


def percentile_interval(values: Sequence[float], percent: float) -> Interval | None:
    """Return the interval of a percentile, above 0 and below 100, that the values' order tells.

    How many of n values lie below the percentile is binomial, whatever they
    are; so the ends are the two values beyond which it lies in at most 2.5 % of
    all samples each (W. J. Conover, "Practical Nonparametric Statistics", 3rd
    edition, section 3.2). None where there are too few values to have such two.
    """
    n, p = len(values), percent / 100
    counts = np.arange(n + 1)
    log_factorials = np.concatenate([[0.0], np.cumsum(np.log(counts[1:]))])
    log_ways = log_factorials[n] - log_factorials - log_factorials[::-1]
    at_most = np.cumsum(np.exp(log_ways + counts * math.log(p) + (n - counts) * math.log1p(-p)))
    first = int(np.searchsorted(at_most, _TAILS[0] / 100, side="right"))
    last = int(np.searchsorted(at_most, _TAILS[1] / 100)) + 1
    if first < 1 or last > n:
        return None
    ordered = sorted(values)
    return ordered[first - 1], ordered[last - 1]


@dataclass(frozen=True, slots=True)
class Proportion:
    """A share: ``successes`` out of ``n``.

    ``value`` is 0 to 1, ``interval`` Wilson's 95 % interval; None for n = 0.

    Raises:
        ValueError: the successes are not between 0 and n.
    """

    value: float | None = field(init=False)
    interval: Interval | None = field(init=False)
    successes: int
    n: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "interval", wilson_interval(self.successes, self.n))
        object.__setattr__(self, "value", self.successes / self.n if self.n else None)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure from a sample of ``n``; None where the sample is too small for it.

    ``value`` and both ends of the 95 % ``interval`` are in the figure's own unit.
    """

    value: float | None
    interval: Interval | None
    n: int


def mean_estimate(values: Sequence[float]) -> Estimate:
    """Return the mean, None for no values, with the interval of `bootstrap_interval`."""
    sample = np.asarray(values, dtype=np.float64)
    n = len(sample)
    interval = bootstrap_interval(lambda drawn: float(drawn @ sample) / n, n)
    return Estimate(float(sample.mean()) if n else None, interval, n)


def percentile_estimate(values: Sequence[float], percent: float) -> Estimate:
    """Return the percentile, 0 to 100, as `percentile`; its interval needs more values."""
    return Estimate(percentile(values, percent), percentile_interval(values, percent), len(values))


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeSummary:
    """How long something took, over all photos; None where there are too few values.

    Attributes:
        n: how many values there are.
        typical_ms: mean over photos of each photo's own median.
        median_ms, p90_ms, p95_ms: of all values; `percentile`
            says how many the last two need.
        spread: interquartile range over the median within a photo, 0.1 for 10 %;
            mean over the photos with 4 values or more.
    """

    n: int
    typical_ms: float | None
    median_ms: float | None
    p90_ms: float | None
    p95_ms: float | None
    spread: float | None


def summarise_times(values_ms_by_photo: Mapping[str, Sequence[float]]) -> TimeSummary:
    """Sum up times by photo; a photo without a value does not count."""
    photos = [list(values) for values in values_ms_by_photo.values() if len(values)]
    values = [float(value) for photo in photos for value in photo]
    return TimeSummary(
        n=len(values),
        typical_ms=float(np.mean([np.median(photo) for photo in photos])) if photos else None,
        median_ms=float(np.median(values)) if values else None,
        p90_ms=percentile(values, 90),
        p95_ms=percentile(values, 95),
        spread=spread_within(photos),
    )


def spread_within(photos: Iterable[Sequence[float]]) -> float | None:
    """Return the interquartile range over the median, the mean of what each photo has.

    None if no photo has 4 values, which quartiles need, and a median above 0.
    """
    spreads = []
    for values in photos:
        high = percentile(values, 75)
        middle = float(np.median(values))
        if high is not None and middle > 0:
            spreads.append((high - float(np.percentile(values, 25))) / middle)
    return float(np.mean(spreads)) if spreads else None
