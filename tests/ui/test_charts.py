"""Figures from values made by hand: what is drawn, and nothing where there is nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import plotly.graph_objects as go
import pytest

from facecore.engines.facts import LayerTime, NetworkProfile
from facecore.results import STAGES, ResourceUsage, StageTimings
from facecore.serving.history import RunRecord
from facecore.settings import AnalysisSettings, RuntimeOptions
from facecore.ui.analyze.charts import stage_bar
from facecore.ui.charts import STAGE_COLOURS, whole_ticks
from facecore.ui.models.charts import layer_times
from facecore.ui.monitor.charts import (
    cpu_by_run,
    latency_by_run,
    latency_over_time,
    memory_by_run,
    sparkline,
)

TIMINGS = StageTimings(decode_ms=4.0, detect_ms=20.0, classify_ms=30.25, total_ms=55.0)
RUN = RunRecord(
    number=3,
    source="sample",
    name="a.png",
    size_wh=(640, 480),
    faces=2,
    settings=AnalysisSettings(),
    runtime=RuntimeOptions(),
    engine="opencv",
    timings=TIMINGS,
    reused=(),
    used=ResourceUsage(
        started_at=datetime(2024, 5, 1, tzinfo=UTC),
        wall_time_s=0.0625,
        cpu_time_s=0.09375,
        rss_before_bytes=100_000_000,
        rss_after_bytes=120_000_000,
        peak_rss_bytes=150_000_000,
    ),
    cpu_percent_of_allowed=75.0,
)
REUSED = replace(RUN, number=4, timings=StageTimings(classify_ms=9.0, total_ms=9.5))


def _profile(*times_ms: float) -> NetworkProfile:
    return NetworkProfile(
        gflops=1.0,
        weights_bytes=1,
        activations_bytes=1,
        forward_ms=sum(times_ms),
        layers=tuple(LayerTime(f"l{n}", "Conv", t) for n, t in enumerate(times_ms)),
        backend="OCV",
        target="CPU",
    )


def _traces(figure: go.Figure) -> dict[str, dict[str, Any]]:
    """Return what is drawn, by name."""
    return {trace["name"]: trace for trace in figure.to_plotly_json()["data"]}


def _values(figure: go.Figure, axis: str = "y") -> dict[str, list[Any]]:
    return {name: list(trace[axis]) for name, trace in _traces(figure).items()}


def test_stage_bar_without_times_draws_nothing() -> None:
    """A run in which no stage took time has no bars."""
    assert len(stage_bar(StageTimings()).data) == 0


@pytest.mark.parametrize("chart", [latency_by_run, cpu_by_run, memory_by_run])
def test_no_runs_draw_no_points(chart: Callable[[Sequence[RunRecord]], go.Figure]) -> None:
    """Without runs there is a figure, and nothing in it."""
    assert all(values == [] for values in _values(chart([])).values())


def test_layer_times_without_layers_draws_no_bar() -> None:
    """A profile that names no layer gives a figure without bars."""
    (bar,) = layer_times(_profile()).data
    assert list(bar.x or ()) == []


def test_stage_bar_stacks_the_stages_that_ran() -> None:
    """Each stage that took time is one piece, in order, with its time in the legend."""
    figure = stage_bar(TIMINGS)
    assert _values(figure, "x") == {
        "decode 4.0": [4.0],
        "detect 20.0": [20.0],
        "classify 30.2": [30.25],
    }
    assert figure.layout.barmode == "stack"


def test_stage_has_the_same_colour_everywhere() -> None:
    """A stage is drawn in its own colour, on one run and over many."""
    one = [trace["marker"]["color"] for trace in _traces(stage_bar(TIMINGS)).values()]
    many = [trace["marker"]["color"] for trace in _traces(latency_by_run([RUN])).values()]
    assert one == many == [STAGE_COLOURS[stage] for stage in ("decode", "detect", "classify")]
    assert len(set(STAGE_COLOURS.values())) == len(STAGES)


def test_latency_is_stacked_by_stage_over_the_run_numbers() -> None:
    """A stage that a run took over is 0 there; one that no run had is left out."""
    figure = latency_by_run([RUN, REUSED])
    assert _values(figure) == {
        "decode": [4.0, 0.0],
        "detect": [20.0, 0.0],
        "classify": [30.25, 9.0],
    }
    assert _values(figure, "x") == {name: [3, 4] for name in _traces(figure)}


def test_cpu_is_shown_of_one_core_and_of_all() -> None:
    """Both readings of CPU use are percentages over the run numbers."""
    figure = cpu_by_run([RUN])
    assert _values(figure) == {"of one core": [150.0], "of all that may be used": [75.0]}
    assert _values(figure, "x")["of one core"] == [3]
    assert figure.layout.yaxis.title.text == "percent"


def test_memory_is_shown_in_megabytes() -> None:
    """Resident memory before, at its peak and after is in 10**6 bytes."""
    figure = memory_by_run([RUN])
    assert _values(figure) == {"before": [100.0], "peak": [150.0], "after": [120.0]}
    assert figure.layout.yaxis.title.text == "megabytes"


def test_layers_are_ranked_and_the_rest_is_summed() -> None:
    """The slowest layers come first by name and type; the others are one bar with their sum."""
    (bar,) = layer_times(_profile(1.0, 8.0, 0.5, 4.0, 2.0), most=2).data
    assert list(bar.y) == ["l1 (Conv)", "l3 (Conv)", "the other 3 layers"]
    assert list(bar.x) == [8.0, 4.0, 3.5]


@pytest.mark.parametrize("most", [3, 4])
def test_layers_that_all_fit_have_no_rest(most: int) -> None:
    """Where every layer has its own bar there is none for the others."""
    (bar,) = layer_times(_profile(1.0, 3.0, 2.0), most=most).data
    assert list(bar.x) == [3.0, 2.0, 1.0]


def test_legend_is_shown_for_more_than_one_series() -> None:
    """A single series needs no legend."""
    assert stage_bar(TIMINGS).layout.showlegend is True
    assert stage_bar(StageTimings(detect_ms=1.0)).layout.showlegend is False


def test_no_count_stands_twice_on_an_axis() -> None:
    """Where there are few numbers each has a tick; many are left to Plotly."""
    assert whole_ticks([])["dtick"] == whole_ticks([7])["dtick"] == 1
    assert whole_ticks([1, 11])["dtick"] == 1
    assert "dtick" not in whole_ticks([1, 12])
    assert latency_by_run([RUN, REUSED]).layout.xaxis.dtick == 1


def test_server_runs_lie_at_their_time_of_day() -> None:
    """Each source is a series, over the time where the visitor is."""
    zone = timezone(timedelta(hours=2))
    figure = latency_over_time([RUN, replace(REUSED, source="http")], zone)
    assert _values(figure) == {"http": [9.5], "sample": [55.0]}
    assert _values(figure, "x")["sample"] == ["2024-05-01 02:00:00.000000"]
    assert _values(cpu_by_run([RUN], zone), "x")["of one core"] == ["2024-05-01 02:00:00.000000"]
    assert _values(latency_over_time([], zone)) == {}


def test_a_sparkline_has_the_scale_that_it_is_given() -> None:
    """2 of 400 MB are a fortieth of the height; nothing, and one value, are drawn as well."""

    def heights(values: list[float]) -> list[float]:
        points = sparkline(values, 440.0, 60).partition('polyline points="')[2].partition('"')[0]
        return [float(point.partition(",")[2]) for point in points.split()]

    assert heights([]) == []
    assert heights([440.0, 0.0]) == [2.0, 46.0]
    high, low = heights([402.0, 400.0])
    assert low - high == pytest.approx(0.2, abs=0.11)
