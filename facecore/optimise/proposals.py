"""What to try next: each engine, then by turns what Optuna proposes and the best's neighbours.

Optuna keeps nothing on disk here: a study that goes on tells it again what was measured.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Hashable, Iterator
from typing import Any

from facecore.errors import SettingsError
from facecore.optimise.space import Choice, Space

_ASKED_AT_MOST = 30
_ENUMERATED_AT_MOST = 4096
_BY_CHANCE = 8


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
