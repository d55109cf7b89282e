"""What the session remembers of its runs, and what the process is doing now."""

from __future__ import annotations

import itertools
import math
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import psutil

from facecore.machine.container import ContainerLimits, read_limits, usable_cpus
from facecore.results import Analysis, StageTimings
from facecore.settings import AnalysisSettings, RuntimeOptions

MAX_RECORDS = 2000
"""Runs that a history keeps; about 1 KB each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """What one run was and what it cost.

    Attributes:
        number: 1 for the first run of the history, counting on after a clear.
        started_at: with time zone (UTC).
        source: where the photo came from, such as "sample" or "upload".
        name: the photo's name.
        size_wh: the upright photo's size in pixels.
        faces: how many were read.
        settings, runtime: what was asked for.
        timings: wall time by stage.
        reused: stages that an earlier run had already done.
        cpu_time_s: of the whole process.
        cpu_percent_of_core: CPU time over wall time; 100 is one core.
        cpu_percent_of_allowed: the same in percent of all this process may use.
        rss_before_bytes, rss_after_bytes, peak_rss_bytes: resident memory.
        other_runs: the most other runs under way at any one time.
        waited_ms: how long it waited for its turn before it began; not part of ``timings``.
    """

    number: int
    started_at: datetime
    source: str
    name: str
    size_wh: tuple[int, int]
    faces: int
    settings: AnalysisSettings
    runtime: RuntimeOptions
    timings: StageTimings
    reused: tuple[str, ...]
    cpu_time_s: float
    cpu_percent_of_core: float
    cpu_percent_of_allowed: float
    rss_before_bytes: int
    rss_after_bytes: int
    peak_rss_bytes: int
    other_runs: int
    waited_ms: float = 0.0


class RunHistory:
    """The newest runs of one session, at most ``max_records``; safe to share between threads."""

    def __init__(self, max_records: int = MAX_RECORDS) -> None:
        self._records: deque[RunRecord] = deque(maxlen=max_records)
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def add(
        self,
        analysis: Analysis,
        *,
        source: str,
        name: str,
        runtime: RuntimeOptions,
        waited_ms: float = 0.0,
    ) -> RunRecord:
        """Remember a run; the oldest is forgotten when the history is full."""
        used = analysis.resources
        with self._lock:
            record = RunRecord(
                number=next(self._numbers),
                started_at=used.started_at,
                source=source,
                name=name,
                size_wh=analysis.size_wh,
                faces=len(analysis.faces),
                settings=analysis.settings,
                runtime=runtime,
                timings=analysis.timings,
                reused=analysis.reused,
                cpu_time_s=used.cpu_time_s,
                cpu_percent_of_core=used.cpu_percent,
                cpu_percent_of_allowed=used.cpu_percent / usable_cpus(read_limits()),
                rss_before_bytes=used.rss_before_bytes,
                rss_after_bytes=used.rss_after_bytes,
                peak_rss_bytes=used.peak_rss_bytes,
                other_runs=used.other_runs,
                waited_ms=waited_ms,
            )
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
    """Return the latencies of the runs that did everything anew: only these compare."""
    return [record.timings.total_ms for record in records if not record.reused]


def percentile(values: Sequence[float], percent: float) -> float | None:
    """Return the percentile by linear interpolation, or None where it would say nothing.

    At least 1 / (1 - percent / 100) values are needed for one of them to lie
    beyond it: 2 for the median, 10 for the 90th, 20 for the 95th.

    Args:
        values: in any order and unit.
        percent: above 0 and below 100.
    """
    ordered = sorted(values)
    if len(ordered) < math.ceil(100 / (100 - percent) - 1e-9):
        return None
    position = (len(ordered) - 1) * percent / 100
    low = math.floor(position)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (position - low)


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemSample:
    """What the process, its container and the machine do at one moment.

    CPU percentages are means over the time since the sample before; None for
    the first. ``process_cpu_percent`` is of one core; ``system_cpu_percent`` of
    the whole machine; ``container_cpu_percent`` of the group's quota.
    """

    at: datetime
    process_cpu_percent: float | None
    process_rss_bytes: int
    system_cpu_percent: float | None
    system_memory_used_bytes: int
    system_memory_total_bytes: int
    limits: ContainerLimits
    container_cpu_percent: float | None


class SystemSampler:
    """Takes samples without sleeping; each tells of the time since the one before."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._lock = threading.Lock()
        self._last: tuple[float, float, float, float, float | None] | None = None

    def sample(self) -> SystemSample:
        """Take a sample; a fraction of a millisecond."""
        limits = read_limits()
        memory = psutil.virtual_memory()
        with self._lock:
            now = time.perf_counter()
            process_s = time.process_time()
            busy_s, total_s = machine_times()
            before, self._last = (
                self._last,
                (now, process_s, busy_s, total_s, limits.cpu_time_s),
            )
        process_percent = system_percent = container_percent = None
        if before is not None and now > before[0]:
            process_percent = 100 * (process_s - before[1]) / (now - before[0])
            if total_s > before[3]:
                system_percent = 100 * (busy_s - before[2]) / (total_s - before[3])
            if limits.cpu_quota and limits.cpu_time_s is not None and before[4] is not None:
                used = (limits.cpu_time_s - before[4]) / (now - before[0])
                container_percent = 100 * used / limits.cpu_quota
        return SystemSample(
            at=datetime.now(UTC),
            process_cpu_percent=process_percent,
            process_rss_bytes=self._process.memory_info().rss,
            system_cpu_percent=system_percent,
            system_memory_used_bytes=memory.total - memory.available,
            system_memory_total_bytes=memory.total,
            limits=limits,
            container_cpu_percent=container_percent,
        )


def machine_times() -> tuple[float, float]:
    """Return the CPU seconds of the machine that were busy, and all of them, since it started."""
    times = psutil.cpu_times()
    # Linux counts a guest's time in user time already.
    total = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
    idle = times.idle + getattr(times, "iowait", 0.0)
    return total - idle, total
