"""What the process, its container and the machine do from one moment to the next."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime

import psutil

from facecore.machine.container import ContainerLimits, read_limits


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
                # A sum of floats may be some billionths more than its whole.
                system_percent = min(100.0, 100 * (busy_s - before[2]) / (total_s - before[3]))
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
