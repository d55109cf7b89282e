"""What the figures of all pages have in common; no Streamlit in any of them."""

from __future__ import annotations

from collections.abc import Iterable

import plotly.graph_objects as go

from facecore.results import STAGES

PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C8C00", "#7F7F7F")
"""Okabe and Ito's, with two more: told apart with colour-blind eyes and on dark and light."""

STAGE_COLOURS = dict(
    zip(
        STAGES,
        # Okabe and Ito's palette, told apart with colour-blind eyes and on dark and light.
        ("#56B4E9", "#CC79A7", "#E69F00", "#009E73", "#0072B2", "#D55E00"),
        strict=True,
    )
)


_FEW = 10


def whole_ticks(values: Iterable[float]) -> dict[str, object]:
    """Return what an axis of counts needs so that no number stands on it twice.

    By itself Plotly sets ticks at halves where there are few values, and "d" rounds them.
    """
    found = list(values)
    few = not found or max(found) - min(found) <= _FEW
    return {"tickformat": "d", **({"dtick": 1} if few else {})}


def laid_out(figure: go.Figure, height_px: int, *, legend: bool | None = None) -> go.Figure:
    """Return the figure with narrow margins and its legend above, by itself from two traces on."""
    return figure.update_layout(
        height=height_px,
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0, "traceorder": "normal"},
        showlegend=len(figure.data) > 1 if legend is None else legend,
    )
