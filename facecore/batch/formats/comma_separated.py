"""Rows as CSV, one per photo with the faces as JSON text, or one per face; then the settings.

It is UTF-8 behind a byte order mark, without which Excel takes it for another encoding.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO

from facecore.batch.formats.base import COLUMNS, Format, cells, settings_cells
from facecore.export import FaceRow, PhotoRow, Row, spreadsheet_text, to_json_line
from facecore.results import AGE_GROUPS, GENDERS

FACE_COLUMNS = (
    *("photo", "face", "x0", "y0", "x1", "y1", "confidence", "gender", "age_group"),
    *("expected_age", "age_years", "gender_unsure", "age_group_unsure", "turned_degrees"),
    *(f"gender {label}" for label in GENDERS),
    *(f"age {label}" for label in AGE_GROUPS),
    *("engine", "model_set", "time_s", "frame", "track"),
)
"""What a row has for each face; boxes are pixels of the upright photo, probabilities 0 to 1."""


def write_faces(rows: Iterable[Row], file: BinaryIO, settings: Mapping[str, Any]) -> None:
    """Write a row for each face of the photos that were read, numbered from 1 in each."""
    _write_lines(FACE_COLUMNS, _faces(rows), file, settings)


def _write(rows: Iterable[Row], file: BinaryIO, settings: Mapping[str, Any]) -> None:
    _write_lines(COLUMNS, map(_photo, rows), file, settings)


FORMAT = Format(".csv", "CSV", "table", "text/csv", _write)


def _write_lines(
    columns: Iterable[str],
    lines: Iterable[Mapping[str, Any]],
    file: BinaryIO,
    settings: Mapping[str, Any],
) -> None:
    # A face has a confidence of its own.
    same = {
        f"setting {name}" if name in FACE_COLUMNS else name: value
        for name, value in settings_cells(settings).items()
    }
    text = io.TextIOWrapper(file, "utf-8-sig", newline="")
    writer = csv.DictWriter(text, [*columns, *same], lineterminator="\n")
    writer.writeheader()
    for line in lines:
        # Guarded as in `facecore.export.csv_bytes`.
        guarded = {name: spreadsheet_text(value) for name, value in {**line, **same}.items()}
        if "faces" in line:
            guarded["faces"] = line["faces"]
        writer.writerow(guarded)
    text.flush()
    text.detach()


def _photo(row: Row) -> dict[str, Any]:
    faces = {"faces": to_json_line(row.faces)} if isinstance(row, PhotoRow) else {}
    return cells(row) | faces


def _faces(rows: Iterable[Row]) -> Iterator[dict[str, Any]]:
    for row in rows:
        if isinstance(row, PhotoRow):
            for number, face in enumerate(row.faces, start=1):
                same: dict[str, Any] = {
                    "photo": row.path,
                    "engine": row.engine,
                    "model_set": row.model_set,
                }
                same |= {"time_s": row.time_s, "frame": row.frame}
                yield {**same, "face": number, **_face(face)}


def _face(face: FaceRow) -> dict[str, Any]:
    return {
        **dict(zip(("x0", "y0", "x1", "y1"), face.box_xyxy, strict=True)),
        "confidence": face.confidence,
        "gender": face.gender,
        "age_group": face.age_group,
        "expected_age": face.expected_age,
        "age_years": face.age_years,
        "gender_unsure": face.unsure["gender"],
        "age_group_unsure": face.unsure["age_group"],
        "turned_degrees": face.turned_degrees,
        "track": face.track,
        **{f"gender {label}": share for label, share in face.gender_probabilities.items()},
        **{f"age {label}": share for label, share in face.age_group_probabilities.items()},
    }
