"""Plotly figures of the Monitor page, from plain values; no Streamlit in here."""

from __future__ import annotations

import html
from collections.abc import Sequence

import plotly.graph_objects as go

from facecore.engines import titles
from facecore.results import STAGES
from facecore.serving.history import RunRecord
from facecore.ui.charts import STAGE_COLOURS, laid_out

_MB = 1e6
_PATTERNS = ("", "/", "x", ".", "-", "\\", "|", "+")
_LINE_COLOURS = ("#0072B2", "#E69F00", "#009E73")


def latency_by_run(records: Sequence[RunRecord]) -> go.Figure:
    """Draw each run's time, stacked by stage, over the run's number.

    Where several engines ran, each has its pattern.
    """
    figure = go.Figure()
    engines = list(dict.fromkeys(record.engine for record in records))
    patterns = {name: _PATTERNS[place % len(_PATTERNS)] for place, name in enumerate(engines)}
    numbers = [record.number for record in records]
    for stage in STAGES:
        times_ms = [record.timings.by_stage()[stage] for record in records]
        if any(times_ms):
            figure.add_bar(
                x=numbers,
                y=times_ms,
                name=stage,
                marker={
                    "color": STAGE_COLOURS[stage],
                    "pattern": {"shape": [patterns[record.engine] for record in records]},
                },
                customdata=[
                    f"{html.escape(record.name)}, {titles(record.engine)}" for record in records
                ],
                hovertemplate="run %{x}, %{customdata}: %{y:.1f} ms " + stage + "<extra></extra>",
            )
    for name in engines if len(engines) > 1 else ():
        # Draws nothing: it is there for the legend.
        marker = {"color": "#888888", "pattern": {"shape": patterns[name]}}
        figure.add_bar(x=numbers[:1], y=[0], name=titles(name), marker=marker, hoverinfo="skip")
    figure.update_layout(barmode="stack", yaxis_title="milliseconds")
    return _over_runs(figure, 330)


def cpu_by_run(records: Sequence[RunRecord]) -> go.Figure:
    """Draw each run's CPU use: percent of one core and of all this process may use."""
    return _lines(
        records,
        {
            "of one core": [record.used.cpu_percent for record in records],
            "of all that may be used": [record.cpu_percent_of_allowed for record in records],
        },
        "percent",
    )


def memory_by_run(records: Sequence[RunRecord]) -> go.Figure:
    """Draw the process's resident memory at each run, in megabytes (10**6 bytes)."""
    return _lines(
        records,
        {
            "before": [record.used.rss_before_bytes / _MB for record in records],
            "peak": [record.used.peak_rss_bytes / _MB for record in records],
            "after": [record.used.rss_after_bytes / _MB for record in records],
        },
        "megabytes",
    )


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
    figure.update_layout(yaxis_title=unit)
    figure.update_yaxes(rangemode="tozero")
    return _over_runs(figure, 300)


def _over_runs(figure: go.Figure, height_px: int) -> go.Figure:
    figure.update_layout(xaxis_title="run")
    # Runs are counted: no half runs on the axis.
    figure.update_xaxes(tickformat="d", minor_showgrid=False)
    return laid_out(figure, height_px)
