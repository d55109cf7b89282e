"""Figures of the Compare page: what names of variants must not do to them."""

from __future__ import annotations

import pytest

from facecore.experiment.report import Outcome
from facecore.experiment.variants import Variant
from facecore.ui.compare import charts as compare_charts
from tests.experiment.conftest import MadeExperiment, made, made_trial

__all__ = ["made"]  # a fixture


def test_numbers_as_names_are_no_places_on_a_scale(made: MadeExperiment) -> None:
    """Variants called by their longest side have their own places, in their order."""
    plan = made().plan
    variants = (Variant(name="1600"), Variant(name="800"))
    outcome = Outcome.of(made(plan=type(plan)(variants=variants)))
    names = [one.variant.name for one in outcome.reports]
    for figure in (
        compare_charts.latency_violins(outcome.experiment.trials, names),
        compare_charts.stage_bars(outcome.reports),
        compare_charts.cpu_bars(outcome.reports),
        compare_charts.memory_bars(outcome.reports),
    ):
        assert figure.layout.yaxis.type == "category"


@pytest.mark.parametrize(("name", "shown"), [('"a"', '"a"'), ("a & b<br>", "a &amp; b&lt;br&gt;")])
def test_names_are_no_html(name: str, shown: str) -> None:
    """What Plotly would take for HTML is escaped, and nothing that it would show escaped."""
    figure = compare_charts.live([], [name, "other"])
    assert figure.data[0].name == shown


def test_long_names_leave_room_for_the_chart(made: MadeExperiment) -> None:
    """Names that begin alike have a bar each, and short labels."""
    plan = made().plan
    variants = tuple(Variant(name="<" * 50 + end) for end in "ab")
    outcome = Outcome.of(made(plan=type(plan)(variants=variants)))
    bars = compare_charts.memory_bars(outcome.reports)
    assert len(set(bars.data[0].y)) == 2
    assert list(bars.layout.yaxis.tickvals) == list(bars.data[0].y)
    assert list(bars.layout.yaxis.ticktext) == ["&lt;" * 23 + "…"] * 2
    assert compare_charts.live([], [variants[0].name]).data[0].name == "&lt;" * 23 + "…"


def test_live_chart_has_bounds() -> None:
    """Thousands of trials must not keep the server from measuring: the newest are drawn."""
    trials = [made_trial(number % 2, "a.jpg", number) for number in range(5000)]
    figure = compare_charts.live(trials, ["a", "b"])
    assert sum(len(points.x) for points in figure.data) == compare_charts.LIVE_TRIALS
    assert max(figure.data[1].x) == trials[-1].started_s
