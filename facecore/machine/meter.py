"""Metering the process around one run, without ever sleeping."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import psutil

from facecore.results import ResourceUsage

_CLEAR_REFS = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")
_RESET_PEAK = "5"  # proc(5), clear_refs: reset the peak resident set size


class RunsUnderWay:
    """Counts the runs that overlap, over all threads of the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: list[ResourceMeter] = []

    def enter(self, meter: ResourceMeter) -> bool:
        """Add a run; return whether it is alone."""
        with self._lock:
            self._running.append(meter)
            others = len(self._running) - 1
            for running in self._running:
                running.most_others = max(running.most_others, others)
            return others == 0

    def leave(self, meter: ResourceMeter) -> None:
        """Take a run out again; one that never entered is no error."""
        with self._lock:
            if meter in self._running:
                self._running.remove(meter)


RUNS_UNDER_WAY = RunsUnderWay()


class ResourceMeter:
    """A context manager that tells what the process used between enter and exit.

    CPU time is that of all the process's threads. The peak of resident memory is
    the kernel's own (Linux: ``VmHWM``, reset at the start where no other run is
    under way); elsewhere it is the larger of the readings before and after.
    """

    def __init__(self) -> None:
        self.most_others = 0
        self._process = psutil.Process()

    def __enter__(self) -> ResourceMeter:
        if RUNS_UNDER_WAY.enter(self):
            _reset_peak()
        self._at = datetime.now(UTC)
        self._rss_bytes = self._process.memory_info().rss
        self._cpu_s = time.process_time()
        self._wall_s = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        RUNS_UNDER_WAY.leave(self)

    def usage(self) -> ResourceUsage:
        """Return what was used since the start; call it inside the ``with``."""
        wall_time_s = time.perf_counter() - self._wall_s
        cpu_time_s = time.process_time() - self._cpu_s
        rss_after = self._process.memory_info().rss
        return ResourceUsage(
            started_at=self._at,
            wall_time_s=wall_time_s,
            cpu_time_s=cpu_time_s,
            rss_before_bytes=self._rss_bytes,
            rss_after_bytes=rss_after,
            peak_rss_bytes=max(self._rss_bytes, rss_after, _kernel_peak()),
            other_runs=self.most_others,
        )


def _reset_peak() -> None:
    # Not Linux, or not allowed: the peak is then read without a reset.
    with contextlib.suppress(OSError):
        _CLEAR_REFS.write_text(_RESET_PEAK)


def _kernel_peak() -> int:
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", _STATUS.read_text())
    except OSError:
        return 0
    return int(found.group(1)) * 1024 if found else 0
