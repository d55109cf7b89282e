"""The worker processes of a search: as many alive as memory allows, one reading at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from msgspec import Struct

from facecore.errors import FacecoreError, ImageError, SettingsError
from facecore.executors.messages import WorkerFacts
from facecore.executors.process import Cancelled, WorkerAnswer, WorkerProcess
from facecore.experiment.environment import WORKER_BYTES
from facecore.experiment.record import PREVIEW_SIDE_PX
from facecore.experiment.runner import TRIAL_TIMEOUT_S
from facecore.machine.container import free_memory_bytes
from facecore.profiles.configuration import Configuration
from facecore.results import Analysis, Face
from facecore.settings import ProcessOptions, RuntimeOptions
from facecore.wording import data_size

KEPT_FREE_BYTES = 100_000_000
"""Where less memory is left, we end the worker that takes it before the kernel ends another."""

MOST_ALIVE = 8
"""Candidates with the baseline; with more, a round takes so long that its readings drift apart."""


class TooLittleMemoryError(FacecoreError):
    """A way of reading does not fit into the memory that is left."""


class HopelessError(FacecoreError):
    """A way of reading is not worth being measured; the message says why."""


Check = Callable[[Mapping[str, Analysis]], str]
"""Is given what was read so far, by the photo's name; says why it is not to go on, or nothing."""


class Reading(Struct, frozen=True):
    """One photo read once.

    Attributes:
        round: in which all that are in the race read the same photo.
        photo: its name.
        ms: the objective's time: of the reading, or for throughput that of all replicas over
            their number.
        latency_ms: of the reading; of several side by side, of the slowest.
        peak_bytes: resident memory of all its processes together, at most.
    """

    round: int
    photo: str
    ms: float
    latency_ms: float
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class Started:
    """What is known of a way of reading once it has read each photo, unmeasured."""

    facts: WorkerFacts
    answers: Mapping[str, tuple[Face, ...]]
    sizes: Mapping[str, tuple[int, int]]
    ms: Mapping[str, float]


@dataclass(slots=True)
class _Group:
    """Processes that read the same photo side by side; one, unless replicas are measured."""

    given: Configuration
    workers: list[WorkerProcess] = field(default_factory=list)

    def stop(self) -> None:
        for worker in self.workers:
            worker.stop()


@dataclass(slots=True, kw_only=True)
class Bench:
    """Starts, asks and stops the workers of a search; for one thread.

    Attributes:
        photos: files' bytes by name.
        cores: processors that each process may run on.
        side_by_side: whether replicas read at once, and the time is that of all.
        max_pixels: the workers refuse larger photos unread.
        cancelled: asked some twenty times a second; a wait then ends with `Cancelled`.
    """

    photos: Mapping[str, bytes]
    cores: int | None
    side_by_side: bool
    max_pixels: int
    cancelled: Callable[[], bool]
    _alive: dict[int, _Group] = field(default_factory=dict)
    _peak_bytes: dict[str, int] = field(default_factory=dict)
    _is_short: bool = False
    _left_bytes: int = 0

    @property
    def alive(self) -> list[int]:
        """The numbers of those that are ready, the first started in front."""
        return list(self._alive)

    def has_room_for(self, given: Configuration) -> bool:
        """Return whether one more can be alive, by what its engine took before, else a guess."""
        if len(self._alive) >= MOST_ALIVE:
            return False
        one = self._peak_bytes.get(given.options.engine or "", WORKER_BYTES)
        needed = one * self._replicas(given)
        return free_memory_bytes() - KEPT_FREE_BYTES > needed

    def start(self, number: int, given: Configuration, check: Check = lambda _: "") -> Started:
        """Start one and let it read each photo once, as long as ``check`` has nothing to say.

        Raises:
            HopelessError: ``check`` had.
            TooLittleMemoryError: it does not fit beside those that are alive.
            FacecoreError: its networks cannot be loaded, it died, or no photo can be read.
            Cancelled: somebody asked for it.
        """
        group = self._alive[number] = _Group(given)
        try:
            return self._started(group, check)
        except Cancelled:
            self.stop(number)
            if self._is_short:
                self._is_short = False
                raise TooLittleMemoryError(
                    "It needs more memory than there is: it was stopped when {left} were left.",
                    left=data_size(self._left_bytes),
                ) from None
            raise
        except FacecoreError:
            self.stop(number)
            raise

    def read(self, number: int, number_of_round: int, photo: str) -> Reading:
        """Let one read a photo.

        Raises:
            FacecoreError: it died or hung, or memory ran out; it is stopped then.
            Cancelled: somebody asked for it.
        """
        group = self._alive[number]
        try:
            began = time.perf_counter()
            answers = self._ask(group, photo)
            wall_ms = (time.perf_counter() - began) * 1e3
        except Cancelled:
            if not self._is_short:
                raise
            self._is_short = False
            self.stop(number)
            raise TooLittleMemoryError("It was stopped as memory ran out.") from None
        except FacecoreError:
            self.stop(number)
            raise
        latency_ms = max(one.analysis.timings.total_ms for one in answers)
        peak_bytes = sum(one.analysis.resources.peak_rss_bytes for one in answers)
        name = group.given.options.engine or ""
        one_bytes = peak_bytes // len(answers)
        self._peak_bytes[name] = max(self._peak_bytes.get(name, 0), one_bytes)
        ms = wall_ms / len(answers) if self.side_by_side else latency_ms
        return Reading(number_of_round, photo, ms, latency_ms, peak_bytes)

    def stop(self, number: int) -> None:
        """End one; its memory is free then."""
        group = self._alive.pop(number, None)
        if group is not None:
            group.stop()

    def close(self) -> None:
        """End all."""
        for number in self.alive:
            self.stop(number)

    def _replicas(self, given: Configuration) -> int:
        return given.server.replicas if self.side_by_side else 1

    def _started(self, group: _Group, check: Check) -> Started:
        options = self._options(group.given)
        for _ in range(self._replicas(group.given)):
            # Each of a group of its own, as a server's replicas are: one after the other.
            worker = WorkerProcess(
                options, ProcessOptions(cores=self.cores), max_pixels=self.max_pixels
            )
            group.workers.append(worker)
            facts = worker.load(cancelled=self._is_over)
            for name, data in self.photos.items():
                worker.keep(name, data, cancelled=self._is_over)
        read: dict[str, Analysis] = {}
        unreadable: FacecoreError | None = None
        for name in self.photos:
            try:
                read[name] = self._ask(group, name)[0].analysis
            except ImageError as error:
                unreadable = error
            why = check(read)
            if why:
                raise HopelessError(why)
        if not read:
            raise unreadable or SettingsError("There is no photo to measure with.")
        return Started(
            facts=facts,
            answers={name: one.faces for name, one in read.items()},
            sizes={name: one.size_wh for name, one in read.items()},
            ms={name: one.timings.total_ms for name, one in read.items()},
        )

    def _options(self, given: Configuration) -> RuntimeOptions:
        replicas = self._replicas(given)
        if replicas == 1 or given.options.threads is not None:
            return given.options
        # As a server does: each set of networks runs on its share of the processors.
        return replace(given.options, threads=max(1, (self.cores or 1) // replicas))

    def _ask(self, group: _Group, photo: str) -> list[WorkerAnswer]:
        if self.cancelled():
            raise Cancelled  # an answer may come before anybody looks
        for worker in group.workers:
            worker.ask(photo, group.given.settings, preview_side_px=PREVIEW_SIDE_PX)
        return [
            worker.answer(timeout_s=TRIAL_TIMEOUT_S, cancelled=self._is_over)
            for worker in group.workers
        ]

    def _is_over(self) -> bool:
        self._left_bytes = free_memory_bytes()
        self._is_short = self._left_bytes < KEPT_FREE_BYTES
        return self._is_short or self.cancelled()
