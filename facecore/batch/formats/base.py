"""What a format of a batch's rows offers, and the columns of those that are tables.

``path``, ``error`` (empty for a photo that was read), ``width_px`` and ``height_px``
of the upright photo, ``face_count``, ``latency_ms``, the time of each stage in
milliseconds, ``engine``, ``model_set``, ``cpu_time_s``, ``peak_rss_mb`` (MB is 10**6 bytes),
``started_at`` (UTC), ``faces``: all that ``--json`` says of them, and, for a frame of a video,
``time_s`` and ``frame``, its number from 0. In CSV the settings follow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from facecore.export import FailedRow, Row
from facecore.results import STAGES

COLUMNS = (
    *("path", "error", "width_px", "height_px", "face_count", "latency_ms"),
    *(f"{stage}_ms" for stage in STAGES),
    *("engine", "model_set", "cpu_time_s", "peak_rss_mb", "started_at", "faces"),
    *("time_s", "frame"),
)


@dataclass(frozen=True, slots=True)
class Format:
    """A way to write rows, one per photo, of which only a few are in memory at a time.

    Attributes:
        suffix: that of its files.
        title: what a page calls it.
        symbol: the Material symbol that stands for it.
        mime: its media type.
        write: writes all rows to a file; the settings are plain values that they depend on.
    """

    suffix: str
    title: str
    symbol: str
    mime: str
    write: Callable[[Iterable[Row], BinaryIO, Mapping[str, Any]], None]


def settings_cells(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that fit a cell, by their names; engine and networks are in each row."""
    return {
        name: value
        for name, value in settings.items()
        if name not in COLUMNS and not isinstance(value, list | tuple | Mapping)
    }


def cells(row: Row) -> dict[str, Any]:
    """Return a row by `COLUMNS`, without the faces; what a failed photo has not is not there."""
    if isinstance(row, FailedRow):
        return {"path": row.path, "error": row.error}
    return {
        "path": row.path,
        "width_px": row.size_wh[0],
        "height_px": row.size_wh[1],
        "face_count": len(row.faces),
        "latency_ms": row.timings_ms["total"],
        **{f"{stage}_ms": row.timings_ms[stage] for stage in STAGES},
        "engine": row.engine,
        "model_set": row.model_set,
        "cpu_time_s": row.resources.cpu_time_s,
        "peak_rss_mb": row.resources.peak_rss_mb,
        "started_at": row.resources.timestamp,
        "time_s": row.time_s,
        "frame": row.frame,
    }
