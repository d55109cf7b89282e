"""The history of runs, percentiles, and samples of the process and the machine."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.machine.container import read_limits, usable_cpus
from facecore.results import Analysis
from facecore.serving import history as monitor
from facecore.serving.history import (
    MAX_RECORDS,
    RunHistory,
    RunRecord,
    SystemSampler,
    comparable_latencies_ms,
    percentile,
)
from facecore.settings import AnalysisSettings, RuntimeOptions

OPTIONS = RuntimeOptions(threads=1, engine_options=(("winograd", False),))
SETTINGS = AnalysisSettings(confidence=0.6, max_side_px=None)


@pytest.fixture(scope="module")
def analysis(analyzer: FaceAnalyzer, astronaut_file: bytes) -> Analysis:
    """A real answer."""
    return analyzer.analyze(astronaut_file, SETTINGS)


def _add(history: RunHistory, analysis: Analysis, name: str = "a.png") -> RunRecord:
    return history.add(analysis, source="upload", name=name, runtime=OPTIONS)


def _burn_cpu(seconds: float) -> None:
    """Keep this thread busy until the process has used that much CPU time."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_new_history_is_empty() -> None:
    """Without a run there are no records, and clearing is no error."""
    history = RunHistory()
    history.clear()
    assert history.records() == ()


def test_record_says_what_the_run_was_and_cost(analysis: Analysis) -> None:
    """A record repeats the analysis, and sets CPU use against what may be used."""
    used = analysis.resources
    record = _add(RunHistory(), analysis, "photo.png")
    assert record == RunRecord(
        number=1,
        started_at=used.started_at,
        source="upload",
        name="photo.png",
        size_wh=(512, 512),
        faces=1,
        settings=SETTINGS,
        runtime=OPTIONS,
        timings=analysis.timings,
        reused=(),
        cpu_time_s=used.cpu_time_s,
        cpu_percent_of_core=used.cpu_percent,
        cpu_percent_of_allowed=used.cpu_percent / usable_cpus(read_limits()),
        rss_before_bytes=used.rss_before_bytes,
        rss_after_bytes=used.rss_after_bytes,
        peak_rss_bytes=used.peak_rss_bytes,
        other_runs=used.other_runs,
    )


def test_history_keeps_the_newest_in_order(analysis: Analysis) -> None:
    """A full history forgets the oldest run first, and counts on."""
    history = RunHistory(max_records=3)
    added = [_add(history, analysis, f"{number}.png") for number in range(5)]
    assert history.records() == tuple(added[2:])
    assert [record.number for record in history.records()] == [3, 4, 5]
    assert history.records()[-1] is added[-1]


def test_history_is_bounded_by_default(analysis: Analysis) -> None:
    """A session that goes on for ever holds no more than the stated number of runs."""
    history = RunHistory()
    for _ in range(MAX_RECORDS + 1):
        newest = _add(history, analysis)
    assert len(history.records()) == MAX_RECORDS
    assert newest.number == MAX_RECORDS + 1


def test_numbers_go_on_after_clearing(analysis: Analysis) -> None:
    """No two runs of a session have the same number, cleared or not."""
    history = RunHistory()
    _add(history, analysis)
    _add(history, analysis)
    history.clear()
    assert history.records() == ()
    assert _add(history, analysis).number == 3


def test_records_given_before_stay_as_they_were(analysis: Analysis) -> None:
    """What was handed out does not change under its reader."""
    history = RunHistory()
    first = _add(history, analysis)
    records = history.records()
    _add(history, analysis)
    history.clear()
    assert records == (first,)


def test_history_is_safe_between_threads(analysis: Analysis) -> None:
    """Runs added by many threads at once each get a number, and stand in its order."""
    history = RunHistory(max_records=150)

    def add_and_look(number: int) -> int:
        added = _add(history, analysis, str(number)).number
        seen = [record.number for record in history.records()]
        assert seen == sorted(set(seen))
        return added

    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(add_and_look, range(200)))
    assert sorted(numbers) == list(range(1, 201))
    assert [record.number for record in history.records()] == list(range(51, 201))


@pytest.mark.parametrize("percent", [0.5, 50, 90, 95])
def test_percentile_of_nothing_is_none(percent: float) -> None:
    """No values, no percentile."""
    assert percentile([], percent) is None


@pytest.mark.parametrize(("percent", "needed"), [(50, 2), (90, 10), (95, 20), (99, 100)])
def test_percentile_needs_a_value_beyond_it(percent: float, needed: int) -> None:
    """One value fewer than the stated number says nothing, the stated number does."""
    values = [float(value) for value in range(needed)]
    assert percentile(values[1:], percent) is None
    assert percentile(values, percent) == pytest.approx((needed - 1) * percent / 100)


@pytest.mark.parametrize("percent", [1, 25, 50, 62.5, 90, 95])
@pytest.mark.parametrize("count", [20, 21, 64])
def test_percentile_is_numpys(percent: float, count: int) -> None:
    """Linear interpolation gives what numpy gives, from values in any order."""
    values = tuple(np.random.default_rng(count).lognormal(3, 1, count).tolist())
    assert percentile(values, percent) == pytest.approx(float(np.percentile(values, percent)))


def test_only_full_runs_compare(analysis: Analysis) -> None:
    """Of several runs the latencies of those that took nothing over are given, in order."""
    history = RunHistory()
    for total_ms, reused in ((30.0, ()), (5.0, ("decode",)), (20.0, ()), (1.0, ("resize",))):
        timings = replace(analysis.timings, total_ms=total_ms)
        _add(history, replace(analysis, timings=timings, reused=reused))
    assert comparable_latencies_ms(history.records()) == [30.0, 20.0]
    assert comparable_latencies_ms([]) == []


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
    monkeypatch.setattr(monitor, "read_limits", reads)
    sampler = SystemSampler()
    assert sampler.sample().container_cpu_percent is None
    (tmp_path / "cpu.stat").write_text("usage_usec 1000500")
    sample = sampler.sample()
    assert sample.limits == reads()
    assert (sample.container_cpu_percent is not None) == known
    assert not known or (sample.container_cpu_percent or 0) > 0
