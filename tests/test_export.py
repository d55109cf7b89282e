"""Answers and runs as JSON lines and CSV, read back by other programs."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import pandas as pd
import pytest

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.engines import option_values
from facecore.export import (
    FailedRow,
    PhotoRow,
    Row,
    csv_bytes,
    faces_table,
    row_of,
    runs_table,
    to_json_line,
)
from facecore.results import (
    AGE_GROUPS,
    GENDERS,
    AgeGroupPrediction,
    Analysis,
    Box,
    Detection,
    Face,
    GenderPrediction,
    ResourceUsage,
    StageTimings,
)
from facecore.serving.history import RunHistory, RunRecord
from facecore.settings import AnalysisSettings, RuntimeOptions

AGES = (0.0, 0.0, 0.0, 0.125, 0.5, 0.25, 0.125, 0.0)
FACE = Face(
    Detection(Box(1, 2, 30, 40), 0.875),
    {"gender": GenderPrediction((0.25, 0.75)), "age_group": AgeGroupPrediction(AGES)},
)
ANALYSIS = Analysis(
    faces=(FACE,),
    candidates=(FACE.detection,),
    size_wh=(640, 480),
    timings=StageTimings(decode_ms=1.23456, detect_ms=20.0, classify_ms=30.5, total_ms=52.00049),
    resources=ResourceUsage(
        started_at=datetime(2024, 5, 1, 12, 30, tzinfo=UTC),
        wall_time_s=0.05,
        cpu_time_s=0.0812345,
        rss_before_bytes=200_000_000,
        rss_after_bytes=212_340_000,
        peak_rss_bytes=1_234_560_000,
    ),
    settings=AnalysisSettings(confidence=0.5),
    reused=("resize",),
)
EMPTY = replace(ANALYSIS, faces=(), candidates=())

FORM: dict[str, list[str]] = {
    "timings_ms": ["decode", "resize", "detect", "classify", "annotate", "total"],
    "resources": ["cpu_time_s", "cpu_percent", "rss_mb", "peak_rss_mb", "timestamp"],
}
FACE_KEYS = [
    "box_xyxy",
    "confidence",
    "gender",
    "gender_probabilities",
    "age_group",
    "age_group_probabilities",
    "expected_age",
    "unsure",
]
ODD_NAMES = ["élève 東京 🙂.png", 'a,"b";c.png', "two\nlines.png", "sep\u2028arated.png", "NA", ""]


def _record(name: str = "a.png", analysis: Analysis = ANALYSIS) -> RunRecord:
    return RunHistory().add(analysis, source="upload", name=name, runtime=RuntimeOptions(threads=1))


def _written(row: Row) -> dict[str, Any]:
    """Write a row and read its JSON, as other programs do."""
    entry = json.loads(to_json_line(row))
    assert isinstance(entry, dict)
    return entry


def _read_csv(data: bytes) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(data), keep_default_na=False, encoding="utf-8")


def test_photo_without_faces_has_an_empty_list() -> None:
    """No face is an empty list, with everything else in place."""
    entry = _written(PhotoRow.of("a.png", EMPTY))
    assert entry["faces"] == []
    assert entry["size_wh"] == [640, 480]


def test_entry_has_the_promised_keys_in_order() -> None:
    """Other programs find every promised key where it was promised."""
    entry = _written(PhotoRow.of("a.png", ANALYSIS))
    assert list(entry)[:5] == ["path", "size_wh", "faces", "timings_ms", "resources"]
    assert [list(face) for face in entry["faces"]] == [FACE_KEYS]
    for part, keys in FORM.items():
        assert [key for key in entry[part] if key in keys] == keys


def test_entry_holds_the_values_in_their_units() -> None:
    """Boxes are pixels, times milliseconds, memory 10**6 bytes, the timestamp ISO 8601 in UTC."""
    entry = _written(PhotoRow.of("dir/a.png", ANALYSIS))
    assert entry["path"] == "dir/a.png"
    assert entry["faces"] == [
        {
            "box_xyxy": [1, 2, 30, 40],
            "confidence": 0.875,
            "gender": "Female",
            "gender_probabilities": {"Male": 0.25, "Female": 0.75},
            "age_group": "(25-32)",
            "age_group_probabilities": dict(zip(AGE_GROUPS, AGES, strict=True)),
            # (0.125 × 17.5 + 0.5 × 28.5 + 0.25 × 40.5 + 0.125 × 50.5) years
            "expected_age": 32.9,
            "unsure": {"gender": False, "age_group": True},
        }
    ]
    times_ms = {"decode": 1.235, "resize": 0, "detect": 20, "classify": 30.5, "annotate": 0}
    assert entry["timings_ms"].items() >= (times_ms | {"total": 52.0}).items()
    assert entry["resources"] == {
        "cpu_time_s": 0.0812,
        "cpu_percent": 162.5,
        "rss_mb": 212.3,
        "peak_rss_mb": 1234.6,
        "timestamp": "2024-05-01T12:30:00+00:00",
    }


@pytest.mark.parametrize(
    ("unsure_below", "gender", "age_group"),
    [
        (0.0, False, False),
        (0.5, False, False),
        (0.51, False, True),
        (0.75, False, True),
        (0.76, True, True),
        (1.0, True, True),
    ],
)
def test_answers_below_the_threshold_are_unsure(
    unsure_below: float, gender: bool, age_group: bool
) -> None:
    """An answer is unsure where its probability is below the threshold, and not at it."""
    settings = replace(ANALYSIS.settings, unsure_below=unsure_below)
    (face,) = _written(PhotoRow.of("a.png", replace(ANALYSIS, settings=settings)))["faces"]
    assert face["unsure"] == {"gender": gender, "age_group": age_group}


def test_row_comes_back_as_it_was() -> None:
    """What was written of a photo gives the same row and the same face again."""
    row = PhotoRow.of("a.png", ANALYSIS)
    read = row_of(json.loads(to_json_line(row)))
    assert read == row
    assert isinstance(read, PhotoRow)
    assert [face.face() for face in read.faces] == [FACE]
    assert row_of({"path": "a", "error": "Bad."}) == FailedRow("a", "Bad.")
    for damaged in ({"path": "a"}, {"path": "a", "error": 5}, {**_written(row), "faces": [{}]}):
        with pytest.raises(msgspec.ValidationError):
            row_of(damaged)


def test_failed_file_has_path_and_error() -> None:
    """A failed file says which and why, and nothing else."""
    assert _written(FailedRow("a.png", "Bad.")) == {"path": "a.png", "error": "Bad."}


@pytest.mark.parametrize("name", ODD_NAMES)
def test_json_is_one_line_that_reads_back(name: str) -> None:
    """Whatever a file is called, its entry is one line, and the name comes back unchanged."""
    for entry in (PhotoRow.of(name, ANALYSIS), FailedRow(name, "Bad.")):
        line = to_json_line(entry)
        assert "\n" not in line
        assert "\r" not in line
        assert row_of(json.loads(line)) == entry


def test_json_is_ascii() -> None:
    """Letters beyond ASCII are escaped, so that an output of any encoding can hold them."""
    assert to_json_line(FailedRow("élève 東京 🙂.png", "Bad.")).isascii()


def test_number_that_json_does_not_know_is_refused() -> None:
    """NaN is no JSON, so it is an error here and not at the reader's."""
    with pytest.raises(ValueError, match="JSON"):
        to_json_line({"confidence": float("nan")})


@pytest.mark.parametrize("named", [[], [("a.png", EMPTY)]], ids=["no photo", "no face"])
def test_faces_table_without_faces_has_its_columns(named: list[tuple[str, Analysis]]) -> None:
    """No face is no row, and the columns are those of a full table."""
    table = faces_table(named)
    assert len(table) == 0
    assert list(table.columns) == list(faces_table([("a.png", ANALYSIS)]).columns)


def test_faces_table_has_a_row_per_face() -> None:
    """Faces are counted within their photo, and every probability has a column."""
    turned = replace(FACE, detection=replace(FACE.detection, turned_degrees=90))
    two = replace(ANALYSIS, faces=(FACE, turned))
    table = faces_table([("a.png", two), ("b.png", EMPTY), ("c.png", ANALYSIS)])
    assert table["photo"].tolist() == ["a.png", "a.png", "c.png"]
    assert table["face"].tolist() == [1, 2, 1]
    assert table["turned_degrees"].tolist() == [0, 90, 0]
    row: dict[str, Any] = {str(key): value for key, value in table.iloc[0].items()}
    assert [row[edge] for edge in ("x0", "y0", "x1", "y1")] == [1, 2, 30, 40]
    assert (row["confidence"], row["gender"], row["age_group"]) == (0.875, "Female", "(25-32)")
    assert [row[f"gender {label}"] for label in GENDERS] == [0.25, 0.75]
    assert tuple(row[f"age {label}"] for label in AGE_GROUPS) == AGES


def test_runs_table_without_runs_is_empty() -> None:
    """No run is no row, and still a table that can be written."""
    table = runs_table([])
    assert len(table) == 0
    assert csv_bytes(table).decode("utf-8-sig").startswith("run,time,source,photo")


def test_runs_table_has_a_row_per_run() -> None:
    """A run's row says what it was, what it cost, and under which settings."""
    record = _record()
    row = {str(key): value for key, value in runs_table([record]).iloc[0].items()}
    expected = {
        "run": 1,
        "source": "upload",
        "photo": "a.png",
        "width_px": 640,
        "height_px": 480,
        "faces": 1,
        "total_ms": 52.00049,
        "decode_ms": 1.23456,
        "encode_ms": 0.0,
        "reused_stages": "resize",
        "cpu_time_s": 0.0812345,
        "rss_before_mb": 200.0,
        "rss_after_mb": 212.34,
        "peak_rss_mb": 1234.56,
        "other_runs": 0,
    }
    assert {key: row[key] for key in expected} == expected
    settings = asdict(record.settings) | option_values(record.runtime)
    assert {key: row[key] for key in settings} == settings


@pytest.mark.parametrize("before", ["", "\t", "\r", "\n", "\x00", "\r\n\t"])
@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "＝", "＋"])
def test_text_that_a_spreadsheet_would_run_is_guarded(before: str, sign: str) -> None:
    """A cell that begins like a formula gets an apostrophe, also behind control characters."""
    table = pd.DataFrame({"photo": [f"{before}{sign}1+1"], "n": [1]})
    assert _read_csv(csv_bytes(table))["photo"].tolist() == [f"'{sign}1+1"]
    assert table["photo"].tolist() == [f"{before}{sign}1+1"]


@pytest.mark.parametrize("gap", [";", "; ", ";;"])
def test_a_semicolon_begins_no_formula(gap: str) -> None:
    """Where the comma is the decimal sign, what follows it is a cell of its own."""
    table = pd.DataFrame({"photo": [f"a{gap}=1+1;b"], "n": [1]})
    assert _read_csv(csv_bytes(table))["photo"].tolist() == [f"a{gap}'=1+1;b"]


@pytest.mark.parametrize("line_end", ["\r", "\n", "\r\n"])
def test_line_end_in_a_name_does_not_start_a_new_row(line_end: str) -> None:
    """A name with a line end in it stays one cell, so nothing behind it becomes a formula."""
    table = pd.DataFrame({"photo": [f"a{line_end}=cmd.png"], "n": [1]})
    rows = list(csv.reader(io.StringIO(csv_bytes(table).decode("utf-8-sig"), newline="")))
    assert rows == [["photo", "n"], ["a =cmd.png", "1"]]


@pytest.mark.parametrize("name", ["", "a=b.png", "plain", "'quoted", "a - b", "é-1"])
def test_other_text_is_left_alone(name: str) -> None:
    """Only the beginning of a cell decides."""
    table = pd.DataFrame({"photo": [name], "n": [1]})
    assert _read_csv(csv_bytes(table))["photo"].tolist() == [name]


def test_negative_numbers_are_left_alone() -> None:
    """A number is no formula, also in a column that has text beside it."""
    table = pd.DataFrame({"n": [-1.5, 2.0], "mixed": [-3, "-3"], "gap": [None, -1]})
    text = csv_bytes(table).decode("utf-8-sig")
    assert text.split() == ["n,mixed,gap", "-1.5,-3,", "2.0,'-3,-1.0"]
    assert table["mixed"].tolist() == [-3, "-3"]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_faces_csv_reads_back(analyzer: FaceAnalyzer, astronaut_file: bytes, name: str) -> None:
    """A real answer comes back from its CSV as the same table, line ends in names as spaces."""
    table = faces_table([(name, analyzer.analyze(astronaut_file, annotate=False))])
    assert len(table) == 1
    expected = table.assign(photo=name.replace("\n", " "))
    pd.testing.assert_frame_equal(_read_csv(csv_bytes(table)), expected, check_dtype=False)


def test_runs_csv_reads_back() -> None:
    """Numbers, names and times of runs come back from their CSV."""
    table = runs_table([_record("a.png"), _record("é.png", EMPTY)])
    back = _read_csv(csv_bytes(table))
    assert list(back.columns) == list(table.columns)
    for column in ("run", "photo", "faces", "total_ms", "peak_rss_mb", "crop_shape"):
        assert back[column].tolist() == table[column].tolist()
    assert pd.to_datetime(back["time"]).tolist() == table["time"].tolist()
