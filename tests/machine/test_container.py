"""Limits of control groups, read from made-up trees of both versions."""

from __future__ import annotations

import os
from pathlib import Path

import psutil
import pytest

from facecore.machine.container import ContainerLimits, read_limits, usable_cpus

NOT_SIZES = ["", "max", "-1", "1.5", "0x10", "12 34", "lots", b"\xff\xfe", "9" * 400]
NOT_QUOTAS = ["", "100000", "x 100000", "1 x", "1 0", "nan 1", "inf 1", "-1 1", "1 1 1", b"\xff 1"]


def _tree(folder: Path, files: dict[str, str | bytes]) -> Path:
    """Write files below a folder; a kernel's file ends with a line feed."""
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else f"{content}\n".encode())
    return folder


def _read(tmp_path: Path, membership: str, files: dict[str, str | bytes]) -> ContainerLimits:
    """Read the limits of a made-up machine."""
    proc = tmp_path / "proc_self_cgroup"
    proc.write_text(f"{membership}\n")
    return read_limits(_tree(tmp_path / "cgroup", files), proc)


V2: dict[str, str | bytes] = {"cgroup.controllers": "cpu memory"}


def test_without_control_groups_nothing_is_known(tmp_path: Path) -> None:
    """Where there is neither folder nor membership, all is None."""
    assert read_limits(tmp_path / "none", tmp_path / "nothing") == ContainerLimits()


def test_folder_without_controllers_is_no_control_group(tmp_path: Path) -> None:
    """A mount point that holds something else says nothing."""
    assert _read(tmp_path, "0::/", {"systemd/tasks": "1"}) == ContainerLimits()


@pytest.mark.parametrize("version", [1, 2])
def test_group_without_files_has_no_limits(tmp_path: Path, version: int) -> None:
    """A group whose files are missing is of its version, and all else is None."""
    files: dict[str, str | bytes] = V2 if version == 2 else {"cpu/tasks": "1"}
    assert _read(tmp_path, "0::/", files) == ContainerLimits(version=version)


def test_v2_values_are_read_in_their_units(tmp_path: Path) -> None:
    """Quota over period, bytes, and microseconds become processors, bytes and seconds."""
    files = V2 | {
        "job/cpu.max": "150000 100000",
        "job/cpu.stat": "usage_usec 2500000\nuser_usec 2000000",
        "job/memory.max": "1073741824",
        "job/memory.current": "500000",
        "job/memory.stat": "anon 300000\ninactive_file 120000",
    }
    assert _read(tmp_path, "0::/job", files) == ContainerLimits(
        version=2,
        cpu_quota=1.5,
        memory_limit_bytes=1 << 30,
        memory_used_bytes=380_000,
        cpu_time_s=2.5,
    )


def test_v1_values_are_read_in_their_units(tmp_path: Path) -> None:
    """Version 1 keeps each controller's files apart, and counts nanoseconds."""
    files: dict[str, str | bytes] = {
        "cpu/job/cpu.cfs_quota_us": "50000",
        "cpu/job/cpu.cfs_period_us": "100000",
        "cpuacct/job/cpuacct.usage": "1500000000",
        "memory/work/memory.limit_in_bytes": "268435456",
        "memory/work/memory.usage_in_bytes": "500000",
        "memory/work/memory.stat": "inactive_file 7\ntotal_inactive_file 120000",
    }
    membership = "5:cpu,cpuacct:/job\n4:memory:/work\n1:name=systemd:/init.scope"
    assert _read(tmp_path, membership, files) == ContainerLimits(
        version=1,
        cpu_quota=0.5,
        memory_limit_bytes=1 << 28,
        memory_used_bytes=380_000,
        cpu_time_s=1.5,
    )


@pytest.mark.parametrize("text", NOT_SIZES)
def test_v2_size_that_is_no_number_is_no_limit(tmp_path: Path, text: str | bytes) -> None:
    """The word max and garbage both leave limit and use unknown."""
    limits = _read(tmp_path, "0::/", V2 | {"memory.max": text, "memory.current": text})
    assert limits == ContainerLimits(version=2)


@pytest.mark.parametrize("text", ["max 100000", *NOT_QUOTAS])
def test_v2_quota_that_is_no_ratio_is_no_quota(tmp_path: Path, text: str | bytes) -> None:
    """The word max and garbage both mean no quota."""
    assert _read(tmp_path, "0::/", V2 | {"cpu.max": text}).cpu_quota is None


@pytest.mark.parametrize("text", [*NOT_SIZES, str(2**63 - 4096), str(2**63 - 1), str(2**63)])
def test_v1_size_close_to_the_largest_number_is_no_limit(tmp_path: Path, text: str | bytes) -> None:
    """Version 1 writes "no limit" as a number close to 2**63."""
    limits = _read(tmp_path, "4:memory:/", {"memory/memory.limit_in_bytes": text})
    assert limits == ContainerLimits(version=1)


@pytest.mark.parametrize(
    ("quota", "period"), [("-1", "100000"), ("", "100000"), ("x", "y"), ("1", "0"), ("1", "")]
)
def test_v1_quota_below_zero_is_no_quota(tmp_path: Path, quota: str, period: str) -> None:
    """Version 1 writes "no quota" as -1; garbage means the same."""
    files: dict[str, str | bytes] = {
        "cpu/cpu.cfs_quota_us": quota,
        "cpu/cpu.cfs_period_us": period,
    }
    assert _read(tmp_path, "5:cpu:/", files).cpu_quota is None


@pytest.mark.parametrize(("outer", "inner"), [("2", "1"), ("1", "2"), ("1", "max"), ("max", "1")])
def test_v2_tightest_of_nested_groups_wins(tmp_path: Path, outer: str, inner: str) -> None:
    """Limits above count as well, each kind by itself; the use is the inner group's own."""
    files = V2 | {
        "a/cpu.max": f"{outer} 1",
        "a/memory.max": outer.replace("max", "9"),
        "a/memory.current": "500",
        "a/b/c/cpu.max": f"{inner} 1",
        "a/b/c/memory.max": "7",
        "a/b/c/memory.current": "50",
    }
    limits = _read(tmp_path, "0::/a/b/c", files)
    assert limits.cpu_quota == 1
    assert limits.memory_limit_bytes == min(7, int(outer.replace("max", "9")))
    assert limits.memory_used_bytes == 50


def test_v1_tightest_of_nested_groups_wins(tmp_path: Path) -> None:
    """In version 1 each controller is followed up its own path."""
    files: dict[str, str | bytes] = {
        "cpu/a/cpu.cfs_quota_us": "100000",
        "cpu/a/cpu.cfs_period_us": "100000",
        "cpu/a/b/cpu.cfs_quota_us": "400000",
        "cpu/a/b/cpu.cfs_period_us": "100000",
        "memory/memory.limit_in_bytes": str(2**63 - 4096),
        "memory/x/memory.limit_in_bytes": "1000",
        "memory/x/y/memory.limit_in_bytes": "2000",
    }
    limits = _read(tmp_path, "5:cpu:/a/b\n4:memory:/x/y", files)
    assert (limits.cpu_quota, limits.memory_limit_bytes) == (1, 1000)


@pytest.mark.parametrize(
    "path",
    ["", "/", "/docker/0123abc", "/../sibling", "/../../sibling", "/job/../../sibling", "/job/.."],
)
def test_path_that_is_not_visible_means_the_root(tmp_path: Path, path: str) -> None:
    """The host's path, or one that leads out of the mount, gives the root's own values."""
    _tree(tmp_path / "sibling", {"memory.max": "1", "memory.current": "1"})
    files = V2 | {"memory.max": "900", "memory.current": "300", "job/memory.current": "2"}
    limits = _read(tmp_path, f"0::{path}", files)
    assert (limits.memory_limit_bytes, limits.memory_used_bytes) == (900, 300)


def test_hybrid_machine_counts_as_version_1(tmp_path: Path) -> None:
    """Where version 2 is only mounted beside version 1, version 1 has the controllers."""
    files: dict[str, str | bytes] = {
        "memory/job/memory.limit_in_bytes": "1000",
        "unified/cgroup.controllers": "",
        "unified/job/memory.max": "5",
    }
    limits = _read(tmp_path, "4:memory:/job\n0::/job", files)
    assert limits == ContainerLimits(version=1, memory_limit_bytes=1000)


def test_path_may_hold_colons(tmp_path: Path) -> None:
    """Only the first two colons of a line part its fields."""
    files = V2 | {"kube:pod:7/memory.max": "64"}
    assert _read(tmp_path, "0::/kube:pod:7", files).memory_limit_bytes == 64


@pytest.mark.parametrize("text", ["", "gibberish", ":", "::", "\n\n0", b"\xff\xfe\x00"])
def test_garbled_membership_means_the_root(tmp_path: Path, text: str | bytes) -> None:
    """A membership file that cannot be understood leads to the root group."""
    proc = _tree(tmp_path / "proc", {"cgroup": text}) / "cgroup"
    root = _tree(tmp_path / "cgroup", V2 | {"memory.max": "64"})
    assert read_limits(root, proc).memory_limit_bytes == 64


@pytest.mark.parametrize(
    ("stat", "used"),
    [
        pytest.param("", 500, id="empty"),
        pytest.param("inactive_file 200", 300, id="subtracted"),
        pytest.param("inactive_file 501", 0, id="never below zero"),
        pytest.param("inactive_file many\nactive_file 5 6", 500, id="garbage"),
        pytest.param("total_inactive_file 200", 500, id="the name of version 1"),
    ],
)
def test_file_pages_are_subtracted_from_the_use(tmp_path: Path, stat: str, used: int) -> None:
    """What the kernel can drop at any time is not counted as used."""
    limits = _read(tmp_path, "0::/", V2 | {"memory.current": "500", "memory.stat": stat})
    assert limits.memory_used_bytes == used


@pytest.mark.parametrize("quota", [None, 0.25, 0.999, 1e6])
def test_usable_processors_are_the_smaller_of_quota_and_affinity(quota: float | None) -> None:
    """A quota below the allowed processors counts, one above does not."""
    allowed = usable_cpus(ContainerLimits())
    assert allowed >= 1
    assert usable_cpus(ContainerLimits(cpu_quota=quota)) == (
        quota if quota is not None and quota < 1 else allowed
    )


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs Linux's affinity calls")
def test_affinity_narrows_the_usable_processors() -> None:
    """A thread that is bound to one processor may use one, whatever the quota."""
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert usable_cpus(ContainerLimits(cpu_quota=8.0)) == 1
    finally:
        os.sched_setaffinity(0, before)


def test_without_affinity_calls_all_processors_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """On systems that cannot be asked for the affinity, the machine's processors are taken."""
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert usable_cpus(ContainerLimits()) == psutil.cpu_count()


def test_this_machine_can_be_read() -> None:
    """Whatever is mounted here, the values are in their ranges and time moves forward."""
    first, second = read_limits(), read_limits()
    assert first.version in (None, 1, 2)
    assert usable_cpus(first) > 0
    for size in (first.memory_limit_bytes, first.memory_used_bytes):
        assert size is None or size >= 0
    if first.cpu_time_s is not None:
        assert second.cpu_time_s is not None
        assert second.cpu_time_s >= first.cpu_time_s > 0
