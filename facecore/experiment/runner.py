"""Measuring: one trial at a time, interleaved over the variants in a seeded random order.

Whatever drifts on the machine hits all variants alike, because a round reads one
photo once with each. A worker that dies or hangs is noted, and the others go on.
"""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from facecore.errors import FacecoreError, ImageError
from facecore.executors.messages import WorkerFacts
from facecore.executors.process import Cancelled, WorkerAnswer, WorkerProcess
from facecore.experiment.environment import (
    MachineLoad,
    alone,
    check_room,
    check_same_machine,
    this_environment,
)
from facecore.experiment.record import (
    MAX_TRIALS,
    PREVIEW_SIDE_PX,
    Continuation,
    Experiment,
    Failure,
    PhotoFacts,
    Plan,
    Trial,
)
from facecore.results import Face
from facecore.settings import DEFAULT_MAX_PIXELS
from facecore.wording import Text

TRIAL_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far an experiment is.

    Attributes:
        phase: what it is doing, in words.
        done, total: trials measured, and to be measured; the total of a time
            budget is an estimate, and 0 where it is not known yet.
        left_s: seconds left, None where nothing is known yet.
        trials: measured so far, oldest first.
        failures: what went wrong so far.
    """

    phase: str
    done: int = 0
    total: int = 0
    left_s: float | None = None
    trials: Sequence[Trial] = ()
    failures: Sequence[Failure] = ()


def run_experiment(
    plan: Plan | Continuation,
    photos: Mapping[str, bytes],
    *,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    cancelled: Callable[[], bool] = lambda: False,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Experiment:
    """Measure a plan over photos; no process is left when it returns.

    Args:
        plan: variants, repeats, warm-up, seed; or what goes on with an experiment, in the
            order in which its rounds would have come, and gives it back with them.
        photos: files' bytes by name, 1 to 100 of them; those of an experiment that goes
            on are found by their bytes.
        max_pixels: the workers refuse larger photos unread.
        cancelled: asked some twenty times a second; once it says so, the workers
            are stopped and what was measured is given.
        on_progress: called in this thread with each step.

    Raises:
        SettingsError: there are no photos, too many, too little memory, or another
            experiment runs; or what goes on is of other photos or another machine.
    """
    before = None
    if isinstance(plan, Continuation):
        photos, before, plan = plan.own_photos(photos), plan.before, plan.plan
    check_room(len(plan.variants), photos)
    with alone():
        run = _Run(plan, photos, max_pixels, cancelled, on_progress)
        if before is None:
            return run.run()
        check_same_machine(before.environment, this_environment())
        run.done_before, run.trials_before = before.rounds_begun, len(before.trials)
        return before.followed_by(run.run())


def rounds(names: Sequence[str], variants: int, seed: int) -> Iterator[tuple[str, list[int]]]:
    """Return rounds without end: a photo, and the variants in the order of their trials.

    Each pass over the photos has an order of its own, and so has each round.
    """
    chance = random.Random(seed)
    while True:
        for name in chance.sample(list(names), len(names)):
            yield name, chance.sample(range(variants), variants)


@dataclass
class _Run:
    plan: Plan
    photos: Mapping[str, bytes]
    max_pixels: int
    cancelled: Callable[[], bool]
    on_progress: Callable[[Progress], None]
    done_before: frozenset[tuple[str, int]] = frozenset()
    trials_before: int = 0
    workers: dict[int, WorkerProcess] = field(default_factory=dict)
    facts: dict[int, WorkerFacts] = field(default_factory=dict)
    answers: dict[int, dict[str, tuple[Face, ...]]] = field(default_factory=dict)
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    trials: list[Trial] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    done_by_the_dead: int = 0
    measured_s: float = 0.0
    other_load_percent: float | None = None
    stopped: bool = False

    def run(self) -> Experiment:
        started_at = datetime.now(UTC)
        self.on_progress(Progress(phase=Text("looking at this machine")))
        environment = this_environment()
        try:
            self._start_workers()
            self._warm_up()
            if self.workers and self.sizes:
                self._measure()
        except Cancelled:
            self.stopped = True
        finally:
            for worker in self.workers.values():
                worker.stop()
        places = range(len(self.plan.variants))
        return Experiment(
            plan=self.plan,
            started_at=started_at,
            environment=environment,
            photos=tuple(self._photo_facts()),
            workers=tuple(self.facts.get(place) for place in places),
            trials=tuple(self.trials),
            answers=tuple(self.answers.get(place, {}) for place in places),
            failures=tuple(self.failures),
            measured_s=self.measured_s,
            other_load_percent=self.other_load_percent,
            stopped=self.stopped,
        )

    def _start_workers(self) -> None:
        # One after the other, so that load times are those of a quiet machine.
        for place, variant in enumerate(self.plan.variants):
            self._say(Text("starting {name}", name=variant.name))
            try:
                worker = WorkerProcess(variant.options, variant.process, max_pixels=self.max_pixels)
                self.workers[place] = worker
                self.facts[place] = worker.load(cancelled=self.cancelled)
                for name, data in self.photos.items():
                    worker.keep(name, data, cancelled=self.cancelled)
            except FacecoreError as error:
                self._drop(place, None, error)

    def _warm_up(self) -> None:
        unreadable: set[str] = set()
        for number in range(self.plan.warm_up):
            named = {"number": number + 1, "total": self.plan.warm_up}
            self._say(Text("warming up, pass {number} of {total}", **named))
            for name in self.photos:
                for place in list(self.workers):
                    if name in unreadable:
                        break
                    answer = self._ask(place, name)
                    if answer is not None:
                        self.sizes[name] = answer.analysis.size_wh
                        self.answers.setdefault(place, {})[name] = answer.analysis.faces
                    elif place in self.workers:
                        unreadable.add(name)
        for name in unreadable:
            self.sizes.pop(name, None)

    def _measure(self) -> None:
        plan, count = self.plan, len(self.sizes)
        names = [name for name in self.photos if name in self.sizes]
        began, load = time.perf_counter(), MachineLoad()
        try:
            for number, (name, order) in enumerate(rounds(names, len(plan.variants), plan.seed)):
                spent_s = time.perf_counter() - began
                if not self.workers or number >= plan.repeats * count or self._is_over(spent_s):
                    break
                if (name, number // count) in self.done_before:
                    continue
                for place in order:
                    if place not in self.workers:
                        continue
                    self._trial(place, name, number // count, began)
                    self._say_measured(count, began)
        finally:
            self.measured_s = time.perf_counter() - began
            self.other_load_percent = load.others_percent(
                sum(trial.cycle_cpu_s for trial in self.trials)
            )

    def _is_over(self, spent_s: float) -> bool:
        # A round that was begun is finished, and must still fit.
        trials = self.trials_before + len(self.trials)
        full = trials + len(self.plan.variants) > MAX_TRIALS
        return full or (self.plan.budget_s is not None and spent_s >= self.plan.budget_s)

    def _trial(self, place: int, name: str, repeat: int, began: float) -> None:
        started_s = time.perf_counter() - began
        answer = self._ask(place, name)
        if answer is None:
            return
        used = answer.analysis.resources
        self.trials.append(
            Trial(
                variant=place,
                photo=name,
                repeat=repeat,
                started_s=started_s,
                timings=answer.analysis.timings,
                cpu_time_s=used.cpu_time_s,
                cycle_time_s=answer.cycle_time_s,
                cycle_cpu_s=answer.cycle_cpu_s,
                rss_after_bytes=used.rss_after_bytes,
                peak_rss_bytes=used.peak_rss_bytes,
                faces=len(answer.analysis.faces),
            )
        )

    def _ask(self, place: int, name: str) -> WorkerAnswer | None:
        """Let a variant read a photo; None where that failed, which is then noted."""
        if self.cancelled():
            raise Cancelled  # an answer may come before anybody looks
        worker = self.workers[place]
        try:
            worker.ask(name, self.plan.variants[place].settings, preview_side_px=PREVIEW_SIDE_PX)
            return worker.answer(timeout_s=TRIAL_TIMEOUT_S, cancelled=self.cancelled)
        except ImageError as error:
            self._note(None, name, error)
        except FacecoreError as error:
            self._drop(place, name, error)
        return None

    def _drop(self, place: int, photo: str | None, error: FacecoreError) -> None:
        self._note(place, photo, error)
        worker = self.workers.pop(place, None)
        if worker is not None:
            worker.stop()
        self.done_by_the_dead = sum(trial.variant not in self.workers for trial in self.trials)

    def _note(self, place: int | None, photo: str | None, error: FacecoreError) -> None:
        self.failures.append(Failure(variant=place, photo=photo, message=error.text))

    def _say(self, phase: str) -> None:
        if self.cancelled():
            raise Cancelled
        self.on_progress(Progress(phase=phase, failures=tuple(self.failures)))

    def _say_measured(self, count: int, began: float) -> None:
        done, spent_s = len(self.trials), time.perf_counter() - began
        # What a worker that died has done counts, what it left does not.
        left = self.plan.repeats * count - len(self.done_before)
        total = left * len(self.workers) + self.done_by_the_dead
        left_s = spent_s / done * (total - done) if done else None
        if left_s is not None and self.plan.budget_s is not None:
            left_s = min(left_s, max(0.0, self.plan.budget_s - spent_s))
            total = done + round(left_s / spent_s * done)
        self.on_progress(
            Progress(
                phase=Text("measuring"),
                done=done,
                total=total,
                left_s=left_s,
                trials=self.trials,
                failures=tuple(self.failures),
            )
        )

    def _photo_facts(self) -> Iterator[PhotoFacts]:
        for name, data in self.photos.items():
            yield PhotoFacts(
                name=name,
                sha256=hashlib.sha256(data).hexdigest(),
                file_bytes=len(data),
                size_wh=self.sizes.get(name),
            )
