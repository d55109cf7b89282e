"""Plotly figures of the Models page, from plain values; no Streamlit in here."""

from __future__ import annotations

import plotly.graph_objects as go

from facecore.engines.facts import NetworkProfile
from facecore.ui.charts import STAGE_COLOURS, laid_out
from facecore.wording import _


def layer_times(profile: NetworkProfile, most: int = 20) -> go.Figure:
    """Draw the slowest layers of one forward pass, the rest summed up, milliseconds."""
    ranked = sorted(profile.layers, key=lambda layer: layer.time_ms, reverse=True)
    names = [f"{layer.name} ({layer.kind})" for layer in ranked[:most]]
    times_ms = [layer.time_ms for layer in ranked[:most]]
    if ranked[most:]:
        names.append(_("the other {n} layer", "the other {n} layers", n=len(ranked) - most))
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
    figure.update_xaxes(title=_("milliseconds"))
    figure.update_yaxes(autorange="reversed", automargin=True)
    return laid_out(figure, 90 + 22 * len(names))
