"""Times per photo."""

from __future__ import annotations

import pytest

from facecore.evaluation.times import evaluate_times
from facecore.statistics.intervals import PercentileEstimate
from tests.evaluation.conftest import analysis


def test_no_photos_take_no_time() -> None:
    """Without photos there is neither a median nor a 90th percentile."""
    report = evaluate_times([])
    assert report.median == report.p90 == PercentileEstimate(None, None, 0)


def test_times_by_hand() -> None:
    """Median and 90th percentile of 0 to 100 ms in steps of one are 50 and 90 ms."""
    report = evaluate_times([analysis(total_ms=float(time_ms)) for time_ms in range(101)])
    assert report.median.value == pytest.approx(50)
    assert report.p90.value == pytest.approx(90)
    assert report.p90.interval is not None
    assert report.p90.interval[0] < 90 < report.p90.interval[1]


def test_answers_that_reused_earlier_work_do_not_count() -> None:
    """A photo that was not read from its bytes tells nothing of what that takes."""
    photos = [analysis(total_ms=8), analysis(total_ms=12), analysis(total_ms=1, reused=("decode",))]
    report = evaluate_times(photos)
    assert (report.median.value, report.median.n) == (10, 2)
