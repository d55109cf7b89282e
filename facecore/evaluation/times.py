"""How long photos take."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from facecore.results import Analysis
from facecore.statistics.intervals import PercentileEstimate


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeReport:
    """Milliseconds that a photo takes from its bytes to the answer."""

    median: PercentileEstimate
    p90: PercentileEstimate


def evaluate_times(analyses: Iterable[Analysis]) -> TimeReport:
    """Sum up the photos' total times; one that an earlier result served again is left out."""
    times_ms = [analysis.timings.total_ms for analysis in analyses if not analysis.reused]
    return TimeReport(
        median=PercentileEstimate.of(times_ms, 50), p90=PercentileEstimate.of(times_ms, 90)
    )
