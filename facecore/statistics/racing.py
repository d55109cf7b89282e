"""Who may leave a race, by readings that were run beside the baseline, round by round.

A round reads one photo once with the baseline and with each candidate that is in the race. How
many times as fast a candidate is, is the mean over rounds of the logarithm of the baseline's time
over its own, with the interval of Student's t: what a photo or a moment costs both cancels out.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np

from facecore.statistics.comparison import SMALLEST_DIFFERENCE
from facecore.statistics.intervals import Interval

MIN_ROUNDS = 8
"""Before so many rounds nobody is dropped: fewer logarithms say little of their own spread."""

_CLEAR_Z = 3.0
"""A race is looked at after each round: three standard errors, not two, make a clear loser."""

_USUAL_Z = 1.959963984540054


class Gain(NamedTuple):
    """How much faster: mean of the logarithm of a ratio, its standard error, and of how many."""

    log_ratio: float
    error: float
    n: int

    @property
    def ratio(self) -> float:
        """How many times as fast, above 1 where faster."""
        return math.exp(self.log_ratio)

    def reach(self, z: float = _USUAL_Z) -> float:
        """Return half the width of the interval of the logarithm at so many standard errors."""
        return _student(z, self.n - 1) * self.error

    @property
    def interval(self) -> Interval | None:
        """The 95 % interval of the ratio; None for fewer than `MIN_ROUNDS` rounds."""
        if self.n < MIN_ROUNDS:
            return None
        return math.exp(self.log_ratio - self.reach()), math.exp(self.log_ratio + self.reach())


NO_GAIN = Gain(0.0, 0.0, 0)


def gain(base: Mapping[int, float], other: Mapping[int, float]) -> Gain:
    """Return how many times as fast ``other`` is, from the rounds that both have.

    Args:
        base, other: a time above 0, in the same unit, by the number of the round.
    """
    common = base.keys() & other.keys()
    logs = np.array([math.log(base[one] / other[one]) for one in sorted(common)])
    if not logs.size:
        return NO_GAIN
    error = float(logs.std(ddof=1) / math.sqrt(logs.size)) if logs.size > 1 else math.inf
    return Gain(float(logs.mean()), error, int(logs.size))


def gain_over(
    base: Mapping[int, float], leader: Mapping[int, float], other: Mapping[int, float]
) -> Gain:
    """Return how many times as fast ``other`` is as the leader, with or without common rounds."""
    direct = gain(leader, other)
    if direct.n >= MIN_ROUNDS:
        return direct
    theirs, ours = gain(base, leader), gain(base, other)
    if not theirs.n or not ours.n:
        return NO_GAIN
    difference = ours.log_ratio - theirs.log_ratio
    return Gain(difference, math.hypot(theirs.error, ours.error), min(theirs.n, ours.n))


def verdict(over_leader: Gain) -> Literal["lost", "no better", "open"]:
    """Return what a race against the leader says so far.

    "lost" is clearly slower; "no better" may be as fast, but not faster by a difference that
    counts (`SMALLEST_DIFFERENCE`); the rest is open, and more rounds may tell.
    """
    if over_leader.n < MIN_ROUNDS:
        return "open"
    middle = over_leader.log_ratio
    if middle + over_leader.reach(_CLEAR_Z) < 0:
        return "lost"
    highest = middle + over_leader.reach()
    return "no better" if highest < math.log1p(SMALLEST_DIFFERENCE) else "open"


def front(points: Sequence[tuple[float, float]]) -> list[bool]:
    """Return which points no other beats: less is better in the first value, more in the second."""
    return [
        not any(other != one and other[0] <= one[0] and other[1] >= one[1] for other in points)
        for one in points
    ]


def importance(
    choices: Sequence[Mapping[str, Hashable]], scores: Sequence[float]
) -> dict[str, float]:
    """Return by setting which part of the scores' variance its value alone explains, 0 to 1.

    One-way analysis of variance, setting by setting, with epsilon squared (T. L. Kelley, PNAS 21,
    1935), which does not grow with the number of values that a setting has. Empty for fewer than
    four scores.
    """
    values = np.asarray(scores, dtype=np.float64)
    total = float(((values - values.mean()) ** 2).sum()) if values.size else 0.0
    if values.size < 4 or total <= 0:
        return {}
    found = {}
    for name in choices[0]:
        groups: dict[Hashable, list[float]] = {}
        for choice, score in zip(choices, values, strict=True):
            groups.setdefault(choice[name], []).append(float(score))
        free = values.size - len(groups)
        if len(groups) < 2 or free < 1:
            found[name] = 0.0
            continue
        within = sum(float(np.var(group)) * len(group) for group in groups.values())
        explained = total - within - (len(groups) - 1) * within / free
        found[name] = min(1.0, max(0.0, explained / total))
    return found


def _student(z: float, free: int) -> float:
    """Return the quantile of Student's t where the normal distribution has z.

    The expansion of M. Abramowitz and I. Stegun, "Handbook of Mathematical Functions", 26.7.5;
    2.36 for 1.96 and 7 degrees of freedom, as in the tables.
    """
    if free < 1:
        return math.inf
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / free + second / free**2 + third / free**3
