"""Answers and run records as plain values, JSON lines and CSV, for other programs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd

from facecore.engines import option_values
from facecore.results import (
    AGE_GROUPS,
    GENDERS,
    AgeGroupPrediction,
    Analysis,
    Box,
    Detection,
    Face,
    GenderPrediction,
)
from facecore.serving.history import RunRecord

_BYTES_PER_MB = 1e6


def analysis_to_dict(name: str, analysis: Analysis) -> dict[str, Any]:
    """Return an analysis in the form of the command line's ``--json``.

    Boxes are xyxy pixels of the upright photo, times milliseconds, memory
    megabytes (10**6 bytes), the timestamp ISO 8601 in UTC.
    """
    used = analysis.resources
    stages = analysis.timings.by_stage()
    return {
        "path": name,
        "size_wh": list(analysis.size_wh),
        "faces": [face_to_dict(face, analysis.settings.unsure_below) for face in analysis.faces],
        "timings_ms": {
            **{stage: round(time_ms, 3) for stage, time_ms in stages.items()},
            "total": round(analysis.timings.total_ms, 3),
        },
        "resources": {
            "cpu_time_s": round(used.cpu_time_s, 4),
            "cpu_percent": round(used.cpu_percent, 1),
            "rss_mb": round(used.rss_after_bytes / _BYTES_PER_MB, 1),
            "peak_rss_mb": round(used.peak_rss_bytes / _BYTES_PER_MB, 1),
            "timestamp": used.started_at.isoformat(),
        },
        "settings": asdict(analysis.settings),
    }


def error_to_dict(name: str, message: str) -> dict[str, str]:
    """Return a failed file in the form of the command line's ``--json``."""
    return {"path": name, "error": message}


def face_to_dict(face: Face, unsure_below: float) -> dict[str, Any]:
    """Return one face with all its probabilities; answers below the threshold are marked unsure."""
    return {
        "box_xyxy": list(face.box.xyxy),
        "confidence": face.confidence,
        "gender": face.gender.label,
        "gender_probabilities": face.gender.as_dict(),
        "age_group": face.age_group.label,
        "age_group_probabilities": face.age_group.as_dict(),
        "expected_age": round(face.age_group.expected_age, 1),
        "unsure": _unsure(face, unsure_below),
    }


def face_from_dict(values: Mapping[str, Any]) -> Face:
    """Return the face that `face_to_dict` told of.

    Raises:
        ValueError, TypeError, KeyError: the values are not those of a face.
    """
    x0, y0, x1, y1 = values["box_xyxy"]
    return Face(
        Detection(Box(x0, y0, x1, y1), values["confidence"]),
        GenderPrediction(tuple(values["gender_probabilities"][label] for label in GENDERS)),
        AgeGroupPrediction(tuple(values["age_group_probabilities"][age] for age in AGE_GROUPS)),
    )


def _unsure(face: Face, unsure_below: float) -> dict[str, bool]:
    return {
        "gender": face.gender.probability < unsure_below,
        "age_group": face.age_group.probability < unsure_below,
    }


def to_json_line(entry: dict[str, Any]) -> str:
    """Write one entry as one line of JSON, in ASCII, so that any output can hold it."""
    return json.dumps(entry, allow_nan=False)


def faces_table(named: Iterable[tuple[str, Analysis]]) -> pd.DataFrame:
    """Return one row per face of all photos, every probability in a column of its own.

    The columns are there also where there is no face.
    """
    probability_columns = [f"gender {label}" for label in GENDERS]
    probability_columns += [f"age {label}" for label in AGE_GROUPS]
    columns = ["photo", "face", "x0", "y0", "x1", "y1", "confidence", "gender", "age_group"]
    columns += ["expected_age", "gender_unsure", "age_group_unsure"]
    rows = [
        [
            *(name, number, *face.box.xyxy, face.confidence),
            *(face.gender.label, face.age_group.label, round(face.age_group.expected_age, 1)),
            *_unsure(face, analysis.settings.unsure_below).values(),
            *(*face.gender.probabilities, *face.age_group.probabilities),
        ]
        for name, analysis in named
        for number, face in enumerate(analysis.faces, start=1)
    ]
    return pd.DataFrame(rows, columns=[*columns, *probability_columns])


def runs_table(records: Sequence[RunRecord]) -> pd.DataFrame:
    """Return one row per run, units in the column names (MB is 10**6 bytes)."""
    return pd.DataFrame(
        [_run_row(record) for record in records],
        columns=None if records else ["run", "time", "source", "photo"],
    )


def _run_row(record: RunRecord) -> dict[str, Any]:
    stages = record.timings.by_stage()
    return {
        "run": record.number,
        "time": record.started_at,
        "source": record.source,
        "photo": record.name,
        "width_px": record.size_wh[0],
        "height_px": record.size_wh[1],
        "faces": record.faces,
        "total_ms": record.timings.total_ms,
        **{f"{stage}_ms": time_ms for stage, time_ms in stages.items()},
        "waited_ms": record.waited_ms,
        "reused_stages": " ".join(record.reused),
        "cpu_time_s": record.cpu_time_s,
        "cpu_percent_of_core": record.cpu_percent_of_core,
        "cpu_percent_of_allowed": record.cpu_percent_of_allowed,
        "rss_before_mb": record.rss_before_bytes / _BYTES_PER_MB,
        "rss_after_mb": record.rss_after_bytes / _BYTES_PER_MB,
        "peak_rss_mb": record.peak_rss_bytes / _BYTES_PER_MB,
        "other_runs": record.other_runs,
        **asdict(record.settings),
        **option_values(record.runtime),
    }


def csv_bytes(table: pd.DataFrame) -> bytes:
    """Write a table as UTF-8 CSV that a spreadsheet shows as text, not as formulas.

    A cell of text that begins with =, +, - or @ is set behind an apostrophe
    (OWASP, "CSV Injection"), and control characters such as line ends become
    spaces, so that a file's name stays in its cell; spaces around it are cut off.
    """
    guarded = table.copy()
    for column in guarded.columns[guarded.dtypes.map(pd.api.types.is_string_dtype)]:
        guarded[column] = guarded[column].map(spreadsheet_text)
    return guarded.to_csv(index=False).encode("utf-8")


def spreadsheet_text(cell: Any) -> Any:
    """Return a cell as a spreadsheet shows it as text, see `csv_bytes`; only text is changed."""
    if not isinstance(cell, str):
        return cell
    plain = re.sub(r"[\x00-\x1f\x7f]+", " ", cell).strip()
    return f"'{plain}" if plain[:1] in ("=", "+", "-", "@") else plain
