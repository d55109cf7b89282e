"""The race: candidates come, are measured beside the baseline round by round, and leave."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from facecore.errors import FacecoreError, SettingsError
from facecore.optimise.bench import Bench, HopelessError, Started, TooLittleMemoryError
from facecore.optimise.judging import HOPELESS, Judge, Tried, best_of
from facecore.optimise.proposals import Proposals, hopeless, passes
from facecore.optimise.record import Fate
from facecore.optimise.space import Choice, Space
from facecore.optimise.store import StoredCandidate, StudyStore
from facecore.results import Analysis
from facecore.statistics.comparison import ratio_in_words
from facecore.statistics.racing import MIN_ROUNDS, gain_over, verdict
from facecore.wording import Text

ROUNDS_TO_EXPLORE = 40
"""So many tell 5 % apart on a quiet machine; who is still open then waits for the second part."""

ROUNDS_TO_DEEPEN = 200
_STARTS, _FEW = 3.0, 4

Over = Callable[[], bool]
"""Whether a part of the time is over."""


@dataclass(kw_only=True)
class Race:
    """All that was tried, and who is being measured; the baseline has the number 0.

    Attributes:
        slots: how many may be alive, the baseline among them.
        start_s: who takes longer to start and to read each photo once, and three times as long
            as the baseline, is dropped.
        on_step: called with what it does, in words.
        left_out: what was refused here, a sentence each.
    """

    space: Space
    bench: Bench
    judge: Judge
    store: StudyStore
    proposals: Proposals
    tried: list[Tried]
    seed: int
    slots: int
    start_s: float
    spent_s: Callable[[], float]
    on_step: Callable[[str], object]
    left_out: list[str] = field(default_factory=list)
    _starting_s: float = 0.0
    _measuring_s: float = 0.0
    _told: set[int] = field(default_factory=set)
    _waiting: list[Choice] = field(default_factory=list)
    _refused: set[str] = field(default_factory=set)
    _used: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        chance = random.Random(self.seed)
        self._chance = chance
        self._round = 1 + max(
            (reading.round for one in self.tried for reading in one.readings), default=-1
        )
        for one in self.tried:
            self.proposals.known(one.choice)
            self._tell(one)
        # Of a search that was ended: whoever was in the race then comes first.
        self._unfinished = [one for one in self.tried if one.fate == "under way" and one.number]

    @property
    def best(self) -> Tried:
        """The best so far of what keeps to the constraints; else the baseline."""
        return best_of(self.judge, self.tried)

    def begin(self) -> Started:
        """Start the baseline.

        Raises:
            SettingsError: it does not fit into the memory that is free.
            FacecoreError: it cannot be run.
        """
        self.on_step(Text("starting the baseline"))
        base, began_s = self.tried[0], self.spent_s()
        try:
            started = self.bench.start(0, base.given)
        except TooLittleMemoryError as error:
            raise SettingsError(
                "The baseline does not fit into memory. {e} Choose smaller photos or another "
                "engine for it.",
                e=error,
            ) from error
        self._note(base, started)
        self._ms = started.ms
        self.start_s = max(self.start_s, _STARTS * (self.spent_s() - began_s))
        base.fate = "baseline"
        self._keep(base)
        self.judge.sizes_wh |= started.sizes
        readable = [name for name in self.bench.photos if name in started.answers]
        self.bench.photos = {name: self.bench.photos[name] for name in readable}
        self._photos = passes(readable, self._chance)
        return started

    def explore(self, is_over: Over) -> None:
        """Try one candidate after the other until the time is over or all were tried."""
        is_all = False
        while not is_over():
            while not is_all and not is_over() and self._has_turn():
                choice = self._waiting.pop() if self._waiting else None
                if choice is None and self._unfinished:
                    self._start(self._unfinished.pop())
                    continue
                choice = choice or self._proposed()
                if choice is None:
                    is_all = True
                elif not self._has_room(choice):
                    self._waiting.append(choice)
                    break
                else:
                    self._add(choice)
            if len(self.bench.alive) > 1:
                self._measure(ROUNDS_TO_EXPLORE)
            elif is_all and not self._waiting:
                break

    def deepen(self, is_over: Over) -> None:
        """Measure those that may be the best on together, until enough is known or time is over."""
        close = self._close_ones()
        for place in self.bench.alive[1:]:
            if self.tried[place] not in close:
                self._leave(self.tried[place], "kept", "")
        for one in close:
            alive = self.bench.alive
            if one.number not in alive and not is_over() and self.bench.has_room_for(one.given):
                self._start(one)
        while not is_over() and len(self.bench.alive) > 1:
            self._measure(ROUNDS_TO_DEEPEN)
        self._clear()

    def _has_turn(self) -> bool:
        """Return whether one more is to be started: where that is slow, measuring comes first."""
        alive = len(self.bench.alive)
        is_slow = self._starting_s > self._measuring_s + 2 * self.start_s
        return alive < (_FEW if is_slow else self.slots)

    def _proposed(self) -> Choice | None:
        while (choice := self.proposals.next(self.best.choice)) is not None:
            if self._engine(choice) not in self._refused:
                return choice
        return None

    def _engine(self, choice: Choice) -> str:
        return choice.get("engine") or self.space.baseline.options.engine or ""

    def _has_room(self, choice: Choice) -> bool:
        # With nobody there but the baseline it is tried, whatever the guess: that tells for sure.
        alone = len(self.bench.alive) <= 1
        return alone or self.bench.has_room_for(self.space.configuration(choice))

    def _add(self, choice: Choice) -> None:
        one = Tried(number=len(self.tried), choice=choice, given=self.space.configuration(choice))
        self.tried.append(one)
        self._start(one)

    def _start(self, one: Tried) -> None:
        engine = self._engine(one.choice)
        self.on_step(Text("starting {name}", name=one.name))
        one.fate, began_s = "under way", self.spent_s()
        self._keep(one)
        try:
            self._note(one, self._started(one))
        except HopelessError as error:
            self._used.add(engine)
            self._leave(one, "dropped", error.text)
            self.proposals.tell(one.choice, HOPELESS)
        except FacecoreError as error:
            self._leave(one, "failed", error.text)
            if engine not in self._used and len(self.bench.alive) <= 1:
                # It was the engine with nothing else changed, or might as well have been.
                self._refused.add(engine)
                words = Text("The engine {name} was left out: {error}", name=engine, error=error)
                self.left_out.append(words)
        else:
            self._used.add(engine)
            self._keep(one)
        self._starting_s += self.spent_s() - began_s

    def _started(self, one: Tried) -> Started:
        until_s = self.spent_s() + self.start_s

        def check(read: Mapping[str, Analysis]) -> str:
            is_late = self.spent_s() > until_s
            return hopeless(self.judge, one, read, self._ms, self.best, is_late=is_late)

        try:
            return self.bench.start(one.number, one.given, check)
        except TooLittleMemoryError:
            # The first start of an engine may convert networks, which takes more than running.
            if self._engine(one.choice) in self._used or len(self.bench.alive) > 1:
                raise
            return self.bench.start(one.number, one.given, check)

    def _note(self, one: Tried, started: Started) -> None:
        one.answers = dict(started.answers)
        one.engine, one.engine_version = started.facts.engine.name, started.facts.engine.version
        one.threads = started.facts.engine.threads

    def _measure(self, most: int) -> None:
        """Run a round, and let those leave about whom enough is known."""
        self.on_step(Text("measuring {n} side by side", n=len(self.bench.alive)))
        photo, number, began_s = next(self._photos), self._round, self.spent_s()
        self._round += 1
        alive = self.bench.alive
        for place in self._chance.sample(alive, len(alive)):
            if place not in self.bench.alive:
                continue
            one = self.tried[place]
            try:
                reading = self.bench.read(place, number, photo)
            except FacecoreError as error:
                self._lost(one, error)
            else:
                one.readings.append(reading)
                self.store.add(place, reading, self.spent_s())
        leader = self.best
        for place in self.bench.alive[1:]:
            self._judge(self.tried[place], leader, most)
        self._measuring_s += self.spent_s() - began_s

    def _lost(self, one: Tried, error: FacecoreError) -> None:
        if one.number:
            self._leave(one, "failed", error.text)
            return
        # Without the baseline nothing counts: it is started again, once those who crowd it are out.
        self._clear()
        self.bench.start(0, one.given)

    def _judge(self, one: Tried, leader: Tried, most: int) -> None:
        rounds = self.judge.gain(one).n
        if rounds < MIN_ROUNDS:
            return
        self._tell(one)
        broken = self.judge.violations(one)
        certain = [each for each in broken if each.is_certain or each.constraint != "p95 latency"]
        if certain:
            self._leave(one, "dropped", Text("It breaks a constraint: {it}.", it=certain[0].words))
        elif not self.judge.is_known(one):
            return
        elif self.judge.objective in ("memory", "accuracy"):
            self._leave(one, "kept", "")
        elif one is not leader:
            self._compare(one, leader, rounds, most)
        elif rounds >= most:
            self._leave(one, "kept", "")

    def _compare(self, one: Tried, leader: Tried, rounds: int, most: int) -> None:
        base = self.tried[0].times()
        over = gain_over(base, leader.times(), one.times())
        said = verdict(over)
        if said == "lost":
            named = {"speed": ratio_in_words(over.ratio), "name": Text(leader.name)}
            why = Text("It is clearly slower: {speed} as fast as {name}.", **named)
            self._leave(one, "dropped", why)
        elif said == "no better" or rounds >= most:
            self._leave(one, "kept", "")

    def _close_ones(self) -> Sequence[Tried]:
        """Return those that may still be the best and better than the baseline, the best first."""
        if self.judge.objective in ("memory", "accuracy"):
            return ()
        able = [one for one in self.tried if one.number and self.judge.may_be_taken(one)]
        able.sort(key=self.judge.score, reverse=True)
        base = self.tried[0].times()
        close = [
            one
            for one in able
            if verdict(gain_over(base, able[0].times(), one.times())) != "lost"
            and verdict(self.judge.gain(one)) == "open"
        ]
        return close[:_FEW]

    def _leave(self, one: Tried, fate: Fate, why: str) -> None:
        self.bench.stop(one.number)
        one.fate, one.why = fate, why
        self._keep(one)

    def _clear(self) -> None:
        for place in self.bench.alive[1:]:
            self._leave(self.tried[place], "kept", "")

    def _tell(self, one: Tried) -> None:
        if one.number not in self._told and self.judge.gain(one).n >= MIN_ROUNDS:
            self._told.add(one.number)
            self.proposals.tell(one.choice, self.judge.score(one))

    def _keep(self, one: Tried) -> None:
        self.store.keep(StoredCandidate.of(one))
