"""The rows of a batch as JSON lines, CSV or Parquet; one row per photo, a few in memory at a time.

CSV and Parquet have these columns; what a failed photo has none of is empty:

``path``, ``error`` (empty for a photo that was read), ``width_px`` and ``height_px``
of the upright photo, ``face_count``, ``latency_ms``, the time of each stage in
milliseconds, ``cpu_time_s``, ``peak_rss_mb`` (MB is 10**6 bytes), ``started_at``
(UTC), and ``faces``: all that ``--json`` says of them.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from facecore.export import spreadsheet_text, to_json_line
from facecore.results import STAGES

Row = dict[str, Any]
"""One photo's answer or error, as `facecore.export.analysis_to_dict` gives it."""

ROWS_PER_GROUP = 1000
FACES_PER_GROUP = 5000
"""A row group of a Parquet file ends with so many rows or faces, whichever comes first."""

_FACE = pa.struct(
    [
        ("box_xyxy", pa.list_(pa.int32())),
        ("confidence", pa.float64()),
        ("gender", pa.string()),
        # Maps, as the age groups' names make no names of fields for some readers.
        ("gender_probabilities", pa.map_(pa.string(), pa.float64())),
        ("age_group", pa.string()),
        ("age_group_probabilities", pa.map_(pa.string(), pa.float64())),
        ("expected_age", pa.float64()),
        ("unsure", pa.struct([("gender", pa.bool_()), ("age_group", pa.bool_())])),
    ]
)
_SCHEMA = pa.schema(
    [
        pa.field("path", pa.string(), nullable=False),
        ("error", pa.string()),
        ("width_px", pa.int32()),
        ("height_px", pa.int32()),
        ("face_count", pa.int32()),
        ("latency_ms", pa.float64()),
        *((f"{stage}_ms", pa.float64()) for stage in STAGES),
        ("cpu_time_s", pa.float64()),
        ("peak_rss_mb", pa.float64()),
        ("started_at", pa.timestamp("us", tz="UTC")),
        ("faces", pa.list_(_FACE)),
    ]
)
_METADATA_KEY = "facecore"


def write_json_lines(rows: Iterable[Row], file: BinaryIO, settings: Mapping[str, Any]) -> None:
    """Write each row as ``--json`` prints it; the settings are in each that was read."""
    del settings
    for row in rows:
        file.write(to_json_line(row).encode() + b"\n")


def write_csv(rows: Iterable[Row], file: BinaryIO, settings: Mapping[str, Any]) -> None:
    """Write a CSV with the faces as JSON text; the settings are not in it.

    Text is guarded as in `facecore.export.csv_bytes`.
    """
    del settings
    text = io.TextIOWrapper(file, "utf-8", newline="")
    writer = csv.DictWriter(text, _SCHEMA.names, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        cells = {name: spreadsheet_text(value) for name, value in _cells(row).items()}
        if row.get("faces") is not None:
            cells["faces"] = json.dumps(row["faces"], allow_nan=False)
        writer.writerow(cells)
    text.flush()
    text.detach()


def write_parquet(rows: Iterable[Row], file: BinaryIO, settings: Mapping[str, Any]) -> None:
    """Write a Parquet file with the faces as lists of structs; settings are in its metadata.

    The metadata's key is ``facecore``, its value JSON.
    """
    schema = _SCHEMA.with_metadata({_METADATA_KEY: json.dumps(settings)})
    with pq.ParquetWriter(file, schema) as writer:
        for group in _groups(rows):
            writer.write_table(pa.Table.from_pylist(group, schema=schema))


Writer = Callable[[Iterable[Row], BinaryIO, Mapping[str, Any]], None]

WRITERS: dict[str, Writer] = {
    ".parquet": write_parquet,
    ".csv": write_csv,
    ".jsonl": write_json_lines,
}
"""How rows are written, by the suffix of the file."""


def _cells(row: Row) -> Row:
    if "error" in row:
        return {"path": row["path"], "error": row["error"]}
    times, used = row["timings_ms"], row["resources"]
    return {
        "path": row["path"],
        "width_px": row["size_wh"][0],
        "height_px": row["size_wh"][1],
        "face_count": len(row["faces"]),
        "latency_ms": times["total"],
        **{f"{stage}_ms": times[stage] for stage in STAGES},
        "cpu_time_s": used["cpu_time_s"],
        "peak_rss_mb": used["peak_rss_mb"],
        "started_at": used["timestamp"],
    }


def _groups(rows: Iterable[Row]) -> Iterator[list[Row]]:
    group: list[Row] = []
    faces = 0
    for row in rows:
        cells = _cells(row)
        if "error" not in cells:
            cells["started_at"] = datetime.fromisoformat(cells["started_at"])
            cells["faces"] = [_with_maps(face) for face in row["faces"]]
            faces += len(row["faces"])
        group.append(cells)
        if len(group) >= ROWS_PER_GROUP or faces >= FACES_PER_GROUP:
            yield group
            group, faces = [], 0
    if group:
        yield group


def _with_maps(face: Row) -> Row:
    names = ("gender_probabilities", "age_group_probabilities")
    return {**face, **{name: list(face[name].items()) for name in names}}
