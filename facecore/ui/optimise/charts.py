"""The Plotly figure of the Optimise page, from plain values; no Streamlit in here."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from facecore.optimise.report.tables import Dot
from facecore.ui.charts import PALETTE, laid_out
from facecore.wording import _

_LEAST_PX, _MOST_PX = 9.0, 32.0


def pareto(dots: Sequence[Dot], answers: str) -> go.Figure:
    """Draw answers over time, memory as size, a colour per engine, intervals as lines.

    Args:
        dots: at least one.
        answers: what their percent are.
    """
    figure = go.Figure()
    most_mb = max(dot.memory_mb for dot in dots) or 1.0
    front = sorted((dot for dot in dots if dot.is_on_front), key=lambda one: one.time_ms)
    figure.add_scatter(
        x=[dot.time_ms for dot in front],
        y=[dot.percent for dot in front],
        mode="lines",
        line={"color": "#888888", "dash": "dash"},
        hoverinfo="skip",
        showlegend=False,
    )
    engines = dict.fromkeys(dot.engine for dot in dots)
    for engine, colour in zip(engines, PALETTE * len(dots), strict=False):
        ours = [dot for dot in dots if dot.engine == engine]
        _add_dots(figure, ours, colour, most_mb)
    for dot in dots:
        if dot.is_recommended:
            figure.add_annotation(
                x=dot.time_ms,
                y=dot.percent,
                text=f"<b>{html.escape(_(dot.name))}</b>",
                ay=-38,
                ax=0,
            )
    low = min(dot.percent_reach[0] for dot in dots)
    span = max(1.0, 100 - low)
    slowest = max(dot.time_reach[1] for dot in dots)
    figure.update_xaxes(title=_("milliseconds a photo"), range=[0, 1.05 * slowest])
    figure.update_yaxes(title=_(answers), range=[100 - 1.05 * span, 100 + 0.2 * span])
    return laid_out(figure, 420, legend=True)


def _add_dots(figure: go.Figure, ours: Sequence[Dot], colour: str, most_mb: float) -> None:
    """Add the dots of one engine."""
    figure.add_scatter(
        x=[dot.time_ms for dot in ours],
        y=[dot.percent for dot in ours],
        error_x=_reach([(dot.time_ms, *dot.time_reach) for dot in ours]),
        error_y=_reach([(dot.percent, *dot.percent_reach) for dot in ours]),
        mode="markers",
        name=html.escape(ours[0].engine),
        text=[html.escape(_(dot.words)) for dot in ours],
        hovertemplate="%{text}<extra></extra>",
        marker={
            # The area is what the eye takes for the size.
            "size": [max(_LEAST_PX, _MOST_PX * (d.memory_mb / most_mb) ** 0.5) for d in ours],
            "symbol": ["circle-open" if dot.violates else "circle" for dot in ours],
            "color": colour,
        },
    )


def _reach(values: Sequence[tuple[float, float, float]]) -> dict[str, Any]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [high - value for value, low, high in values],
        "arrayminus": [value - low for value, low, high in values],
        "color": "#888888",
        "thickness": 1,
    }
