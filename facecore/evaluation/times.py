"""How long photos take."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from facecore.results import Analysis
from facecore.statistics.intervals import PercentileEstimate


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeReport:
    """Milliseconds that a photo takes from its bytes to the answer."""

    median_ms: PercentileEstimate
    p90_ms: PercentileEstimate

    def as_dict(self) -> dict[str, Any]:
        """Return both figures as plain values."""
        return {"median": self.median_ms.as_dict(), "p90": self.p90_ms.as_dict()}


def evaluate_times(analyses: Iterable[Analysis]) -> TimeReport:
    """Take the photos' total times; one that an earlier result served again is left out."""
    times_ms = [analysis.timings.total_ms for analysis in analyses if not analysis.reused]
    return TimeReport(
        median_ms=PercentileEstimate.of(times_ms, 50), p90_ms=PercentileEstimate.of(times_ms, 90)
    )
