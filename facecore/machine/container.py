"""The limits this process lives under: processors it may use, memory it may take.

In a container ``psutil`` sees the whole host. The control group (cgroup, version
1 or 2) has the limits and what is used of them; see the kernel's
``Documentation/admin-guide/cgroup-v2.rst`` and ``cgroup-v1/memory.rst``.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

CGROUP_ROOT = Path("/sys/fs/cgroup")
PROC_CGROUP = Path("/proc/self/cgroup")

_NO_LIMIT = 1 << 60
"""cgroup v1 writes "no limit" as a number close to 2**63; no machine has as many bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerLimits:
    """Limits of the control group and what its processes use of them.

    Attributes:
        version: 1 or 2, or None where there is no control group to read.
        cpu_quota: processors' worth of time the group may use, or None without a limit.
        memory_limit_bytes: or None without a limit.
        memory_used_bytes: by all processes of the group, without file pages that
            the kernel can drop; None where it cannot be read.
        cpu_time_s: used by all processes of the group so far; None likewise.
    """

    version: int | None = None
    cpu_quota: float | None = None
    memory_limit_bytes: int | None = None
    memory_used_bytes: int | None = None
    cpu_time_s: float | None = None


def read_limits(root: Path = CGROUP_ROOT, membership: Path = PROC_CGROUP) -> ContainerLimits:
    """Read the limits of the control group that this process is in.

    A limit of a group above counts as well; the tightest wins. Nothing is
    raised where there is no control group: all is None then.
    """
    paths = _memberships(membership)
    if (root / "cgroup.controllers").exists():
        return _read_v2(root, paths.get("", "/"))
    if (root / "memory").is_dir() or (root / "cpu").is_dir():
        return _read_v1(root, paths)
    return ContainerLimits()


def usable_cpus(limits: ContainerLimits) -> float:
    """Return how many processors' worth of time this process may use.

    The smaller of the processors it may run on and its control group's quota.
    """
    allowed = float(usable_cores())
    return min(allowed, limits.cpu_quota) if limits.cpu_quota else allowed


def free_memory_bytes() -> int:
    """Return the bytes that this process and its children can take before something is killed."""
    limits = read_limits()
    free = psutil.virtual_memory().available
    if limits.memory_limit_bytes is None or limits.memory_used_bytes is None:
        return free
    return max(0, min(free, limits.memory_limit_bytes - limits.memory_used_bytes))


def usable_cores() -> int:
    """Return how many processors this process may run on, whatever time it gets on them."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return psutil.cpu_count() or 1


def threads_within_quota(limits: ContainerLimits) -> int:
    """Return how many threads have work at once: the usable processors, a part of one as a whole.

    More threads than that use the quota up early in each period, and then all of
    them stand still until the next one.
    """
    return max(1, math.ceil(usable_cpus(limits)))


def _read_v2(root: Path, path: str) -> ContainerLimits:
    folders = list(_upwards(root, path))
    used = _number(folders[0] / "memory.current")
    cpu_usec = _stat(folders[0] / "cpu.stat").get("usage_usec")
    return ContainerLimits(
        version=2,
        cpu_quota=_least(_quota_v2(folder) for folder in folders),
        memory_limit_bytes=_limit(_number(folder / "memory.max") for folder in folders),
        memory_used_bytes=_working_set(used, _stat(folders[0] / "memory.stat"), "inactive_file"),
        cpu_time_s=None if cpu_usec is None else cpu_usec / 1e6,
    )


def _read_v1(root: Path, paths: dict[str, str]) -> ContainerLimits:
    memory = list(_upwards(root / "memory", paths.get("memory", "/")))
    cpu = list(_upwards(root / "cpu", paths.get("cpu", "/")))
    accounting = next(_upwards(root / "cpuacct", paths.get("cpuacct", "/")))
    used = _number(memory[0] / "memory.usage_in_bytes")
    cpu_ns = _number(accounting / "cpuacct.usage")
    return ContainerLimits(
        version=1,
        cpu_quota=_least(_quota_v1(folder) for folder in cpu),
        memory_limit_bytes=_limit(_number(folder / "memory.limit_in_bytes") for folder in memory),
        memory_used_bytes=_working_set(
            used, _stat(memory[0] / "memory.stat"), "total_inactive_file"
        ),
        cpu_time_s=None if cpu_ns is None else cpu_ns / 1e9,
    )


def _memberships(membership: Path) -> dict[str, str]:
    """Controller name to path; version 2 has the empty name. Lines are id:names:path."""
    paths: dict[str, str] = {}
    for line in _text(membership).splitlines():
        _, _, rest = line.partition(":")
        names, _, path = rest.partition(":")
        for name in names.split(","):
            paths[name] = path
    return paths


def _upwards(root: Path, path: str) -> Iterator[Path]:
    """Return the group's folder and those above it, up to the root.

    In a container the path is often the host's and not visible here; the root is
    then the container's own group.
    """
    relative = Path(path.lstrip("/"))
    folder = root / relative
    if ".." in relative.parts or not folder.is_dir():
        folder = root
    yield from (one for one in (folder, *folder.parents) if one.is_relative_to(root))


def _quota_v2(folder: Path) -> float | None:
    quota, _, period = _text(folder / "cpu.max").partition(" ")
    return _ratio(quota, period)


def _quota_v1(folder: Path) -> float | None:
    return _ratio(_text(folder / "cpu.cfs_quota_us"), _text(folder / "cpu.cfs_period_us"))


def _ratio(quota: str, period: str) -> float | None:
    try:
        ratio = float(quota) / float(period)
    except (ValueError, ZeroDivisionError):
        return None  # "max", or no such file
    return ratio if 0 < ratio < math.inf else None  # version 1 writes -1 for no limit


def _working_set(used: int | None, stat: dict[str, float], droppable: str) -> int | None:
    return None if used is None else max(0, int(used - stat.get(droppable, 0)))


def _stat(path: Path) -> dict[str, float]:
    pairs = (line.split() for line in _text(path).splitlines())
    return {pair[0]: float(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}


def _least(values: Iterator[float | None]) -> float | None:
    return min((value for value in values if value is not None), default=None)


def _limit(values: Iterator[int | None]) -> int | None:
    return min((value for value in values if value is not None and value < _NO_LIMIT), default=None)


def _number(path: Path) -> int | None:
    text = _text(path)
    return int(text) if text.isdecimal() and len(text) < 20 else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
