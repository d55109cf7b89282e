"""Plotly figures of the Compare page, from plain values; no Streamlit in here."""

from __future__ import annotations

import html
from collections.abc import Collection, Sequence

import plotly.graph_objects as go

from facecore.experiment.record import Trial
from facecore.experiment.report import VariantReport
from facecore.results import STAGES
from facecore.ui.charts import PALETTE, STAGE_COLOURS, laid_out
from facecore.wording import _

_MB = 1e6
_LONGEST_LABEL = 24
"""Letters of a name beside a chart; more would leave no room for it on a phone."""
_POINTS_UP_TO = 60
LIVE_TRIALS = 400
"""Trials in the live chart: drawing thousands twice a second would slow what is measured."""


def live(trials: Sequence[Trial], names: Sequence[str]) -> go.Figure:
    """Draw the newest trials' times over the time since measuring began, a colour per variant."""
    figure = go.Figure()
    newest = trials[-LIVE_TRIALS:]
    for place, name in enumerate(names):
        ours = [trial for trial in newest if trial.variant == place]
        figure.add_scatter(
            x=[trial.started_s for trial in ours],
            y=[trial.timings.total_ms for trial in ours],
            name=_short(name),
            mode="markers",
            marker={"color": PALETTE[place], "size": 7},
            hovertemplate=_("{time} ms after {seconds} s", time="%{y:.0f}", seconds="%{x:.1f}")
            + "<extra></extra>",
        )
    figure.update_xaxes(title=_("seconds"))
    figure.update_yaxes(title=_("milliseconds"), rangemode="tozero")
    return laid_out(figure, 280, legend=True)


def latency_violins(trials: Sequence[Trial], names: Sequence[str]) -> go.Figure:
    """Draw how the times of each variant spread, with quartiles, milliseconds."""
    figure = go.Figure()
    for place, name in enumerate(names):
        times_ms = [trial.timings.total_ms for trial in trials if trial.variant == place]
        figure.add_violin(
            x=times_ms,
            name=_shown(name),
            orientation="h",
            line_color=PALETTE[place],
            box_visible=True,
            points="all" if len(times_ms) <= _POINTS_UP_TO else "outliers",
            # A curve beyond the values would show times that nobody measured.
            spanmode="hard",
            hoveron="points",
            hovertemplate="%{x:.0f} ms<extra></extra>",
        )
    figure.update_xaxes(title=_("milliseconds"), rangemode="tozero")
    figure.update_yaxes(**_variant_axis(names))
    return laid_out(figure, 90 + 75 * len(names), legend=False)


def stage_bars(reports: Sequence[VariantReport]) -> go.Figure:
    """Draw each variant's typical time by stage, stacked, milliseconds."""
    figure = go.Figure()
    names = _names(reports)
    for stage in STAGES:
        times_ms = [
            one.stages[stage].typical_ms or 0.0 if stage in one.stages else 0.0 for one in reports
        ]
        if any(times_ms):
            figure.add_bar(
                x=times_ms,
                y=names,
                name=_(stage),
                orientation="h",
                marker_color=STAGE_COLOURS[stage],
                hovertemplate=f"%{{y}}: %{{x:.1f}} ms {_(stage)}<extra></extra>",
            )
    figure.update_layout(barmode="stack")
    figure.update_xaxes(title=_("milliseconds"))
    figure.update_yaxes(**_variant_axis([one.variant.name for one in reports]))
    return laid_out(figure, 110 + 45 * len(reports), legend=True)


def cpu_bars(reports: Sequence[VariantReport]) -> go.Figure:
    """Draw CPU use on average and at most, in percent of one core."""
    return _grouped(
        reports,
        {
            _("on average"): [one.cpu_percent_average for one in reports],
            _("at most"): [one.cpu_percent_peak for one in reports],
        },
        _("% of one core"),
    )


def memory_bars(reports: Sequence[VariantReport]) -> go.Figure:
    """Draw the most memory that each variant's process held, megabytes (10**6 bytes)."""
    peaks = [None if one.peak_rss_bytes is None else one.peak_rss_bytes / _MB for one in reports]
    return _grouped(reports, {_("at most"): peaks}, "MB")


def speed_and_agreement(reports: Sequence[VariantReport], best: Collection[int]) -> go.Figure:
    """Draw agreement with the baseline over time, a star at the best, which are places."""
    points = _speeds_and_agreements(reports)
    figure = go.Figure()
    for place, (time_ms, same) in points.items():
        is_best = place in best
        figure.add_scatter(
            x=[time_ms],
            y=[same],
            mode="markers+text",
            # In the legend: in the plot the names of settings that agree lie upon each other.
            name=_short(reports[place].variant.name) + (" ★" if is_best else ""),
            text=["★" if is_best else ""],
            textposition="top center",
            cliponaxis=False,
            marker={
                "size": 14,
                "color": PALETTE[place],
                "symbol": "circle" if is_best else "circle-open",
            },
            hovertemplate=_("{time} ms, {percent} % the same", time="%{x:.0f}", percent="%{y:.0f}")
            + "<extra></extra>",
        )
    slowest = max((time_ms for time_ms, same in points.values()), default=1.0)
    figure.update_xaxes(title=_("milliseconds a photo"), range=[0, 1.25 * slowest])
    figure.update_yaxes(title=_("% of faces answered the same"), range=[-5, 118], tickmode="array")
    figure.update_yaxes(tickvals=[0, 25, 50, 75, 100])
    return laid_out(figure, 320, legend=True)


def _speeds_and_agreements(reports: Sequence[VariantReport]) -> dict[int, tuple[float, float]]:
    """Return time and percent of answers that are the same, by the variant's place."""
    return {
        place: (
            one.times.typical_ms,
            100.0 if one.agreement is None else 100 * one.agreement.share_same,
        )
        for place, one in enumerate(reports)
        # Without a photo in common, agreement would be that of nothing with nothing.
        if one.times.typical_ms is not None and (one.agreement is None or one.agreement.photos)
    }


def _grouped(
    reports: Sequence[VariantReport], series: dict[str, list[float | None]], unit: str
) -> go.Figure:
    figure = go.Figure()
    for (name, values), colour in zip(series.items(), ("#56B4E9", "#D55E00"), strict=False):
        figure.add_bar(
            x=values,
            y=_names(reports),
            name=name,
            orientation="h",
            marker_color=colour,
            texttemplate="%{x:.0f}",
            textangle=0,
            textposition="outside",
            cliponaxis=False,
            hovertemplate=f"%{{y}}: %{{x:.0f}} {unit} {name}<extra></extra>",
        )
    figure.update_layout(barmode="group")
    largest = max((value or 0.0 for values in series.values() for value in values), default=1.0)
    figure.update_xaxes(title=unit, range=[0, 1.15 * largest])
    figure.update_yaxes(**_variant_axis([one.variant.name for one in reports]))
    return laid_out(figure, 110 + 50 * len(reports), legend=len(series) > 1)


def _names(reports: Sequence[VariantReport]) -> list[str]:
    # Two names that look the same as HTML would share a bar; names are unique.
    return [_shown(one.variant.name) for one in reports]


def _variant_axis(names: Sequence[str]) -> dict[str, object]:
    return {
        # Else names such as 800 and 1600 would be places on a scale.
        "type": "category",
        "tickvals": [_shown(name) for name in names],
        "ticktext": [_short(name) for name in names],
        "autorange": "reversed",
        "automargin": True,
    }


def _short(name: str) -> str:
    return _shown(name if len(name) <= _LONGEST_LABEL else f"{name[: _LONGEST_LABEL - 1]}…")


def _shown(name: str) -> str:
    # Plotly takes a name for HTML, but does not know &quot;.
    return html.escape(name, quote=False)
