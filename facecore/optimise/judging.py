"""What the readings of a candidate say: figures with intervals, constraints, and a score."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec import structs

from facecore.evaluation.labels import PersonLabel
from facecore.evaluation.right import RightAnswers, right_answers
from facecore.optimise.bench import Reading
from facecore.optimise.record import ConstraintName, Constraints, Fate, Figure, Objective, Violation
from facecore.optimise.space import Choice
from facecore.profiles.configuration import Configuration
from facecore.results import Face
from facecore.statistics.agreement import Agreement, face_agreement
from facecore.statistics.intervals import mean_estimate, percentile_estimate, wilson_interval
from facecore.statistics.racing import MIN_ROUNDS, NO_GAIN, Gain, gain
from facecore.wording import Text

OUT_OF_THE_RUNNING = -10.0
"""Score of what violates a constraint by next to nothing; by more is less."""

HOPELESS = OUT_OF_THE_RUNNING - 1.0
"""Score of what was not even measured."""

_TIE = 1e-3
_LATE_SHARE = 0.05


@dataclass(slots=True, kw_only=True)
class Tried:
    """A way of reading and all that was measured of it.

    Attributes:
        number: 0 is the baseline.
        choice: of what may vary.
        given: all its settings.
        answers: the faces of each photo, by its name; empty before it has read them.
        readings: in their order.
        engine, engine_version, threads: as the worker says.
        fate, why: as of a `Point`.
    """

    number: int
    choice: Choice
    given: Configuration
    answers: Mapping[str, tuple[Face, ...]] = field(default_factory=dict)
    readings: list[Reading] = field(default_factory=list)
    engine: str = ""
    engine_version: str = ""
    threads: int | None = None
    fate: Fate = "under way"
    why: str = ""

    @property
    def name(self) -> str:
        """What people call it."""
        return Text("candidate {number}", number=self.number) if self.number else "baseline"

    def times(self) -> dict[int, float]:
        """Return the objective's time by the round's number."""
        return {one.round: one.ms for one in self.readings}

    def latency(self, percent: float) -> Figure:
        """Return a percentile of a photo's latency in milliseconds."""
        found = percentile_estimate([one.latency_ms for one in self.readings], percent)
        return Figure(found.value, found.interval, found.n)

    def photos_per_s(self) -> Figure:
        """Return the photos a second: one over the mean time."""
        found = mean_estimate([one.ms for one in self.readings])
        if not found.value:
            return Figure()
        ends = found.interval and (1e3 / found.interval[1], 1e3 / found.interval[0])
        return Figure(1e3 / found.value, ends, found.n)

    def memory_mb(self) -> float | None:
        """Return the most memory of all its processes together."""
        return max((one.peak_bytes for one in self.readings), default=0) / 1e6 or None


@dataclass
class Judge:
    """Holds what was measured against the baseline, the constraints and the labels.

    Attributes:
        labels: by the photo's name; sizes_wh those of the upright photos, likewise.
    """

    objective: Objective
    constraints: Constraints
    baseline: Tried
    labels: Mapping[str, PersonLabel] = field(default_factory=dict)
    sizes_wh: dict[str, tuple[int, int]] = field(default_factory=dict)
    _agreements: dict[int, Agreement] = field(default_factory=dict)
    _accuracies: dict[int, Figure] = field(default_factory=dict)
    _broken: dict[int, tuple[int, tuple[Violation, ...]]] = field(default_factory=dict)
    _gains: dict[int, tuple[int, Gain]] = field(default_factory=dict)

    def anew(self, baseline: Tried) -> Judge:
        """Return the same judge for other readings of the baseline, and all beside them."""
        return Judge(self.objective, self.constraints, baseline, self.labels, self.sizes_wh)

    def gain(self, one: Tried) -> Gain:
        """Return how many times as fast as the baseline it is, by the objective's time."""
        if one is self.baseline:
            return Gain(0.0, 0.0, len(one.readings))
        # All are looked at after each round, and few have new readings.
        count, found = self._gains.get(one.number, (0, NO_GAIN))
        if count != len(one.readings):
            found = gain(self.baseline.times(), one.times())
            self._gains[one.number] = len(one.readings), found
        return found

    def agreement(self, one: Tried) -> Agreement:
        """Return how its answers agree with the baseline's."""
        if one.number not in self._agreements:
            found = face_agreement(self.baseline.answers, one.answers)
            if not one.answers:
                return found
            self._agreements[one.number] = found
        return self._agreements[one.number]

    def agreement_percent(self, one: Tried) -> Figure:
        """Return the share of faces of either side about which both say the same."""
        agreed = self.agreement(one)
        return share_figure(agreed.same, agreed.matched + agreed.lost + agreed.new)

    def right(self, one: Tried) -> RightAnswers:
        """Return which answers about labelled people are right."""
        return right_answers(one.answers, self.sizes_wh, self.labels) if self.labels else {}

    def accuracy_percent(self, one: Tried) -> Figure:
        """Return how often it is right about people: each counts once, with both answers."""
        if one.number not in self._accuracies or not one.answers:
            shares = people_right(self.right(one))
            self._accuracies[one.number] = share_figure(sum(shares.values()), len(shares))
        return self._accuracies[one.number]

    def violations(self, one: Tried) -> tuple[Violation, ...]:
        """Return the constraints that it does not keep to."""
        count, found = self._broken.get(one.number, (0, ()))
        if count != len(one.readings) or not count:
            found = tuple(self._violations(one))
            self._broken[one.number] = len(one.readings), found
        return found

    def is_known(self, one: Tried) -> bool:
        """Return whether enough was measured to say whether it keeps to the constraints."""
        needs_p95 = self.constraints.max_latency_ms is not None
        enough = len(one.readings) >= (MIN_ROUNDS if one.number else 1)
        return enough and (not needs_p95 or one.latency(95).value is not None)

    def may_be_taken(self, one: Tried) -> bool:
        """Return whether it keeps to all constraints, as far as was measured."""
        return self.is_known(one) and one.fate != "failed" and not self.violations(one)

    def score(self, one: Tried) -> float:
        """Return how good it is by the objective, more is better; the baseline has about 0.

        What violates constraints is below all that does not. NaN where nothing was measured.
        """
        if not one.readings:
            return math.nan
        broken = self.violations(one)
        if broken:
            excess = sum(each.excess / max(abs(each.limit), 1.0) for each in broken)
            return OUT_OF_THE_RUNNING - excess
        speed = self.gain(one).log_ratio
        if self.objective == "memory":
            ours, theirs = one.memory_mb(), self.baseline.memory_mb()
            return math.log(theirs / ours) + _TIE * speed if ours and theirs else math.nan
        if self.objective == "accuracy":
            own, base = (self.accuracy_percent(each).value for each in (one, self.baseline))
            return ((own or 0.0) - (base or 0.0)) / 100 + _TIE * speed
        return speed

    @property
    def faces(self) -> int:
        """How many faces the baseline found."""
        return sum(map(len, self.baseline.answers.values()))

    def _violations(self, one: Tried) -> Iterator[Violation]:
        limits = self.constraints
        if limits.max_latency_ms is not None:
            late = [reading.latency_ms > limits.max_latency_ms for reading in one.readings]
            # An end of the percentile's interval is known only of twice as many readings.
            more = wilson_interval(sum(late), len(late)) or (0.0, 1.0)
            for broken in _beyond(
                "p95 latency", one.latency(95), limits.max_latency_ms, "ms", at_most=True
            ):
                yield structs.replace(broken, is_certain=more[0] > _LATE_SHARE)
        if limits.max_memory_mb is not None:
            peak = one.memory_mb()
            # A peak is what it is; another process may have another, by a few per cent.
            around = None if peak is None else (0.97 * peak, 1.03 * peak)
            yield from _beyond(
                "memory",
                Figure(peak, around, len(one.readings)),
                limits.max_memory_mb,
                "MB",
                at_most=True,
            )
        if limits.min_agreement_percent is not None and one.number:
            figure = self.agreement_percent(one)
            yield from _beyond(
                "agreement", figure, limits.min_agreement_percent, "%", at_most=False
            )
        if limits.min_accuracy_percent is not None:
            figure = self.accuracy_percent(one)
            yield from _beyond("accuracy", figure, limits.min_accuracy_percent, "%", at_most=False)


def people_right(right: RightAnswers) -> dict[str, float]:
    """Return by labelled photo the part of the answers asked for that is right, 0 to 1."""
    answers: dict[str, list[bool]] = {}
    for by_name in right.values():
        for name, is_right in by_name.items():
            answers.setdefault(name, []).append(is_right)
    return {name: sum(each) / len(each) for name, each in answers.items()}


def best_of(judge: Judge, tried: Sequence[Tried]) -> Tried:
    """Return the best that may be taken; the baseline where nothing may."""
    known = [one for one in tried if judge.may_be_taken(one)]
    return max(known, key=judge.score, default=judge.baseline)


def share_figure(successes: float, n: int) -> Figure:
    """Return so many of n in percent, with Wilson's interval; one without a value for none."""
    ends = wilson_interval(successes, n)
    if not n or ends is None:
        return Figure(n=n)
    return Figure(100 * successes / n, (100 * ends[0], 100 * ends[1]), n)


def _beyond(
    name: ConstraintName, figure: Figure, limit: float, unit: str, *, at_most: bool
) -> Iterator[Violation]:
    if figure.value is None:
        return
    side = 1.0 if at_most else -1.0
    excess = side * (figure.value - limit)
    if excess <= 0:
        return
    nearest = None
    if figure.interval is not None:
        nearest = figure.interval[0] if at_most else figure.interval[1]
    named: dict[str, Any] = {
        "name": Text(name),
        "value": figure.value,
        "limit": limit,
        "unit": unit,
    }
    words = Text("{name} {value:.3g} {unit}, at least {limit:g} {unit} is wanted", **named)
    if at_most:
        words = Text("{name} {value:.3g} {unit}, at most {limit:g} {unit} is wanted", **named)
    yield Violation(
        constraint=name,
        limit=limit,
        measured=figure.value,
        excess=excess,
        is_certain=nearest is not None and side * (nearest - limit) > 0,
        words=words,
    )
