"""Figures of a run: percentiles, and the slope of a line through points."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def percentiles_ms(values_ms: Sequence[float]) -> dict[str, float]:
    """Return count, median, 90th, 99th percentile and the largest; only the count of nothing."""
    found: dict[str, float] = {"n": len(values_ms)}
    if values_ms:
        for name, percent in (("p50", 50), ("p90", 90), ("p99", 99), ("max", 100)):
            found[name] = round(float(np.percentile(values_ms, percent)), 1)
    return found


def slope(x: Sequence[float], y: Sequence[float]) -> float | None:
    """Return the slope of the line of least squares, or None where x does not vary."""
    if len(set(x)) < 2:
        return None
    return float(np.polyfit(x, y, 1)[0])
