"""The article's table of engines, measured on this machine: plain values, one an engine."""

from __future__ import annotations

import os
import random
import statistics
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np

from facecore import engines
from facecore.errors import SettingsError, WorkerError
from facecore.experiment.engine_probe import EngineProcess, import_ms
from facecore.experiment.engine_rows import EngineRow, judge, row_of
from facecore.experiment.environment import MachineLoad, alone, this_environment
from facecore.machine.container import free_memory_bytes, usable_cores
from facecore.statistics.intervals import percentile_interval
from facecore.wording import Text, counted

ROUNDS = 15
FACES = 300
_FACES_AT_ONCE = 30
_SEED = 7
_IMPORTS = 3
_PROCESS_BYTES = 700_000_000
_TASKS = {("face", 1): "face_ms", ("face", 8): "face_ms_of_8", ("detector", 1): "detector_ms"}


class EngineProgress(NamedTuple):
    """What is done now, and how much of all is done, 0 to 1."""

    phase: str
    share: float


class _Stopped(Exception):  # noqa: N818 - not an error: somebody asked for it
    """What is under way is given up."""


def measure_engines(
    *,
    names: Collection[str] = (),
    rounds: int = ROUNDS,
    faces: int = FACES,
    on_progress: Callable[[EngineProgress], None] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Return {"machine": facts, "engines": rows as dictionaries}, every engine in its row.

    Each engine has a process of its own for one thread and one for all; passes alternate
    between them in a seeded random order, as many at a time as the memory holds.

    Args:
        names: measure these alone, and what they are compared with; all where there are none.
        rounds: passes of each kind, with each engine.
        faces: crops of the samples' faces whose labels are compared.
        on_progress: called with each step.
        cancelled: asked before each step, the longest of which takes some seconds; what
            was measured so far is given then.

    Raises:
        SettingsError: another experiment runs, the memory is too little, or there is no such
            engine.
    """
    for name in names:
        engines.engine(name)
    if free_memory_bytes() < _PROCESS_BYTES:
        raise SettingsError(
            "To measure engines {needed:.0f} MB of memory must be free, and "
            "{free:.0f} MB are: close something, or use a larger "
            "machine.",
            needed=_PROCESS_BYTES / 1e6,
            free=free_memory_bytes() / 1e6,
        )
    with alone():
        return _Measurement(names, rounds, faces, on_progress, cancelled).run()


class _Measurement:
    def __init__(
        self,
        names: Collection[str],
        rounds: int,
        faces: int,
        on_progress: Callable[[EngineProgress], None],
        cancelled: Callable[[], bool],
    ) -> None:
        self._rounds = rounds
        self._faces = faces
        self._on_progress = on_progress
        self._cancelled = cancelled
        found = sorted(engines.engines(), key=lambda one: not one.available())
        found.sort(key=lambda one: one is not engines.reference())
        self._rows = [row_of(one) for one in found]
        chosen = {*(names or [row.name for row in self._rows]), engines.reference().name}
        self._usable = [row for row in self._rows if row.installed and row.name in chosen]
        self._at_once = max(1, int(free_memory_bytes() // _PROCESS_BYTES))
        self._threads = tuple(dict.fromkeys((1, usable_cores())))
        self._batches = -(-faces // _FACES_AT_ONCE)
        self._processes: list[EngineProcess] = []
        self._answers: dict[str, list[dict[str, Any]]] = {}
        steps = _IMPORTS + len(self._threads) * (1 + rounds + 1) + self._batches
        self._steps, self._step = len(self._usable) * steps, 0

    def run(self) -> dict[str, Any]:
        load, before_s = MachineLoad(), _children_s()
        try:
            self._time_imports()
            for threads in self._threads:
                for first in range(0, len(self._usable), self._at_once):
                    self._measure(self._usable[first : first + self._at_once], threads)
        except _Stopped:
            pass
        finally:
            self._end_processes()
        self._compare()
        judge(self._rows)
        machine = asdict(this_environment())
        del machine["opencv_build"], machine["model_sha256"]
        machine |= {
            "all_threads": usable_cores(),
            "engines_at_once": self._at_once,
            "stopped": self._cancelled(),
            "other_load_percent": load.others_percent(_children_s() - before_s),
        }
        return {"machine": machine, "engines": [asdict(row) for row in self._rows]}

    def _tell(self, phase: str, steps: int = 1) -> None:
        """Note that some steps begin.

        Raises:
            _Stopped: nobody wants them.
        """
        if self._cancelled():
            raise _Stopped
        self._on_progress(EngineProgress(phase, min(1.0, self._step / max(1, self._steps))))
        self._step += steps

    def _time_imports(self) -> None:
        times_ms: dict[str, list[float]] = {row.name: [] for row in self._usable}
        for _ in range(_IMPORTS):
            for row in self._usable:
                self._tell(Text("importing {engine}", engine=row.title))
                with _noted(row):
                    times_ms[row.name].append(import_ms(row.name))
        for row in self._usable:
            row.import_ms = statistics.median(times_ms[row.name]) if times_ms[row.name] else None

    def _measure(self, rows: Sequence[EngineRow], threads: int) -> None:
        group = self._started(rows, threads)
        self._time(group, threads)
        if threads == 1:
            self._answer(group)
        self._end_processes()

    def _started(self, rows: Sequence[EngineRow], threads: int) -> dict[str, EngineProcess]:
        group = {}
        for row in rows:
            self._tell(
                Text(
                    "starting {engine} with {threads}",
                    engine=row.title,
                    threads=counted(threads, "thread"),
                )
            )
            with _noted(row):
                # The first start converts; the second is what every later one is like.
                if threads == 1:
                    EngineProcess(row.name, threads).stop()
                probe = EngineProcess(row.name, threads)
                self._processes.append(probe)
                group[row.name] = probe
                if threads == 1:
                    for name, value in probe.facts.items():
                        setattr(row, name, value)
        return group

    def _time(self, group: dict[str, EngineProcess], threads: int) -> None:
        chance = random.Random(_SEED)
        taken: dict[str, dict[tuple[str, int], list[dict[str, Any]]]] = {}
        for number in range(self._rounds + 1):  # the first warms up
            rows = self._working(group)
            for row in chance.sample(rows, len(rows)):
                self._tell(
                    Text(
                        "measuring with {threads}, round {number} of {rounds}",
                        threads=counted(threads, "thread"),
                        number=number,
                        rounds=self._rounds,
                    )
                )
                with _noted(row):
                    for what, count in _TASKS:
                        answer = group[row.name].ask(what=what, count=count)
                        if number:
                            ours = taken.setdefault(row.name, {})
                            ours.setdefault((what, count), []).append(answer)
                    _keep(row, threads, taken.get(row.name, {}))

    def _answer(self, group: dict[str, EngineProcess]) -> None:
        for batch in range(self._batches):
            count = min(_FACES_AT_ONCE, self._faces - batch * _FACES_AT_ONCE)
            for row in self._working(group):
                self._tell(
                    Text(
                        "comparing answers, {batch} of {batches}",
                        batch=batch + 1,
                        batches=self._batches,
                    )
                )
                with _noted(row):
                    answers = group[row.name].ask(count=count, seed=_SEED + batch, boxes=not batch)
                    self._answers.setdefault(row.name, []).append(answers)

    def _working(self, group: dict[str, EngineProcess]) -> list[EngineRow]:
        return [row for row in self._usable if row.name in group and not row.problem]

    def _compare(self) -> None:
        theirs = self._answers.get(engines.reference().name, [])
        for row in self._usable:
            # As far as both came, where it was stopped.
            pairs = list(zip(self._answers.get(row.name, []), theirs, strict=False))
            if row.problem or not pairs:
                continue
            same, apart = [], 0.0
            for one, other in pairs:
                for role in ("gender", "age"):
                    a, b = np.array(one[role]), np.array(other[role])
                    same += list(a.argmax(axis=1) == b.argmax(axis=1))
                    apart = max(apart, float(np.abs(a - b).max()))
            row.agreement, row.max_difference = float(np.mean(same)), apart
            row.box_difference_px = _boxes_apart(pairs[0][0]["boxes"], pairs[0][1]["boxes"])

    def _end_processes(self) -> None:
        for process in self._processes:
            process.stop()
        self._processes.clear()


@contextmanager
def _noted(row: EngineRow) -> Iterator[None]:
    """Note in an engine's row why its process ended; the others go on."""
    try:
        yield
    except WorkerError as error:
        row.problem = error.text


def _keep(row: EngineRow, threads: int, taken: dict[tuple[str, int], list[dict[str, Any]]]) -> None:
    suffix = "" if threads == 1 else "_all"
    for (what, count), answers in taken.items():
        name = _TASKS[what, count] + suffix
        times_ms = [answer["ms"] / count for answer in answers]
        setattr(row, name, statistics.median(times_ms))
        interval = percentile_interval(times_ms, 50)
        if interval is not None:
            row.intervals[name] = interval
    if threads == 1 and taken:
        ones = (taken["face", 1], taken["detector", 1])
        row.cpu_s = sum(statistics.median(a["cpu_ms"] for a in one) for one in ones) / 1e3


def _boxes_apart(ours: list[Any], theirs: list[Any]) -> float | None:
    """Return by how many pixels two answers' edges differ; None where other faces were found."""
    if [len(boxes) for boxes in ours] != [len(boxes) for boxes in theirs]:
        return None
    pairs = zip(ours, theirs, strict=True)
    return max((float(np.abs(np.subtract(a, b)).max()) for a, b in pairs if a), default=0.0)


def _children_s() -> float:
    """Return the CPU time of this process and of those it waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
