"""The history of runs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.machine.container import read_limits, usable_cpus
from facecore.results import Analysis
from facecore.serving.history import (
    MAX_RECORDS,
    RunHistory,
    RunRecord,
    comparable_latencies_ms,
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
        source="upload",
        name="photo.png",
        size_wh=(512, 512),
        faces=1,
        settings=SETTINGS,
        runtime=OPTIONS,
        engine=analysis.engine,
        timings=analysis.timings,
        reused=(),
        used=used,
        cpu_percent_of_allowed=used.cpu_percent / usable_cpus(read_limits()),
    )


def test_history_keeps_the_newest_in_order(analysis: Analysis) -> None:
    """A full history forgets the oldest run first, and counts on."""
    history = RunHistory(max_records=3)
    added = [_add(history, analysis, f"{number}.png") for number in range(5)]
    assert history.records() == tuple(added[2:])
    assert [record.number for record in history.records()] == [3, 4, 5]
    assert history.records()[-1] is added[-1]


def test_history_is_bounded_by_default() -> None:
    """A session that goes on for ever holds no more than the stated number of runs."""
    assert RunHistory()._records.maxlen == MAX_RECORDS


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


def test_only_full_runs_compare(analysis: Analysis) -> None:
    """Of several runs the latencies of those that took nothing over are given, in order."""
    history = RunHistory()
    for total_ms, reused in ((30.0, ()), (5.0, ("decode",)), (20.0, ()), (1.0, ("resize",))):
        timings = replace(analysis.timings, total_ms=total_ms)
        _add(history, replace(analysis, timings=timings, reused=reused))
    assert comparable_latencies_ms(history.records()) == [30.0, 20.0]
    assert comparable_latencies_ms([]) == []
