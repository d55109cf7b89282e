"""Plotly figures of the Batch page, from plain values; no Streamlit in here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from facecore.ui.charts import laid_out, whole_ticks

_SURE, _UNSURE = "#0072B2", "#9EC5E4"
_PHOTOS, _TIMES = "#009E73", "#E69F00"
_HEIGHT_PX = 260
_BAR_GAP = 0.15
_MOST_BINS = 40


def faces_per_photo(photos_by_faces: Mapping[int, int]) -> go.Figure:
    """Draw how many photos have how many faces."""
    numbers = sorted(photos_by_faces)
    figure = go.Figure(
        go.Bar(
            x=numbers,
            y=[photos_by_faces[number] for number in numbers],
            # By itself a bar is as wide as the smallest step between two numbers.
            width=0.8,
            marker_color=_PHOTOS,
            hovertemplate="%{x} faces: %{y} photos<extra></extra>",
        )
    )
    # One bar alone would fill the whole width, and have half numbers beside it.
    highest = max(5, *numbers) if numbers else 5
    figure.update_xaxes(title="faces", range=[-0.6, highest + 0.6], **whole_ticks([0, highest]))
    counts = whole_ticks([0, *photos_by_faces.values()])
    figure.update_yaxes(title="photos", rangemode="tozero", **counts)
    return laid_out(figure, _HEIGHT_PX).update_layout(bargap=_BAR_GAP)


def latencies(latencies_ms: Sequence[float]) -> go.Figure:
    """Draw how the photos' times spread, milliseconds."""
    figure = go.Figure(
        go.Histogram(
            x=list(latencies_ms),
            nbinsx=_MOST_BINS,
            marker_color=_TIMES,
            hovertemplate="%{x} ms: %{y} photos<extra></extra>",
        )
    )
    figure.update_xaxes(title="milliseconds", rangemode="tozero")
    # No bar is higher than all photos.
    counts = whole_ticks([0, len(latencies_ms)])
    figure.update_yaxes(title="photos", rangemode="tozero", **counts)
    return laid_out(figure, _HEIGHT_PX).update_layout(bargap=_BAR_GAP)


def answers(counts: Mapping[tuple[str, bool], int], labels: Sequence[str]) -> go.Figure:
    """Draw how many faces were read as what, of these labels, sure and unsure apart."""
    figure = go.Figure()
    for name, is_unsure, colour in (("sure", False, _SURE), ("unsure", True, _UNSURE)):
        figure.add_bar(
            x=labels,
            y=[counts.get((label, is_unsure), 0) for label in labels],
            name=name,
            marker_color=colour,
            hovertemplate=f"%{{x}}: %{{y}} faces, {name}<extra></extra>",
        )
    figure.update_layout(barmode="stack")
    figure.update_xaxes(type="category")
    totals = [sum(counts.get((label, unsure), 0) for unsure in (True, False)) for label in labels]
    figure.update_yaxes(title="faces", rangemode="tozero", **whole_ticks([0, *totals]))
    return laid_out(figure, _HEIGHT_PX).update_layout(bargap=_BAR_GAP)
