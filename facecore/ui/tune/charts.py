"""Plotly figures of the Tune page, from plain values; no Streamlit in here."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from facecore.evaluation.calibration import BINS, Reliability
from facecore.evaluation.thresholds import STEPS, Scores, ThresholdScores
from facecore.ui.charts import PALETTE, laid_out
from facecore.wording import Text, _

_ACCEPTED, _REJECTED = "#009E73", "#E69F00"
_LIKELY_FROM = 0.2
_HEIGHT_PX = 280
_BARS = 50
_RIGHT_OF = Text(
    "said {said}: {right} of {n} right",
    said="%{customdata[0]:.0%}",
    right="%{y:.0%}",
    n="%{customdata[1]}",
)
_LINES = {"precision": "#0072B2", "recall": "#E69F00", "f1": "#009E73"}


def faces_by_threshold(confidences: NDArray[np.float64], threshold: float) -> go.Figure:
    """Draw how many boxes reach each threshold, as steps, with the threshold marked.

    Args:
        confidences: of all candidates, 0 to 1, in any order.
        threshold: 0 to 1.
    """
    rising = np.sort(confidences)
    reached = len(rising) - np.searchsorted(rising, STEPS, side="left")
    figure = go.Figure(
        go.Scatter(
            x=STEPS,
            y=reached.tolist(),
            mode="lines",
            line={"shape": "vh", "color": _ACCEPTED},
            hovertemplate=_(
                "from {threshold} on: {faces} faces", threshold="%{x:.2f}", faces="%{y}"
            )
            + "<extra></extra>",
        )
    )
    # Near 0 the detector offers boxes by the hundred; they would flatten all the rest.
    likely = int((rising >= _LIKELY_FROM).sum())
    figure.update_yaxes(title=_("faces"), range=[0, max(5, 1.4 * likely)])
    return _over_threshold(figure, threshold)


def confidences_histogram(confidences: NDArray[np.float64], threshold: float) -> go.Figure:
    """Draw how the candidates' confidences spread; accepted and rejected in two colours."""
    figure = go.Figure()
    for name, colour, values in (
        (_("accepted"), _ACCEPTED, confidences[confidences >= threshold]),
        (_("rejected"), _REJECTED, confidences[confidences < threshold]),
    ):
        counts, edges = np.histogram(values, bins=_BARS, range=(0, 1))
        figure.add_bar(
            x=((edges[:-1] + edges[1:]) / 2).tolist(),
            y=counts.tolist(),
            width=1 / _BARS,
            name=name,
            marker_color=colour,
            hovertemplate="%{x:.2f}: %{y} " + name + "<extra></extra>",
        )
    figure.update_layout(barmode="stack", bargap=0)
    figure.update_yaxes(title=_("candidates, logarithmic"), type="log", dtick=1)
    return _over_threshold(figure, threshold)


def scores_by_threshold(scores: ThresholdScores, threshold: float) -> go.Figure:
    """Draw precision, recall and F1 over the threshold, with the threshold marked."""
    figure = go.Figure()
    for name, values in scores.lines().items():
        figure.add_scatter(
            x=scores.thresholds,
            y=values,
            name="F1" if name == "f1" else _(name),
            mode="lines",
            line={"shape": "vh", "color": _LINES[name]},
            hovertemplate=_("from {threshold} on: {score}", threshold="%{x:.2f}", score="%{y:.3f}")
            + "<extra></extra>",
        )
    figure.update_yaxes(title=_("score"), range=[0, 1.03])
    return _over_threshold(figure, threshold)


def precision_recall(
    scores: Mapping[str, ThresholdScores], here: Scores | None = None
) -> go.Figure:
    """Draw precision over recall, a line for each name, with the point of the threshold marked."""
    figure = go.Figure()
    for (name, one), colour in zip(scores.items(), PALETTE, strict=False):
        lines = one.lines()
        figure.add_scatter(
            x=lines["recall"],
            y=lines["precision"],
            mode="lines",
            name=name,
            line_color=colour,
            customdata=one.thresholds,
            hovertemplate=_(
                "recall {recall}, precision {precision} from {threshold} on",
                recall="%{x:.3f}",
                precision="%{y:.3f}",
                threshold="%{customdata:.2f}",
            )
            + "<extra></extra>",
        )
    if here is not None and here.precision.value is not None:
        figure.add_scatter(
            x=[here.recall.value],
            y=[here.precision.value],
            mode="markers",
            name=_("this threshold"),
            marker={"size": 12, "color": _LINES["recall"]},
            hovertemplate=_(
                "recall {recall}, precision {precision}", recall="%{x:.3f}", precision="%{y:.3f}"
            )
            + "<extra></extra>",
        )
    figure.update_xaxes(title=_("recall"), range=[0, 1.03])
    figure.update_yaxes(title=_("precision"), range=[0, 1.03])
    return laid_out(figure, _HEIGHT_PX)


def f1_by_threshold(scores: Mapping[str, ThresholdScores]) -> go.Figure:
    """Draw F1 over the threshold, a line for each name."""
    figure = go.Figure()
    for (name, one), colour in zip(scores.items(), PALETTE, strict=False):
        figure.add_scatter(
            x=one.thresholds,
            y=one.lines()["f1"],
            name=name,
            mode="lines",
            line={"shape": "vh", "color": colour},
            hovertemplate=_("from {threshold} on: {score}", threshold="%{x:.2f}", score="%{y:.3f}")
            + "<extra></extra>",
        )
    figure.update_yaxes(title="F1", range=[0, 1.03])
    figure.update_xaxes(title=_("threshold"), range=[0, 1])
    return laid_out(figure, _HEIGHT_PX)


def reliability_diagram(found: Reliability) -> go.Figure:
    """Draw how many answers of each probability are right, with counts and 95 % intervals.

    Where the bars reach the dashed line, probabilities mean what they say.
    """
    middles = [(min(int(one.probability * BINS), BINS - 1) + 0.5) / BINS for one in found.bins]
    shares = [one.right.value or 0.0 for one in found.bins]
    ends = [one.right.interval or (0.0, 1.0) for one in found.bins]
    figure = go.Figure(
        go.Bar(
            x=middles,
            y=shares,
            width=0.9 / BINS,
            marker_color=_LINES["precision"],
            error_y={
                "array": [end[1] - share for share, end in zip(shares, ends, strict=True)],
                "arrayminus": [
                    share - low for share, (low, high) in zip(shares, ends, strict=True)
                ],
                "color": "#888888",
            },
            customdata=[(one.probability, one.right.n) for one in found.bins],
            hovertemplate=_(_RIGHT_OF) + "<extra></extra>",
        )
    )
    # Above the bars, as one in which nothing is right has no height to hold it.
    counts = [str(one.right.n) for one in found.bins]
    figure.add_scatter(
        x=middles, y=[1.07] * len(counts), mode="text", text=counts, hoverinfo="skip"
    )
    figure.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        line={"dash": "dash", "color": "#888888"},
        hoverinfo="skip",
    )
    figure.update_xaxes(title=_("probability of the answer"), range=[0, 1], tickformat=".0%")
    figure.update_yaxes(title=_("right"), range=[0, 1.13], tickformat=".0%")
    return laid_out(figure, _HEIGHT_PX, legend=False)


def _over_threshold(figure: go.Figure, threshold: float) -> go.Figure:
    figure.add_vline(x=threshold, line_width=2, line_dash="dash", line_color="#888888")
    figure.update_xaxes(title=_("threshold"), range=[0, 1])
    return laid_out(figure, _HEIGHT_PX)
