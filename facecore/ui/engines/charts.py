"""Plotly figures of the Engines page, from plain values; no Streamlit in here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from facecore.ui.charts import PALETTE, laid_out
from facecore.wording import Text, _

_TIMES = {
    "face_ms": Text("one face"),
    "face_ms_of_8": Text("a face of eight"),
    "detector_ms": Text("detector"),
}


def times(rows: Sequence[Mapping[str, Any]]) -> go.Figure:
    """Draw the medians of one thread with their 95 % intervals, milliseconds."""
    figure = go.Figure()
    names = [row["title"] for row in rows]
    for (key, words), colour in zip(_TIMES.items(), PALETTE, strict=False):
        medians = [row[key] or 0.0 for row in rows]
        bounds = [row["intervals"].get(key, (m, m)) for row, m in zip(rows, medians, strict=True)]
        figure.add_bar(
            x=medians,
            y=names,
            name=_(words),
            orientation="h",
            marker_color=colour,
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [high - m for (_, high), m in zip(bounds, medians, strict=True)],
                "arrayminus": [m - low for (low, _), m in zip(bounds, medians, strict=True)],
                "color": "#888888",
            },
            hovertemplate=f"%{{y}}: %{{x:.1f}} ms {_(words)}<extra></extra>",
        )
    figure.update_layout(barmode="group")
    figure.update_xaxes(title=_("milliseconds"), rangemode="tozero")
    figure.update_yaxes(autorange="reversed", automargin=True)
    return laid_out(figure, 110 + 62 * len(rows))


def speed_and_memory(rows: Sequence[Mapping[str, Any]]) -> go.Figure:
    """Draw the time of a face, one thread, over the memory that the engine takes."""
    figure = go.Figure()
    for row, colour in zip(rows, PALETTE * 4, strict=False):
        if row["rss_mb"] is None:
            continue
        figure.add_scatter(
            x=[row["rss_mb"]],
            y=[row["face_ms"]],
            name=row["title"],
            mode="markers",
            marker={"size": 16, "color": colour},
            hovertemplate=_("{mb} MB, {time} ms a face", mb="%{x:.0f}", time="%{y:.1f}")
            + f"<extra>{row['title']}</extra>",
        )
    figure.update_xaxes(title=_("memory, MB"), rangemode="tozero")
    figure.update_yaxes(title=_("one face, ms"), rangemode="tozero")
    return laid_out(figure, 360, legend=True)
