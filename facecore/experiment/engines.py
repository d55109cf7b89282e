"""The article's table of engines, measured on this machine: plain values, one an engine."""

from __future__ import annotations

import os
import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, files, packages_distributions
from pathlib import Path
from typing import Any

import numpy as np

from facecore import engines
from facecore.engines.base import Engine
from facecore.errors import WorkerError
from facecore.experiment.engine_probe import EngineProcess
from facecore.experiment.environment import MachineLoad, this_environment
from facecore.machine.container import free_memory_bytes, usable_cores
from facecore.statistics.intervals import percentile_interval

ROUNDS = 15
FACES = 300
_SEED = 7
_PROCESS_BYTES = 700_000_000
_TASKS = (("face", 1), ("face", 8), ("detector", 1))


@dataclass(kw_only=True)
class EngineRow:
    """What was measured of one engine; None where it could not be.

    Attributes:
        name: of the engine.
        title: what a page calls it.
        version: installed, or "".
        installed: whether it can be used here.
        install: the command that installs it, or "".
        problem: why it could not be measured, or "".
        import_ms: to import it in a fresh process.
        load_ms: to load three networks after that, converted files at hand.
        first_ms: for its first answer after that.
        face_ms: gender and age of one face, one thread; median.
        face_ms_of_8: the same a face, eight at once.
        detector_ms: a detector pass of 300×300, one thread; median.
        face_ms_all, face_ms_of_8_all, detector_ms_all: the same with all threads.
        intervals: the 95 % interval of each of these six medians, by its name.
        cpu_s: CPU time of the medians of one face and one detector pass, one thread.
        rss_mb: by how much its process grew.
        wheel_mb: of what is installed, on disk.
        model_mb: of the networks' files.
        caffe: "native" or "converted".
        agreement: share of labels that are the reference's, 0 to 1.
        max_difference: of a probability from the reference's.
        box_difference_px: of a box's edge from the reference's.
        article_stars: for speed, in the article; None where it does not name it.
        article_holds: whether the engines that it says are slower are so; None likewise.
    """

    name: str
    title: str
    version: str = ""
    installed: bool = False
    install: str = ""
    problem: str = ""
    import_ms: float | None = None
    load_ms: float | None = None
    first_ms: float | None = None
    face_ms: float | None = None
    face_ms_of_8: float | None = None
    detector_ms: float | None = None
    face_ms_all: float | None = None
    face_ms_of_8_all: float | None = None
    detector_ms_all: float | None = None
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    cpu_s: float | None = None
    rss_mb: float | None = None
    wheel_mb: float | None = None
    model_mb: float | None = None
    caffe: str = "converted"
    agreement: float | None = None
    max_difference: float | None = None
    box_difference_px: float | None = None
    article_stars: int | None = None
    article_holds: bool | None = None


def measure_engines(
    *,
    rounds: int = ROUNDS,
    faces: int = FACES,
    on_progress: Callable[[str], None] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Return {"machine": facts, "engines": rows as dictionaries}, every engine in its row.

    Each engine has a process of its own for one thread and one for all; passes alternate
    between them in a seeded random order, as many at a time as the memory holds.

    Args:
        rounds: passes of each kind, with each engine.
        faces: crops of the samples' faces whose labels are compared.
        on_progress: called with what is done now.
        cancelled: asked before each pass; what was measured so far is given then.
    """
    load, before_s = MachineLoad(), _children_s()
    found = sorted(engines.engines(), key=lambda one: not one.available())
    found.sort(key=lambda one: one is not engines.reference())
    rows = [_row(one) for one in found]
    usable = [row for row in rows if row.installed]
    reference: dict[str, Any] = {}
    at_once = max(1, int(free_memory_bytes() // _PROCESS_BYTES))
    for threads in dict.fromkeys((1, usable_cores())):
        for first in range(0, len(usable), at_once):
            group = _started(usable[first : first + at_once], threads, on_progress)
            try:
                _measure(group, threads, rounds, cancelled, on_progress)
                if threads == 1 and not cancelled():
                    _compare(group, reference, faces, on_progress)
            finally:
                for _, process in group:
                    process.stop()
    _judge(rows)
    others_percent = load.others_percent(_children_s() - before_s)
    return {"machine": _machine(others_percent), "engines": [asdict(row) for row in rows]}


def _machine(others_percent: float | None) -> dict[str, Any]:
    machine = asdict(this_environment())
    del machine["opencv_build"], machine["model_sha256"]
    return {**machine, "all_threads": usable_cores(), "other_load_percent": others_percent}


def _row(engine: Engine) -> EngineRow:
    return EngineRow(
        name=engine.name,
        title=engine.title,
        installed=engine.available(),
        install=getattr(engine, "install", ""),
        wheel_mb=_installed_mb(getattr(engine, "package", "cv2")) if engine.available() else None,
        caffe="native" if getattr(engine, "reads_caffe", False) else "converted",
        article_stars=getattr(engine, "article_stars", None),
    )


def _installed_mb(package: str) -> float | None:
    for name in packages_distributions().get(package, []):
        try:
            paths = [Path(str(path.locate())) for path in files(name) or []]
        except PackageNotFoundError:
            continue
        return sum(path.stat().st_size for path in paths if path.is_file()) / 1e6
    return None


def _started(
    rows: Sequence[EngineRow], threads: int, on_progress: Callable[[str], None]
) -> list[tuple[EngineRow, EngineProcess]]:
    group = []
    for row in rows:
        if row.problem:
            continue
        on_progress(f"starting {row.title} with {threads} threads")
        try:
            # The first start converts; the second is what every later one is like.
            if threads == 1:
                EngineProcess(row.name, threads).stop()
            probe = EngineProcess(row.name, threads)
        except WorkerError as error:
            row.problem = str(error)
            continue
        if threads == 1:
            for name, value in probe.facts.items():
                setattr(row, name, value)
        group.append((row, probe))
    return group


def _measure(
    group: list[tuple[EngineRow, EngineProcess]],
    threads: int,
    rounds: int,
    cancelled: Callable[[], bool],
    on_progress: Callable[[str], None],
) -> None:
    chance = random.Random(_SEED)
    taken: dict[tuple[str, str, int], list[dict[str, Any]]] = {}
    for number in range(rounds + 1):  # the first warms up
        on_progress(f"measuring with {threads} threads, round {number} of {rounds}")
        for row, probe in chance.sample(group, len(group)):
            for what, count in _TASKS:
                if cancelled():
                    return
                try:
                    answer = probe.ask(what=what, count=count)
                except WorkerError as error:
                    row.problem = str(error)
                    break
                if number:
                    taken.setdefault((row.name, what, count), []).append(answer)
    for row, _ in group:
        if not row.problem and rounds:
            _keep(
                row, threads, {key[1:]: value for key, value in taken.items() if key[0] == row.name}
            )


def _keep(row: EngineRow, threads: int, taken: dict[tuple[str, int], list[dict[str, Any]]]) -> None:
    suffix = "" if threads == 1 else "_all"
    names = {("face", 1): "face_ms", ("face", 8): "face_ms_of_8", ("detector", 1): "detector_ms"}
    for (what, count), answers in taken.items():
        name = names[what, count] + suffix
        times_ms = [answer["ms"] / count for answer in answers]
        setattr(row, name, statistics.median(times_ms))
        interval = percentile_interval(times_ms, 50)
        if interval is not None:
            row.intervals[name] = interval
    if threads == 1:
        ones = (taken["face", 1], taken["detector", 1])
        row.cpu_s = sum(statistics.median(a["cpu_ms"] for a in one) for one in ones) / 1e3


def _compare(
    group: list[tuple[EngineRow, EngineProcess]],
    reference: dict[str, Any],
    faces: int,
    on_progress: Callable[[str], None],
) -> None:
    for row, probe in group:
        on_progress(f"comparing the answers of {row.title}")
        try:
            answers = probe.ask(count=faces, seed=_SEED)
        except WorkerError as error:
            row.problem = str(error)
            continue
        if not reference:
            reference |= answers
        ours, theirs = (
            {role: np.array(one[role]) for role in ("gender", "age")}
            for one in (answers, reference)
        )
        same = [ours[role].argmax(axis=1) == theirs[role].argmax(axis=1) for role in ours]
        row.agreement = float(np.mean(same))
        row.max_difference = max(float(np.abs(ours[r] - theirs[r]).max()) for r in ours)
        row.box_difference_px = _boxes_apart(answers["boxes"], reference["boxes"])


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


def _judge(rows: list[EngineRow]) -> None:
    """Mark what the article says of an engine's speed, where the measured order is another."""
    rated = [row for row in rows if row.article_stars is not None and row.face_ms is not None]
    for row in rated:
        stars, ms = row.article_stars or 0, row.face_ms or 0.0
        row.article_holds = all(
            (stars - (other.article_stars or 0)) * (ms - (other.face_ms or 0.0)) <= 0
            for other in rated
        )
