"""Rows as a batch keeps them, and small photos."""

from __future__ import annotations

from datetime import UTC, datetime

import cv2
import numpy as np

from facecore.export import FailedRow, PhotoRow
from facecore.results import (
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


def face(number: int = 0) -> Face:
    """Return a face whose numbers differ from those of another number."""
    share = (number % 7) / 10
    return Face(
        Detection(Box(number, 1, number + 20, 31), 0.9 + 1 / 30),
        {
            "gender": GenderPrediction((1 - share, share)),
            "age_group": AgeGroupPrediction((0.0, 0.0, 0.0, 0.1, 0.6, 0.2, 0.1, 0.0)),
        },
    )


def analysis(faces: int = 1) -> Analysis:
    """Return an answer with so many faces."""
    return Analysis(
        faces=tuple(face(number) for number in range(faces)),
        candidates=(),
        size_wh=(640, 480),
        timings=StageTimings(decode_ms=1.25, detect_ms=20.5, total_ms=30.125),
        resources=ResourceUsage(
            started_at=datetime(2024, 5, 1, 12, 30, 15, 250_000, tzinfo=UTC),
            wall_time_s=0.03,
            cpu_time_s=0.05,
            rss_before_bytes=300_000_000,
            rss_after_bytes=310_000_000,
            peak_rss_bytes=320_000_000,
        ),
        settings=AnalysisSettings(),
        engine="opencv",
        model_set="article",
    )


def row(name: str, faces: int = 1) -> PhotoRow:
    """Return the row of a photo that was read."""
    return PhotoRow.of(name, analysis(faces))


def failed_row(name: str) -> FailedRow:
    """Return the row of a photo that could not be read."""
    return FailedRow(name, "It is broken.")


def grey_png(side_px: int = 32, level: int = 128) -> bytes:
    """Return a small grey photo without a face."""
    written, data = cv2.imencode(".png", np.full((side_px, side_px, 3), level, np.uint8))
    assert written
    return data.tobytes()
