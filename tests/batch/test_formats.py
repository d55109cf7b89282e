"""Rows of a batch as JSON lines, CSV and Parquet."""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pandas as pd
import pyarrow.parquet as pq
import pytest

from facecore.batch.formats import FORMATS, Format, format_for, parquet
from facecore.batch.formats.comma_separated import FACE_COLUMNS, write_faces
from facecore.export import PhotoRow, Row
from facecore.results import AGE_GROUPS, STAGES
from tests.batch.conftest import failed_row, row

ROWS: list[Row] = [row("a.jpg", 2), failed_row("b.jpg"), row("c.jpg", 0)]
VALUES = [msgspec.to_builtins(one) for one in ROWS]
COLUMNS = ["path", "error", "width_px", "height_px", "face_count", "latency_ms"]
COLUMNS += [f"{stage}_ms" for stage in STAGES]
COLUMNS += ["engine", "model_set", "cpu_time_s", "peak_rss_mb", "started_at", "faces"]
COLUMNS += ["time_s", "frame"]


def _written(suffix: str, rows: Any) -> bytes:
    file = io.BytesIO()
    format_for(suffix).write(rows, file, {"confidence": 0.7})
    return file.getvalue()


def _csv(rows: list[Row]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(_written(".csv", rows).decode("utf-8-sig"))))


def _parquet(rows: Any) -> pq.ParquetFile:
    return pq.ParquetFile(io.BytesIO(_written(".parquet", rows)))


def test_suffix_in_capitals_is_the_same() -> None:
    """A file may be called OUT.CSV."""
    assert [format_for(one.suffix.upper()) for one in FORMATS] == list(FORMATS)


def test_no_row_is_an_empty_table_with_its_columns() -> None:
    """Without a photo, each form is still one that other programs can open."""
    assert _written(".jsonl", []) == b""
    header = ",".join([*COLUMNS, "setting confidence"])
    assert _written(".csv", []).decode("utf-8-sig") == f"{header}\n"
    table = _parquet([]).read()
    assert (table.num_rows, table.schema.names) == (0, COLUMNS)


def test_json_lines_are_those_of_json() -> None:
    """Each line is the very row."""
    lines = _written(".jsonl", ROWS).decode("ascii").splitlines()
    assert [json.loads(line) for line in lines] == json.loads(json.dumps(VALUES))


def test_csv_has_a_row_per_photo_with_faces_as_json() -> None:
    """Every column has what the row says; what a failed photo has not is empty."""
    read, failed, empty = _csv(ROWS)
    assert list(read) == [*COLUMNS, "setting confidence"]
    assert read["setting confidence"] == failed["setting confidence"] == "0.7"
    assert json.loads(read["faces"]) == json.loads(json.dumps(VALUES[0]["faces"]))
    assert [read[name] for name in COLUMNS[:6]] == ["a.jpg", "", "640", "480", "2", "30.125"]
    assert (read["decode_ms"], read["detect_ms"], read["resize_ms"]) == ("1.25", "20.5", "0.0")
    assert (read["cpu_time_s"], read["peak_rss_mb"]) == ("0.05", "320.0")
    assert read["started_at"] == "2024-05-01T12:30:15.250000+00:00"
    assert (failed["path"], failed["error"]) == ("b.jpg", "It is broken.")
    assert set(list(failed.values())[2:-1]) == {""}
    assert (empty["face_count"], empty["faces"]) == ("0", "[]")


def test_faces_have_a_csv_of_their_own() -> None:
    """Each face is a row that Excel reads, with all its probabilities and the settings."""
    file = io.BytesIO()
    settings = {"confidence": 0.7, "rescue": True, "engine": "onnx", "photos": ["/a", "/b"]}
    write_faces([row("=é.jpg", 2), failed_row("b.jpg")], file, settings)
    assert file.getvalue().startswith(codecs.BOM_UTF8)
    first, second = csv.DictReader(io.StringIO(file.getvalue().decode("utf-8-sig")))
    assert list(first) == [*FACE_COLUMNS, "setting confidence", "rescue"]
    known = VALUES[0]["faces"][1]
    assert (second["photo"], second["face"]) == ("'=é.jpg", "2")
    assert [second[edge] for edge in ("x0", "y0", "x1", "y1")] == list(map(str, known["box_xyxy"]))
    assert float(second["age (25-32)"]) == known["age_group_probabilities"]["(25-32)"]
    assert (first["setting confidence"], first["rescue"], first["engine"]) == (
        *("0.7", "True"),
        "opencv",
    )


def test_csv_reads_the_same_with_pandas() -> None:
    """Counts stay whole numbers where pandas is told that they may be missing."""
    table = pd.read_csv(io.BytesIO(_written(".csv", ROWS)), dtype={"face_count": "Int64"})
    assert table["face_count"].tolist() == [2, pd.NA, 0]
    assert table["error"].isna().tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("=cmd().jpg", "'=cmd().jpg"),
        ("two\nlines.jpg", "two lines.jpg"),
        ('a,"b".jpg', 'a,"b".jpg'),
    ],
)
def test_csv_names_stay_text(name: str, cell: str) -> None:
    """A file's name is no formula and stays in its cell."""
    (read,) = _csv([row(name)])
    assert read["path"] == cell


def test_parquet_has_a_row_per_photo_with_nested_faces() -> None:
    """Types, nulls, faces and settings are as the row says."""
    file = _parquet(ROWS)
    read, failed, empty = file.read().to_pylist()
    assert list(read) == COLUMNS
    assert (read["path"], read["error"], read["face_count"]) == ("a.jpg", None, 2)
    assert (read["engine"], read["model_set"]) == ("opencv", "article")
    assert read["started_at"] == datetime(2024, 5, 1, 12, 30, 15, 250_000, tzinfo=UTC)
    known = VALUES[0]["faces"][1]
    face = read["faces"][1]
    assert dict(face["gender_probabilities"]) == known["gender_probabilities"]
    assert list(dict(face["age_group_probabilities"])) == list(AGE_GROUPS)
    assert face["box_xyxy"] == list(known["box_xyxy"])
    assert face["unsure"] == known["unsure"]
    assert (face["confidence"], face["expected_age"]) == (
        known["confidence"],
        known["expected_age"],
    )
    assert (failed["path"], failed["error"]) == ("b.jpg", "It is broken.")
    assert set(list(failed.values())[2:]) == {None}
    assert (empty["face_count"], empty["faces"]) == (0, [])
    assert json.loads(file.schema_arrow.metadata[b"facecore"]) == {"confidence": 0.7}


@pytest.mark.parametrize(
    ("rows", "faces", "groups"),
    [
        (50, 0, 1),
        (51, 0, 2),
        (20, 10, 4),
    ],
)
def test_parquet_is_written_in_groups(
    monkeypatch: pytest.MonkeyPatch, rows: int, faces: int, groups: int
) -> None:
    """A row group ends with so many photos or faces, and no row is lost between them."""
    monkeypatch.setattr(parquet, "ROWS_PER_GROUP", 50)
    monkeypatch.setattr(parquet, "FACES_PER_GROUP", 50)
    made = (row(f"{number:05}.jpg", faces) for number in range(rows))
    file = _parquet(made)
    assert file.num_row_groups == groups
    names = file.read(["path"]).to_pydict()["path"]
    assert names == [f"{number:05}.jpg" for number in range(rows)]


@pytest.mark.parametrize("one", FORMATS, ids=lambda one: one.title)
def test_rows_are_taken_one_by_one(one: Format, monkeypatch: pytest.MonkeyPatch) -> None:
    """No writer holds more rows than a row group."""
    monkeypatch.setattr(parquet, "ROWS_PER_GROUP", 10)
    alive = 0
    most = 0

    class Counted(PhotoRow, frozen=True):
        """A row that is counted while somebody holds it."""

        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    def rows() -> Iterator[Row]:
        nonlocal alive, most
        for number in range(100):
            alive += 1
            most = max(most, alive)
            yield Counted(**msgspec.structs.asdict(row(f"{number}.jpg")))

    one.write(rows(), io.BytesIO(), {})
    assert most <= 12
