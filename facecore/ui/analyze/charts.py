"""Plotly figures of the Analyze page, from plain values; no Streamlit in here."""

from __future__ import annotations

import plotly.graph_objects as go

from facecore.results import StageTimings
from facecore.ui.charts import STAGE_COLOURS, laid_out
from facecore.wording import _


def stage_bar(timings: StageTimings) -> go.Figure:
    """Draw one run's time by stage as one stacked bar, milliseconds; stages of 0 are left out."""
    figure = go.Figure()
    for stage, time_ms in timings.by_stage().items():
        if time_ms > 0:
            figure.add_bar(
                x=[time_ms],
                y=[""],
                name=f"{_(stage)} {time_ms:.1f}",
                orientation="h",
                marker_color=STAGE_COLOURS[stage],
                hovertemplate=f"{_(stage)}: %{{x:.1f}} ms<extra></extra>",
            )
    figure.update_layout(barmode="stack", xaxis_title=_("milliseconds"))
    return laid_out(figure, 150)
