"""Analyses made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from facecore.results import (
    AGE_GROUPS,
    AgeGroupPrediction,
    Analysis,
    Box,
    Detection,
    Face,
    GenderPrediction,
    ResourceUsage,
    StageTimings,
)
from facecore.settings import AnalysisSettings

Xyxy = tuple[int, int, int, int]

SIZE_WH = (100, 80)
MIDDLE: Xyxy = (40, 30, 60, 50)
_USAGE = ResourceUsage(
    started_at=datetime(2026, 1, 1, tzinfo=UTC),
    wall_time_s=0.1,
    cpu_time_s=0.1,
    rss_before_bytes=1,
    rss_after_bytes=1,
    peak_rss_bytes=1,
)


def face(gender: str, group: int, xyxy: Xyxy = MIDDLE) -> Face:
    """Return a face that is surely of this gender and of the age group with this index."""
    male = 0.75 if gender == "Male" else 0.25
    ages = tuple(float(index == group) for index in range(len(AGE_GROUPS)))
    return Face(
        Detection(Box(*xyxy), 0.9),
        {"gender": GenderPrediction((male, 1 - male)), "age_group": AgeGroupPrediction(ages)},
    )


def found(*boxes: tuple[float, Xyxy]) -> tuple[Detection, ...]:
    """Return detections of these confidences and boxes."""
    return tuple(Detection(Box(*xyxy), confidence) for confidence, xyxy in boxes)


def analysis(
    faces: Sequence[Face] = (),
    candidates: Sequence[Detection] = (),
    *,
    total_ms: float = 10.0,
    reused: tuple[str, ...] = (),
) -> Analysis:
    """Return the analysis of a photo of 100×80 pixels."""
    return Analysis(
        faces=tuple(faces),
        candidates=tuple(candidates),
        size_wh=SIZE_WH,
        timings=StageTimings(total_ms=total_ms),
        resources=_USAGE,
        settings=AnalysisSettings(),
        reused=reused,
    )
