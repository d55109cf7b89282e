"""What to try next: each engine, then by turns what Optuna proposes and the best's neighbours.

Optuna keeps nothing on disk here: a study that goes on tells it again what was measured.
What cannot be good is told by its first photos.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

from facecore.errors import SettingsError
from facecore.optimise.judging import Judge, Tried, share_figure
from facecore.optimise.space import Choice, Space
from facecore.results import Analysis
from facecore.statistics.agreement import face_agreement
from facecore.wording import Text

_ASKED_AT_MOST = 30
_ENUMERATED_AT_MOST = 4096
_BY_CHANCE = 8
_HOPELESS_TIMES = 3.0
_HOPELESS_FROM = 4


class Proposals:
    """Proposes what was not tried yet; the same seed and the same scores give the same."""

    def __init__(self, space: Space, seed: int) -> None:
        # Half a second, for who optimises alone.
        import optuna  # noqa: PLC0415

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._optuna: Any = optuna
        self._space = space
        self._chance = random.Random(seed)
        sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=_BY_CHANCE)
        self._study = optuna.create_study(direction="maximize", sampler=sampler)
        self._kinds: dict[str, Any] = {
            one.name: optuna.distributions.CategoricalDistribution(one.values)
            for one in space.parameters
        }
        self._seen: set[Hashable] = {space.key(space.start())}
        self._first = self._engines()
        self._turn = 0

    def known(self, choice: Choice) -> None:
        """Note that a choice was tried."""
        self._seen.add(self._space.key(choice))

    def tell(self, choice: Choice, score: float) -> None:
        """Say how good a choice is, more is better; anything that is no number says nothing."""
        if math.isfinite(score):
            self._study.add_trial(
                self._optuna.trial.create_trial(
                    params=choice, distributions=self._kinds, value=score
                )
            )

    def next(self, best: Choice) -> Choice | None:
        """Return what to try next, beside the best so far; None where all was tried."""
        self._turn += 1
        near = self._near(best)
        ways = (self._first, self._asked(), near) if self._turn % 3 == 0 else (self._first, near)
        all_ways: Iterator[Choice] = itertools.chain(*ways, self._asked(), self._all())
        for choice in all_ways:
            if self._is_new(choice):
                self.known(choice)
                return choice
        return None

    def _is_new(self, choice: Choice) -> bool:
        try:
            return self._space.key(choice) not in self._seen
        except SettingsError:
            return False  # these do not go together

    def _engines(self) -> Iterator[Choice]:
        engines = [one for one in self._space.parameters if one.name == "engine"]
        for one in engines:
            for value in self._chance.sample(one.values[1:], len(one.values) - 1):
                yield self._space.start() | {one.name: value}

    def _near(self, best: Choice) -> Iterator[Choice]:
        near = list(self._space.neighbours(best))
        yield from self._chance.sample(near, len(near))

    def _asked(self) -> Iterator[Choice]:
        for _ in range(_ASKED_AT_MOST):
            trial = self._study.ask(self._kinds)
            choice: Choice = dict(trial.params)
            # What comes of it is told once it was measured, maybe by another process.
            self._study.tell(trial, state=self._optuna.trial.TrialState.FAIL)
            yield choice

    def _all(self) -> Iterator[Choice]:
        if self._space.size <= _ENUMERATED_AT_MOST:
            names = [one.name for one in self._space.parameters]
            for values in itertools.product(*(one.values for one in self._space.parameters)):
                yield dict(zip(names, values, strict=True))


def passes(names: Sequence[str], chance: random.Random) -> Iterator[str]:
    """Yield names for ever: all in an order of chance, and then again in another."""
    while True:
        yield from chance.sample(names, len(names))


def hopeless(  # noqa: PLR0913 - all that is known of it at its start
    judge: Judge,
    one: Tried,
    read: Mapping[str, Analysis],
    base_ms: Mapping[str, float],
    best: Tried,
    *,
    is_late: bool,
) -> str:
    """Return why what has read some photos need not be measured; "" where it may be good.

    Args:
        judge, one: of the search, and the candidate.
        read: its first pass over the photos, as far as it came.
        base_ms: what each photo took in the baseline's first pass.
        best: the best so far.
        is_late: whether its start took longer than there is time for.
    """
    if len(read) < _HOPELESS_FROM:
        return ""
    names = list(read)[1:]  # the first one builds what the others use
    ours, theirs = sum(read[n].timings.total_ms for n in names), sum(base_ms[n] for n in names)
    speed = theirs / ours if ours else 1.0
    is_for_speed = judge.objective in ("latency", "throughput")
    wanted = judge.gain(best).ratio / _HOPELESS_TIMES / one.given.server.replicas
    if is_for_speed and speed < wanted:
        return Text(
            "It is far slower: {speed:.2g} times as fast in its first {n} photos.",
            speed=speed,
            n=len(read),
        )
    if is_late:
        return Text("To start it and to read each photo once takes too long: give more time.")
    return _other_answers(judge, read) or ""


def _other_answers(judge: Judge, read: Mapping[str, Analysis]) -> Text | None:
    limit = judge.constraints.min_agreement_percent
    if limit is not None:
        faces = {name: judge.baseline.answers[name] for name in read}
        agreed = face_agreement(faces, {name: each.faces for name, each in read.items()})
        figure = share_figure(agreed.same, agreed.matched + agreed.lost + agreed.new)
        if figure.interval is not None and figure.interval[1] < limit:
            return Text(
                "Its answers are others: {percent:.0f} % agree in {n} photos.",
                percent=figure.value,
                n=len(read),
            )
    return None
