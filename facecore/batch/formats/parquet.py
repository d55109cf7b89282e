"""Rows as Parquet, the faces as lists of structs; the settings are JSON in its metadata."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, BinaryIO

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from facecore.batch.formats.base import Format, cells
from facecore.export import FaceRow, FailedRow, Row
from facecore.results import STAGES

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
        ("age_years", pa.float64()),
        ("gender_probabilities_raw", pa.map_(pa.string(), pa.float64())),
        ("age_group_probabilities_raw", pa.map_(pa.string(), pa.float64())),
        ("turned_degrees", pa.int32()),
        ("track", pa.int32()),
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
        ("engine", pa.string()),
        ("model_set", pa.string()),
        ("cpu_time_s", pa.float64()),
        ("peak_rss_mb", pa.float64()),
        ("started_at", pa.timestamp("us", tz="UTC")),
        ("faces", pa.list_(_FACE)),
        ("time_s", pa.float64()),
        ("frame", pa.int64()),
    ]
)
_MAPS = frozenset(one.name for one in _FACE if pa.types.is_map(one.type))
_METADATA_KEY = "facecore"


def _write(rows: Iterable[Row], file: BinaryIO, settings: Mapping[str, Any]) -> None:
    schema = _SCHEMA.with_metadata({_METADATA_KEY: json.dumps(settings)})
    with pq.ParquetWriter(file, schema) as writer:
        for group in _groups(rows):
            writer.write_table(pa.Table.from_pylist(group, schema=schema))


FORMAT = Format(".parquet", "Parquet", "view_column", "application/vnd.apache.parquet", _write)


def _groups(rows: Iterable[Row]) -> Iterator[list[dict[str, Any]]]:
    group: list[dict[str, Any]] = []
    faces = 0
    for row in rows:
        line = cells(row)
        if not isinstance(row, FailedRow):
            line["started_at"] = datetime.fromisoformat(row.resources.timestamp)
            line["faces"] = [_with_maps(face) for face in row.faces]
            faces += len(row.faces)
        group.append(line)
        if len(group) >= ROWS_PER_GROUP or faces >= FACES_PER_GROUP:
            yield group
            group, faces = [], 0
    if group:
        yield group


def _with_maps(face: FaceRow) -> dict[str, Any]:
    return {
        name: list(value.items()) if name in _MAPS and value else value
        for name, value in msgspec.structs.asdict(face).items()
    }
