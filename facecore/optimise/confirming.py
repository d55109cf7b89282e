"""The best of a search against the baseline, in fresh processes and with fresh readings."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from facecore.errors import FacecoreError
from facecore.optimise.bench import Bench, Reading
from facecore.optimise.judging import Judge, Tried, people_right
from facecore.optimise.record import Confirmation, Figure
from facecore.statistics.comparison import (
    MIN_PAIRS,
    MIN_PAIRS_PER_PHOTO,
    SMALLEST_DIFFERENCE,
    compare_times,
)
from facecore.statistics.intervals import binomial_tail, bootstrap_interval

FRESH = 100_000
"""Added to a candidate's number where its fresh readings are kept."""

MOST_PASSES = 8
_SPARE = 0.8

MOST_FINALISTS = 3
_RARE = 0.05


@dataclass(frozen=True, kw_only=True)
class LastMeasurement:
    """Measures finalists once more beside the baseline.

    Attributes:
        bench: with nobody alive, and the photos to measure with.
        judge: of the search.
        seed: of the order.
        until_s: when it is to end, on the monotonic clock; each photo is read three times all
            the same, and of all photos as many as that leaves time for.
        known: fresh readings of before, by number and `FRESH`.
        keep: is given each reading, with such a number.
    """

    bench: Bench
    judge: Judge
    seed: int
    until_s: float
    known: Mapping[int, Sequence[Reading]]
    keep: Callable[[int, Reading], object]

    def of(self, best: Sequence[Tried]) -> list[Confirmation]:
        """Return what fresh readings say of the finalists; who cannot be started is left out.

        Raises:
            FacecoreError: the baseline cannot be run.
        """
        fresh = [self._start(self.judge.baseline)]
        for one in best:
            # The first is started whatever the guess: it is what all was for.
            if len(fresh) == 1 or self.bench.has_room_for(one.given):
                try:
                    fresh.append(self._start(one))
                except FacecoreError:
                    continue
        anew = self.judge.anew(fresh[0])
        names = self._affordable(list(fresh[0].answers), len(fresh))
        self._measure(fresh, names)
        seen = {one.number: gain_figure(self.judge, one) for one in best}
        return [_confirmation(anew, one, seen[one.number]) for one in fresh[1:] if one.readings]

    def _start(self, one: Tried) -> Tried:
        started = self.bench.start(one.number, one.given)
        self.judge.sizes_wh |= started.sizes
        readings = list(self.known.get(FRESH + one.number, ()))
        return replace(one, answers=dict(started.answers), readings=readings)

    def _affordable(self, names: list[str], alive: int) -> list[str]:
        """Return as many photos as can be read often enough, at least two if there are two."""
        ms = [one.latency_ms for one in self.judge.baseline.readings]
        round_s = alive * sum(ms) / len(ms) / 1e3 if ms else 1.0
        left_s = _SPARE * (self.until_s - time.monotonic())
        return names[: max(2, int(left_s / round_s / MIN_PAIRS_PER_PHOTO))]

    def _measure(self, fresh: Sequence[Tried], names: Sequence[str]) -> None:
        chance = random.Random(self.seed)
        number = 1 + max((one.round for each in fresh for one in each.readings), default=-1)
        for count in range(MOST_PASSES):
            for name in chance.sample(names, len(names)):
                enough = count >= MIN_PAIRS_PER_PHOTO and count * len(names) >= MIN_PAIRS
                if enough and time.monotonic() >= self.until_s:
                    return
                self._round(chance.sample(fresh, len(fresh)), number, name)
                number += 1

    def _round(self, order: Sequence[Tried], number: int, name: str) -> None:
        for one in order:
            if one.number in self.bench.alive:
                try:
                    reading = self.bench.read(one.number, number, name)
                except FacecoreError:
                    continue
                one.readings.append(reading)
                self.keep(FRESH + one.number, reading)


def finalists(judge: Judge, tried: Sequence[Tried]) -> list[Tried]:
    """Return who is measured once more, the best first: what seems better than the baseline.

    Where the baseline itself breaks a constraint, whatever keeps to them is better.
    """
    candidates = [one for one in tried if one.number and judge.may_be_taken(one)]
    if judge.may_be_taken(judge.baseline) or not judge.is_known(judge.baseline):
        candidates = [one for one in candidates if may_be_better(judge, one)]
    return sorted(candidates, key=judge.score, reverse=True)[:MOST_FINALISTS]


def may_be_better(judge: Judge, one: Tried) -> bool:
    """Return whether it is worth a last measurement: that tells luck from what is so."""
    if judge.objective in ("memory", "accuracy"):
        return seems_better(judge, one)
    return judge.gain(one).ratio > 1 + SMALLEST_DIFFERENCE


def seems_better(judge: Judge, one: Tried) -> bool:
    """Return whether its figures say that it is better than the baseline by what counts."""
    if judge.objective == "memory":
        ours, theirs = one.memory_mb(), judge.baseline.memory_mb()
        return bool(ours and theirs and theirs / ours > 1 + SMALLEST_DIFFERENCE)
    if judge.objective == "accuracy":
        gained, lost = _only_one_right(judge, one)
        return gained > lost
    found = judge.gain(one)
    return found.interval is not None and found.interval[0] > 1 + SMALLEST_DIFFERENCE


def gain_figure(judge: Judge, one: Tried) -> Figure:
    """Return the gain over the baseline by the objective, as of a `Confirmation`."""
    if judge.objective == "memory":
        ours, theirs = one.memory_mb(), judge.baseline.memory_mb()
        return Figure(theirs / ours if ours and theirs else None, None, len(one.readings))
    if judge.objective == "accuracy":
        return _accuracy_gain(judge, one)
    found = judge.gain(one)
    return Figure(found.ratio if found.n else None, found.interval, found.n)


def _confirmation(judge: Judge, one: Tried, found: Figure) -> Confirmation:
    """Return what the fresh readings say; the judge knows the baseline's fresh ones.

    Args:
        judge: of the fresh readings.
        one: the finalist with its fresh readings alone.
        found: its gain in the search.
    """
    times = compare_times(_pairs(judge.baseline, one))
    base_mb, own_mb = judge.baseline.memory_mb(), one.memory_mb()
    agreed = judge.agreement(one)
    if judge.objective in ("memory", "accuracy"):
        fresh = gain_figure(judge, one)
        is_better = seems_better(judge, one)
        if judge.objective == "accuracy":
            gained, lost = _only_one_right(judge, one)
            is_better &= 2 * binomial_tail(gained, gained + lost) <= _RARE
    else:
        fresh = Figure(times.ratio, times.interval, times.n_pairs)
        is_better = times.verdict == "faster"
    return Confirmation(
        number=one.number,
        search=found,
        fresh=fresh,
        baseline_p50_ms=judge.baseline.latency(50),
        p50_ms=one.latency(50),
        p95_ms=one.latency(95),
        memory_saved_mb=base_mb - own_mb if base_mb and own_mb else None,
        agreement_percent=judge.agreement_percent(one),
        faces=agreed.matched + agreed.lost + agreed.new,
        accuracy_percent=judge.accuracy_percent(one),
        rounds=len(one.readings),
        is_better=is_better,
        violations=judge.violations(one),
    )


def _pairs(base: Tried, one: Tried) -> dict[str, list[tuple[float, float]]]:
    known = base.times()
    pairs: dict[str, list[tuple[float, float]]] = {}
    for reading in one.readings:
        if reading.round in known:
            pairs.setdefault(reading.photo, []).append((known[reading.round], reading.ms))
    return pairs


def _shares(judge: Judge, one: Tried) -> tuple[Mapping[str, float], Mapping[str, float]]:
    return people_right(judge.right(one)), people_right(judge.right(judge.baseline))


def _only_one_right(judge: Judge, one: Tried) -> tuple[int, int]:
    """Return about how many people more of the answers are right, and about how many fewer."""
    ours, theirs = _shares(judge, one)
    both = ours.keys() & theirs.keys()
    return sum(ours[n] > theirs[n] for n in both), sum(ours[n] < theirs[n] for n in both)


def _accuracy_gain(judge: Judge, one: Tried) -> Figure:
    ours, theirs = _shares(judge, one)
    both = sorted(ours.keys() & theirs.keys())
    steps = np.array([100 * (ours[name] - theirs[name]) for name in both])

    def mean(drawn: NDArray[np.int64]) -> float:
        return float(drawn @ steps) / len(steps)

    ends = bootstrap_interval(mean, len(steps))
    return Figure(float(steps.mean()) if steps.size else None, ends, len(steps))
