"""What all interfaces of a server share: one queue, and the networks behind it."""

from __future__ import annotations

import functools
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.analysis.automatic import settled
from facecore.analysis.memory import PhotoMemory
from facecore.machine.allocator import give_memory_back, share_heaps
from facecore.machine.container import read_limits, usable_cpus
from facecore.machine.memory_plan import memory_plan
from facecore.profiles.configuration import Configuration, configuration
from facecore.results import Analysis
from facecore.serving.history import RunOutcome, run_record
from facecore.serving.logs import log_run
from facecore.serving.queue import InferenceQueue, OnWait
from facecore.serving.store import ServerStore
from facecore.serving.traces import Traces, traces_from_environment
from facecore.settings import (
    DEFAULT_MAX_PIXELS,
    AnalysisSettings,
    RuntimeOptions,
)
from facecore.settings.server import ServerSettings

MAX_OPTIONS = memory_plan().network_sets
"""Runtime options whose networks are kept, about 300 MB a set; the longest unused make room."""


RunListener = Callable[[RunOutcome], None]


@dataclass(frozen=True, slots=True)
class Turn:
    """A run's turn at the queue: the networks that it may use, and how long it waited."""

    analyzer: FaceAnalyzer
    waited_ms: float
    _origin: str
    _options: RuntimeOptions
    _listeners: Sequence[RunListener]
    _admitted_ns: int

    def read(
        self,
        photo: PhotoMemory,
        settings: AnalysisSettings,
        *,
        preview_side_px: int | None,
        name: str = "",
    ) -> Analysis:
        """Read a photo, called so, and tell the service's listeners.

        Its faces are drawn on a preview of that size, or nowhere where it is None.

        Raises:
            ImageError: the photo cannot be read.
            ModelError: a network cannot be run.
        """
        drawn = preview_side_px is not None
        try:
            analysis = self.analyzer.read(
                photo, settings, annotate=drawn, preview_side_px=preview_side_px
            )
        except Exception as error:
            self._tell(name, error_kind=type(error).__name__)
            raise
        self._tell(name, analysis=analysis)
        return analysis

    def _tell(self, name: str, **found: Any) -> None:
        outcome = RunOutcome(
            origin=self._origin,
            waited_ms=self.waited_ms,
            options=self._options,
            name=name,
            admitted_ns=self._admitted_ns,
            **found,
        )
        for listener in self._listeners:
            listener(outcome)


class FaceService:
    """The queue and the networks of one server process; safe to share between threads."""

    def __init__(
        self,
        begins: Configuration | None = None,
        *,
        max_pixels: int = DEFAULT_MAX_PIXELS,
        store: ServerStore | None = None,
        traces: Traces | None = None,
    ) -> None:
        """Make the service; nothing is loaded yet.

        Args:
            begins: what the HTTP API reads with, and the pages begin with.
            max_pixels: of the largest photo, where that does not say it.
            store: of its runs; none is kept where None.
            traces: of its runs; none are made where None.
        """
        self.begins = begins or Configuration()
        self.max_pixels = self.begins.max_pixels(max_pixels)
        self.queue = InferenceQueue(self.settings)
        self.store = store or ServerStore(None)
        self.traces = traces or Traces()
        self._listeners: list[RunListener] = [self._remember]
        self._lock = threading.Lock()
        self._effective: dict[RuntimeOptions, RuntimeOptions] = {}
        self._replicas: OrderedDict[RuntimeOptions, _Replicas] = OrderedDict()

    @property
    def settings(self) -> ServerSettings:
        """How the networks are shared."""
        return self.begins.server

    @property
    def options(self) -> RuntimeOptions:
        """The options of who names none."""
        return self.begins.options

    @classmethod
    def from_environment(cls) -> FaceService:
        """Return a service as the environment, its file and the memory say; loads nothing yet.

        Raises:
            SettingsError: a variable or the file of settings cannot be used.
        """
        begins = configuration()
        plan = memory_plan()
        share_heaps()
        if plan.is_tight:
            give_memory_back()
        return cls(
            begins,
            max_pixels=plan.max_pixels,
            store=ServerStore.of(begins.server),
            traces=traces_from_environment(),
        )

    def listen(self, listener: RunListener) -> None:
        """Have every run told to a function, which must be quick and is called in any thread."""
        self._listeners.append(listener)

    @contextmanager
    def turn(
        self,
        session_key: str,
        options: RuntimeOptions,
        *,
        origin: str = "dashboard",
        on_wait: OnWait | None = None,
    ) -> Iterator[Turn]:
        """Wait at the queue, and lend networks for these options, loaded where they are not yet.

        Raises:
            BusyError: the queue is full, or the turn did not come in time.
            ModelError: a file is missing or wrong, or the engine cannot load it.
        """
        with self.queue.enter(session_key, on_wait=on_wait) as waited_ms:
            admitted_ns = time.time_ns()
            with self.lend(options) as analyzer:
                yield Turn(analyzer, waited_ms, origin, options, self._listeners, admitted_ns)

    def lend(self, options: RuntimeOptions) -> AbstractContextManager[FaceAnalyzer]:
        """Lend networks for these options to who has a turn, loaded where they are not yet.

        Raises:
            ModelError: a file is missing or wrong, or the engine cannot load it.
        """
        return self._replicas_for(options).lend()

    def _remember(self, run: RunOutcome) -> None:
        log_run(run, self.traces.run(run))
        if run.analysis is not None and self.store.is_on:
            record = run_record(
                run.analysis,
                source=run.origin,
                name=run.name,
                runtime=run.options,
                waited_ms=run.waited_ms,
            )
            self.store.add_run(record)

    def loaded(self, options: RuntimeOptions) -> tuple[FaceAnalyzer, ...]:
        """Return the sets of networks for these options that are in memory; loads nothing."""
        with self._lock:
            # Where it was never asked what they come to, nothing was loaded for them.
            effective = self._effective.get(options, options)
            replicas = self._replicas.get(effective)
        return replicas.loaded() if replicas else ()

    def sets_loaded(self) -> int:
        """Count the sets of networks in memory, over all options."""
        with self._lock:
            return sum(len(replicas.loaded()) for replicas in self._replicas.values())

    def effective(self, options: RuntimeOptions) -> RuntimeOptions:
        """Return the options that the networks are really built with.

        They name an engine that can be used, so that nobody loads the same networks under
        another name. Where there are several sets and the number of threads is left open,
        each gets its share of the processors. The first time may take seconds.
        """
        effective = settled(options)
        if self.settings.replicas > 1 and options.threads is None:
            share = round(usable_cpus(read_limits())) // self.settings.replicas
            effective = replace(effective, threads=max(1, share))
        with self._lock:
            self._effective[options] = effective
        return effective

    def _replicas_for(self, options: RuntimeOptions) -> _Replicas:
        effective = self.effective(options)
        with self._lock:
            if effective not in self._replicas:
                load = partial(FaceAnalyzer.load, effective, max_pixels=self.max_pixels)
                self._replicas[effective] = _Replicas(load, self.settings.replicas)
            self._replicas.move_to_end(effective)
            while len(self._replicas) > MAX_OPTIONS:
                self._replicas.popitem(last=False)
            return self._replicas[effective]


_only_service = functools.cache(FaceService.from_environment)
_MAKING = threading.Lock()


def process_service() -> FaceService:
    """Return the one service of this process, made as the environment says when first asked for.

    Raises:
        SettingsError: a variable is no number, or outside its range.
    """
    with _MAKING:
        return _only_service()


class _Replicas:
    """Sets of networks for the same options, loaded as they are needed side by side."""

    def __init__(self, load: Callable[[], FaceAnalyzer], most: int) -> None:
        self._load = load
        self._most = most
        self._sets: list[FaceAnalyzer] = []
        self._users: Counter[int] = Counter()
        # Held while a set is loaded: whoever comes meanwhile needs it, or can wait once.
        self._arriving = threading.Lock()
        self._counting = threading.Lock()

    @contextmanager
    def lend(self) -> Iterator[FaceAnalyzer]:
        """Lend the set that fewest use; another is loaded first if all are used and one may be."""
        with self._arriving:
            if len(self._sets) < self._most and all(
                self._users[index] for index in range(len(self._sets))
            ):
                self._sets.append(self._load())
            with self._counting:
                chosen = min(range(len(self._sets)), key=lambda index: self._users[index])
                self._users[chosen] += 1
        try:
            yield self._sets[chosen]
        finally:
            with self._counting:
                self._users[chosen] -= 1

    def loaded(self) -> tuple[FaceAnalyzer, ...]:
        """Return the sets that are loaded."""
        return tuple(self._sets)
