"""A control group of our own, version 1 or 2, with a CPU quota and a memory limit."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from facecore.machine.container import CGROUP_ROOT

_PERIOD_US = 100_000
_CONTROLLERS_V1 = ("cpu", "cpuacct", "memory")
_EMPTY_AFTER_S = 5.0
# A process moves itself into the groups, so that nothing it starts is ever outside.
_ENTER = 'while [ "$1" != -- ]; do echo $$ > "$1" || exit 97; shift; done; shift; exec "$@"'


class NoControlGroupsError(Exception):
    """No control group can be made here; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMemory:
    """Memory of a group, bytes, and how many of its processes were killed for want of it.

    ``peak_bytes`` counts file pages that the kernel can drop as well; ``rss_bytes``
    is what processes hold, ``working_set_bytes`` is without the droppable pages.
    """

    peak_bytes: int
    rss_bytes: int
    working_set_bytes: int
    kills: int


@dataclass(frozen=True, slots=True)
class ControlGroup:
    """A group that exists; ``folders`` are one for version 2 and one per controller for 1."""

    version: int
    folders: dict[str, Path]

    def command(self, command: Sequence[str]) -> list[str]:
        """Wrap a command so that it runs inside."""
        clients = [str(folder / "cgroup.procs") for folder in self.folders.values()]
        return ["sh", "-c", _ENTER, "sh", *clients, "--", *command]

    def pids(self) -> list[int]:
        """Return the processes inside."""
        text = (self.folders["memory"] / "cgroup.procs").read_text(encoding="ascii")
        return [int(line) for line in text.split()]

    def memory(self) -> GroupMemory:
        """Read what the group's processes take now and took at most."""
        folder = self.folders["memory"]
        stat = _pairs(folder / "memory.stat")
        if self.version == 2:
            current = int((folder / "memory.current").read_text(encoding="ascii"))
            return GroupMemory(
                # memory.peak came with Linux 5.19.
                peak_bytes=_number(folder / "memory.peak", current),
                rss_bytes=stat["anon"],
                working_set_bytes=current - stat["inactive_file"],
                kills=_pairs(folder / "memory.events")["oom_kill"],
            )
        current = _number(folder / "memory.usage_in_bytes", 0)
        return GroupMemory(
            peak_bytes=_number(folder / "memory.max_usage_in_bytes", 0),
            rss_bytes=stat["total_rss"],
            working_set_bytes=current - stat["total_inactive_file"],
            kills=_pairs(folder / "memory.oom_control").get("oom_kill", 0),
        )

    def throttled_periods(self) -> tuple[int, int]:
        """Return in how many of its periods the group ran into its quota, and of how many."""
        stat = _pairs(self.folders["cpu"] / "cpu.stat")
        return stat["nr_throttled"], stat["nr_periods"]


@contextmanager
def control_group(
    name: str, *, cpus: float | None = None, memory_bytes: int | None = None
) -> Iterator[ControlGroup]:
    """Make a group with these limits; it is removed when its processes have ended.

    Args:
        name: may have a parent in front, as in "outer/inner", that exists already.
        cpus: processors' worth of time; None for no quota.
        memory_bytes: None for no limit. There is no swap beyond it.

    Raises:
        NoControlGroupsError: not allowed, or no control group is mounted.
    """
    try:
        group = _make(name)
        try:
            _limit(group, cpus, memory_bytes)
        except OSError:
            _remove(group)
            raise
    except OSError as error:
        raise NoControlGroupsError(f"no control group can be made here ({error})") from error
    try:
        yield group
    finally:
        _remove(group)


def _make(name: str) -> ControlGroup:
    if (CGROUP_ROOT / "cgroup.controllers").exists():
        parent = (CGROUP_ROOT / name).parent
        (parent / "cgroup.subtree_control").write_text("+cpu +memory", encoding="ascii")
        folder = CGROUP_ROOT / name
        folder.mkdir()
        return ControlGroup(2, {"cpu": folder, "memory": folder})
    folders = {}
    for controller in _CONTROLLERS_V1:
        # Often cpu and cpuacct are two names of one mount.
        folders[controller] = CGROUP_ROOT / controller / name
        folders[controller].mkdir(exist_ok=True)
    return ControlGroup(1, folders)


def _limit(group: ControlGroup, cpus: float | None, memory_bytes: int | None) -> None:
    cpu, memory = group.folders["cpu"], group.folders["memory"]
    if cpus is not None:
        quota_us = round(cpus * _PERIOD_US)
        if group.version == 2:
            (cpu / "cpu.max").write_text(f"{quota_us} {_PERIOD_US}", encoding="ascii")
        else:
            (cpu / "cpu.cfs_period_us").write_text(str(_PERIOD_US), encoding="ascii")
            (cpu / "cpu.cfs_quota_us").write_text(str(quota_us), encoding="ascii")
    if memory_bytes is not None:
        limit = "memory.max" if group.version == 2 else "memory.limit_in_bytes"
        (memory / limit).write_text(str(memory_bytes), encoding="ascii")
        # Where swap is counted at all, it must not hide that memory has run out.
        swap, most = ("memory.memsw.limit_in_bytes", memory_bytes)
        if group.version == 2:
            swap, most = ("memory.swap.max", 0)
        if (memory / swap).exists():
            (memory / swap).write_text(str(most), encoding="ascii")


def _remove(group: ControlGroup) -> None:
    deadline = time.monotonic() + _EMPTY_AFTER_S
    for folder in set(group.folders.values()):
        while folder.is_dir():
            with suppress(OSError):  # busy while its last process is going
                os.rmdir(folder)  # noqa: PTH106 - its files go with it
                break
            if time.monotonic() > deadline:
                raise RuntimeError(f"{folder} still has processes")
            time.sleep(0.05)


def _pairs(path: Path) -> dict[str, int]:
    lines = (line.split() for line in path.read_text(encoding="ascii").splitlines())
    return {pair[0]: int(pair[1]) for pair in lines if len(pair) == 2}


def _number(path: Path, otherwise: int) -> int:
    return int(path.read_text(encoding="ascii")) if path.exists() else otherwise
