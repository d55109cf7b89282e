"""Figures of the Tune page: what is drawn of given numbers."""

from __future__ import annotations

import pytest

from facecore.evaluation.calibration import reliability
from facecore.ui.tune.charts import reliability_diagram


def test_reliability_has_a_bar_a_bin_with_its_count_and_interval() -> None:
    """No answers draw only the line of truth; certain ones stand in the last bin."""
    assert len(reliability_diagram(reliability([])).data[0].x) == 0
    bars, counts, line = reliability_diagram(
        reliability([(1.0, True), (0.96, False), (0.55, True), (0.55, True)])
    ).data
    assert list(bars.x) == pytest.approx([0.55, 0.95])
    assert list(bars.y) == [1.0, 0.5]
    assert list(counts.text) == ["2", "2"]
    assert bars.error_y.array[0] == 0
    assert 0.3 < bars.y[0] - bars.error_y.arrayminus[0] < 0.4
    assert list(line.y) == [0, 1]
