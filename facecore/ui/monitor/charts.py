"""Plotly figures of the Monitor page, from plain values; no Streamlit in here."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from datetime import tzinfo

import plotly.graph_objects as go

from facecore.engines import titles
from facecore.results import STAGES
from facecore.serving.history import RunRecord
from facecore.ui.charts import PALETTE, STAGE_COLOURS, laid_out, whole_ticks
from facecore.wording import Text, _

_MB = 1e6
_LEAST_RUNS = 8
_PATTERNS = ("", "/", "x", ".", "-", "\\", "|", "+")


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
                name=_(stage),
                marker={
                    "color": STAGE_COLOURS[stage],
                    "pattern": {"shape": [patterns[record.engine] for record in records]},
                },
                customdata=[
                    f"{html.escape(record.name)}, {titles(record.engine)}" for record in records
                ],
                hovertemplate=_(
                    "run {run}, {what}: {time} ms {stage}",
                    run="%{x}",
                    what="%{customdata}",
                    time="%{y:.1f}",
                    stage=Text(stage),
                )
                + "<extra></extra>",
            )
    for name in engines if len(engines) > 1 else ():
        # Draws nothing: it is there for the legend.
        marker = {"color": "#888888", "pattern": {"shape": patterns[name]}}
        figure.add_bar(x=numbers[:1], y=[0], name=titles(name), marker=marker, hoverinfo="skip")
    figure.update_layout(barmode="stack", yaxis_title=_("milliseconds"))
    return laid_out(_over_runs(figure, numbers), 330)


def latency_over_time(records: Sequence[RunRecord], zone: tzinfo) -> go.Figure:
    """Draw each run's time at the time of day when it began, by where it came from."""
    figure = go.Figure()
    for source, colour in zip(sorted({one.source for one in records}), PALETTE, strict=False):
        its = [one for one in records if one.source == source]
        figure.add_scatter(
            x=_times(its, zone),
            y=[one.timings.total_ms for one in its],
            name=source,
            mode="markers",
            marker_color=colour,
            customdata=[[one.faces, titles(one.engine)] for one in its],
            hovertemplate=_(
                "{when}: {time} ms, {faces} faces, {engine}",
                when="%{x}",
                time="%{y:.0f}",
                faces="%{customdata[0]}",
                engine="%{customdata[1]}",
            )
            + "<extra></extra>",
        )
    figure.update_layout(yaxis_title=_("milliseconds"))
    figure.update_yaxes(rangemode="tozero")
    return laid_out(figure, 330, legend=True)


def cpu_by_run(records: Sequence[RunRecord], zone: tzinfo | None = None) -> go.Figure:
    """Draw each run's CPU use: percent of one core and of all this process may use.

    Where a time zone is given, over the time of day and not over the run's number.
    """
    return _lines(
        records,
        {
            _("of one core"): [record.used.cpu_percent for record in records],
            _("of all that may be used"): [record.cpu_percent_of_allowed for record in records],
        },
        _("percent"),
        zone,
    )


def memory_by_run(records: Sequence[RunRecord], zone: tzinfo | None = None) -> go.Figure:
    """Draw the process's resident memory at each run, in megabytes (10**6 bytes).

    Where a time zone is given, over the time of day and not over the run's number.
    """
    return _lines(
        records,
        {
            _("before"): [record.used.rss_before_bytes / _MB for record in records],
            _("peak"): [record.used.peak_rss_bytes / _MB for record in records],
            _("after"): [record.used.rss_after_bytes / _MB for record in records],
        },
        _("megabytes"),
        zone,
    )


def _lines(
    records: Sequence[RunRecord],
    series: Mapping[str, list[float]],
    unit: str,
    zone: tzinfo | None,
) -> go.Figure:
    figure = go.Figure()
    numbers = [record.number for record in records]
    for (name, values), colour in zip(series.items(), PALETTE, strict=False):
        figure.add_scatter(
            x=_times(records, zone) if zone else numbers,
            y=values,
            name=name,
            # Between two runs that are hours apart nothing is known.
            mode="markers" if zone else "lines+markers",
            line_color=colour,
            hovertemplate=("" if zone else _("run") + " ")
            + f"%{{x}}: %{{y:.0f}} {unit} {name}<extra></extra>",
        )
    figure.update_layout(yaxis_title=unit)
    figure.update_yaxes(rangemode="tozero")
    return laid_out(figure if zone else _over_runs(figure, numbers), 300)


def _over_runs(figure: go.Figure, numbers: Sequence[int]) -> go.Figure:
    first, last = (min(numbers), max(numbers)) if numbers else (1, 1)
    # One bar alone would fill the whole width.
    shown = [first - 0.6, max(last, first + _LEAST_RUNS - 1) + 0.6]
    figure.update_xaxes(title=_("run"), range=shown, minor_showgrid=False, **whole_ticks(shown))
    return figure


def _times(records: Sequence[RunRecord], zone: tzinfo) -> list[str]:
    # As text without a zone, which the chart would shift back.
    return [f"{one.used.started_at.astimezone(zone):%Y-%m-%d %H:%M:%S.%f}" for one in records]


_WIDTH, _HEIGHT = 240, 48
_ACCENT = "#14998C"


def sparkline(values: Sequence[float], top: float, most: int) -> str:
    """Return a small SVG picture of the newest of at most so many values, from 0 to the top.

    Streamlit's own small charts have no scale that could be told: 2 MB fill the height.
    """
    step = _WIDTH / max(1, most - 1)
    first = _WIDTH - step * (len(values) - 1)
    points = " ".join(
        f"{first + step * place:.1f},{_HEIGHT - 2 - (_HEIGHT - 4) * min(value / top, 1.0):.1f}"
        for place, value in enumerate(values)
    )
    area = f"{first:.1f},{_HEIGHT} {points} {_WIDTH},{_HEIGHT}" if values else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'width="{_WIDTH}" height="{_HEIGHT}">'
        f'<polygon points="{area}" fill="{_ACCENT}" fill-opacity="0.2"/>'
        f'<polyline points="{points}" fill="none" stroke="{_ACCENT}" stroke-width="2"/></svg>'
    )
