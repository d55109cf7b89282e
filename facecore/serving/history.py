"""What a run came to, and what a session remembers of its runs."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from facecore.machine.container import read_limits, usable_cpus
from facecore.results import Analysis, ResourceUsage, StageTimings
from facecore.settings import AnalysisSettings, RuntimeOptions

MAX_RECORDS = 2000
"""Runs that a history keeps; about 1 KB each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutcome:
    """One run of the server as its listeners hear of it: an answer, or what went wrong.

    ``origin`` says where it came from, such as "dashboard" or "http"; ``error_kind`` is
    the name of the error's class; ``admitted_ns``, since 1970, is when its turn came.
    """

    origin: str
    waited_ms: float
    options: RuntimeOptions
    name: str = ""
    analysis: Analysis | None = None
    error_kind: str = ""
    admitted_ns: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveFigures:
    """What a camera's run came to, from connecting to the end.

    Attributes:
        frames_offered: by the camera; those that were not read were skipped.
        frames_read: of these.
        latency_p50_ms, latency_p95_ms: from glass to drawn, as the browser said it; None
            where there were too few.
    """

    frames_offered: int
    frames_read: int
    latency_p50_ms: float | None
    latency_p95_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """What one run was and what it cost.

    The run of a camera is one record: its timings and its wait are means of a frame, its faces
    the most that one had, its size the last one's.

    Attributes:
        number: 1 for the first run of the history, counting on after a clear.
        source: where the photo came from, such as "sample" or "upload".
        name: the photo's name.
        size_wh: the upright photo's size in pixels.
        faces: how many were read.
        settings, runtime: what was asked for.
        engine: the name of what ran the networks.
        timings: wall time by stage.
        reused: stages that an earlier run had already done.
        used: by the whole process meanwhile, and when it began.
        cpu_percent_of_allowed: CPU time over wall time, in percent of all this process may use.
        waited_ms: how long it waited for its turn before it began; not part of ``timings``.
        live: more of a camera's run; None for a photo.
    """

    number: int
    source: str
    name: str
    size_wh: tuple[int, int]
    faces: int
    settings: AnalysisSettings
    runtime: RuntimeOptions
    engine: str
    timings: StageTimings
    reused: tuple[str, ...]
    used: ResourceUsage
    cpu_percent_of_allowed: float
    waited_ms: float = 0.0
    live: LiveFigures | None = None


def run_record(
    analysis: Analysis,
    *,
    source: str,
    name: str,
    runtime: RuntimeOptions,
    waited_ms: float = 0.0,
) -> RunRecord:
    """Return what is remembered of a run that has no number yet."""
    used = analysis.resources
    return RunRecord(
        number=0,
        source=source,
        name=name,
        size_wh=analysis.size_wh,
        faces=len(analysis.faces),
        settings=analysis.settings,
        runtime=runtime,
        engine=analysis.engine,
        timings=analysis.timings,
        reused=analysis.reused,
        used=used,
        cpu_percent_of_allowed=used.cpu_percent / usable_cpus(read_limits()),
        waited_ms=waited_ms,
    )


class RunHistory:
    """The newest runs of one session, at most ``max_records``; safe to share between threads."""

    def __init__(self, max_records: int = MAX_RECORDS) -> None:
        self._records: deque[RunRecord] = deque(maxlen=max_records)
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def add(self, analysis: Analysis, **facts: Any) -> RunRecord:
        """Remember a run, see `run_record`; the oldest is forgotten when the history is full."""
        return self.keep(run_record(analysis, **facts))

    def keep(self, record: RunRecord) -> RunRecord:
        """Remember a record likewise; return it with its number."""
        with self._lock:
            record = replace(record, number=next(self._numbers))
            self._records.append(record)
        return record

    def records(self) -> tuple[RunRecord, ...]:
        """Return the runs, oldest first."""
        with self._lock:
            return tuple(self._records)

    def clear(self) -> None:
        """Forget all runs."""
        with self._lock:
            self._records.clear()


def comparable_latencies_ms(records: Sequence[RunRecord]) -> list[float]:
    """Return the latencies of the photos for which all was done anew: only these compare."""
    return [one.timings.total_ms for one in records if not (one.reused or one.live)]
