"""Samples of the process, its container and the machine."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

import pytest

from facecore.machine import sampler as sampling
from facecore.machine.container import read_limits
from facecore.machine.sampler import SystemSampler


def _burn_cpu(seconds: float) -> None:
    """Keep this thread busy until the process has used that much CPU time."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_first_sample_has_no_percentages() -> None:
    """With nothing before it, a sample knows memory but no CPU use."""
    sample = SystemSampler().sample()
    assert sample.process_cpu_percent is None
    assert sample.system_cpu_percent is None
    assert sample.container_cpu_percent is None
    assert 0 < sample.process_rss_bytes < sample.system_memory_total_bytes
    assert 0 < sample.system_memory_used_bytes < sample.system_memory_total_bytes
    assert sample.at.tzinfo is not None


def test_second_sample_tells_of_the_time_between() -> None:
    """After some work the process and the machine have been busy, within what is possible."""
    sampler = SystemSampler()
    first = sampler.sample()
    _burn_cpu(0.1)
    second = sampler.sample()
    assert second.at > first.at
    assert second.process_cpu_percent is not None
    assert second.process_cpu_percent > 0
    assert second.system_cpu_percent is not None
    assert 0 < second.system_cpu_percent <= 100


def test_samplers_do_not_disturb_each_other() -> None:
    """Each session's sampler counts from its own sample before."""
    mine, other = SystemSampler(), SystemSampler()
    mine.sample()
    _burn_cpu(0.02)
    assert other.sample().process_cpu_percent is None
    assert (mine.sample().process_cpu_percent or 0) > 0


@pytest.mark.parametrize(("quota", "known"), [("max 100000", False), ("50000 100000", True)])
def test_container_use_is_known_where_there_is_a_quota(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: str, known: bool
) -> None:
    """The group's CPU time since the sample before is set against its quota."""
    (tmp_path / "cgroup.controllers").touch()
    (tmp_path / "cpu.max").write_text(quota)
    (tmp_path / "cpu.stat").write_text("usage_usec 1000000")
    reads = partial(read_limits, tmp_path, tmp_path / "no membership")
    monkeypatch.setattr(sampling, "read_limits", reads)
    sampler = SystemSampler()
    assert sampler.sample().container_cpu_percent is None
    (tmp_path / "cpu.stat").write_text("usage_usec 1000500")
    sample = sampler.sample()
    assert sample.limits == reads()
    assert (sample.container_cpu_percent is not None) == known
    assert not known or (sample.container_cpu_percent or 0) > 0
