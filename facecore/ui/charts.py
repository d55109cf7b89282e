"""Plotly figures from plain values; no Streamlit in here."""

from __future__ import annotations

import html
from collections.abc import Sequence

import plotly.graph_objects as go

from facecore.engines.facts import NetworkProfile
from facecore.results import STAGES, StageTimings
from facecore.serving.history import RunRecord

STAGE_COLOURS = dict(
    zip(
        STAGES,
        # Okabe and Ito's palette, told apart with colour-blind eyes and on dark and light.
        ("#56B4E9", "#CC79A7", "#E69F00", "#009E73", "#0072B2", "#D55E00"),
        strict=True,
    )
)
_MB = 1e6
_LINE_COLOURS = ("#0072B2", "#E69F00", "#009E73")


def stage_bar(timings: StageTimings) -> go.Figure:
    """Draw one run's time by stage as one stacked bar, milliseconds; stages of 0 are left out."""
    figure = go.Figure()
    for stage, time_ms in timings.by_stage().items():
        if time_ms > 0:
            figure.add_bar(
                x=[time_ms],
                y=[""],
                name=f"{stage} {time_ms:.1f}",
                orientation="h",
                marker_color=STAGE_COLOURS[stage],
                hovertemplate=f"{stage}: %{{x:.1f}} ms<extra></extra>",
            )
    figure.update_layout(barmode="stack", height=150, xaxis_title="milliseconds")
    return _laid_out(figure)


def latency_by_run(records: Sequence[RunRecord]) -> go.Figure:
    """Draw each run's time, stacked by stage, over the run's number."""
    figure = go.Figure()
    numbers = [record.number for record in records]
    for stage in STAGES:
        times_ms = [record.timings.by_stage()[stage] for record in records]
        if any(times_ms):
            figure.add_bar(
                x=numbers,
                y=times_ms,
                name=stage,
                marker_color=STAGE_COLOURS[stage],
                customdata=[html.escape(record.name) for record in records],
                hovertemplate="run %{x}, %{customdata}: %{y:.1f} ms " + stage + "<extra></extra>",
            )
    figure.update_layout(barmode="stack", yaxis_title="milliseconds", height=330)
    return _over_runs(figure)


def cpu_by_run(records: Sequence[RunRecord]) -> go.Figure:
    """Draw each run's CPU use: percent of one core and of all this process may use."""
    return _lines(
        records,
        {
            "of one core": [record.cpu_percent_of_core for record in records],
            "of all that may be used": [record.cpu_percent_of_allowed for record in records],
        },
        "percent",
    )


def memory_by_run(records: Sequence[RunRecord]) -> go.Figure:
    """Draw the process's resident memory at each run, in megabytes (10**6 bytes)."""
    return _lines(
        records,
        {
            "before": [record.rss_before_bytes / _MB for record in records],
            "peak": [record.peak_rss_bytes / _MB for record in records],
            "after": [record.rss_after_bytes / _MB for record in records],
        },
        "megabytes",
    )


def layer_times(profile: NetworkProfile, most: int = 20) -> go.Figure:
    """Draw the slowest layers of one forward pass, the rest summed up, milliseconds."""
    ranked = sorted(profile.layers, key=lambda layer: layer.time_ms, reverse=True)
    names = [f"{layer.name} ({layer.kind})" for layer in ranked[:most]]
    times_ms = [layer.time_ms for layer in ranked[:most]]
    if ranked[most:]:
        names.append(f"the other {len(ranked) - most} layers")
        times_ms.append(sum(layer.time_ms for layer in ranked[most:]))
    figure = go.Figure(
        go.Bar(
            x=times_ms,
            y=names,
            orientation="h",
            marker_color=STAGE_COLOURS["classify"],
            hovertemplate="%{y}: %{x:.2f} ms<extra></extra>",
        )
    )
    figure.update_layout(height=90 + 22 * len(names), xaxis_title="milliseconds")
    figure.update_yaxes(autorange="reversed", automargin=True)
    return _laid_out(figure)


def _lines(records: Sequence[RunRecord], series: dict[str, list[float]], unit: str) -> go.Figure:
    figure = go.Figure()
    numbers = [record.number for record in records]
    for (name, values), colour in zip(series.items(), _LINE_COLOURS, strict=False):
        figure.add_scatter(
            x=numbers,
            y=values,
            name=name,
            mode="lines+markers",
            line_color=colour,
            hovertemplate=f"run %{{x}}: %{{y:.0f}} {unit} {name}<extra></extra>",
        )
    figure.update_layout(yaxis_title=unit, height=300)
    figure.update_yaxes(rangemode="tozero")
    return _over_runs(figure)


def _over_runs(figure: go.Figure) -> go.Figure:
    figure.update_layout(xaxis_title="run")
    # Runs are counted: no half runs on the axis.
    figure.update_xaxes(tickformat="d", minor_showgrid=False)
    return _laid_out(figure)


def _laid_out(figure: go.Figure) -> go.Figure:
    return figure.update_layout(
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0, "traceorder": "normal"},
        showlegend=len(figure.data) > 1,
    )
