"""Answers and run records as rows, JSON lines and CSV, for other programs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import msgspec
import pandas as pd
from msgspec import Struct

from facecore.engines import option_values
from facecore.results import (
    AGE_GROUPS,
    GENDERS,
    AgeGroupPrediction,
    Analysis,
    Face,
    GenderPrediction,
    Look,
    ResourceUsage,
    StageTimings,
)
from facecore.serving.history import RunRecord
from facecore.settings import ONE_LOOK, AnalysisSettings
from facecore.wording import plain

_BYTES_PER_MB = 1e6


class FaceRow(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One face with all its probabilities; answers below the threshold are marked unsure.

    ``age_years`` is there where the set of networks has ages in years, and what ends in
    ``_raw`` where a calibration changed what a network said.
    ``turned_degrees`` is by how much the photo was turned clockwise to be read; ``track`` is the
    number of the same face in other frames of a video.
    """

    box_xyxy: tuple[int, int, int, int]
    confidence: float
    gender: str
    gender_probabilities: dict[str, float]
    age_group: str
    age_group_probabilities: dict[str, float]
    expected_age: float
    unsure: dict[str, bool]
    age_years: float | None = None
    gender_probabilities_raw: dict[str, float] | None = None
    age_group_probabilities_raw: dict[str, float] | None = None
    turned_degrees: int = 0
    track: int | None = None

    @classmethod
    def of(cls, face: Face, unsure_below: float) -> FaceRow:
        """Return what is written of a face."""
        years = face.age_group.years
        return cls(
            box_xyxy=face.box.xyxy,
            confidence=face.confidence,
            gender=face.gender.label,
            gender_probabilities=face.gender.as_dict(),
            age_group=face.age_group.label,
            age_group_probabilities=face.age_group.as_dict(),
            expected_age=round(face.age_group.expected_age, 1),
            unsure=_unsure(face, unsure_below),
            age_years=None if years is None else round(years, 1),
            gender_probabilities_raw=face.gender.raw_as_dict(),
            age_group_probabilities_raw=face.age_group.raw_as_dict(),
            turned_degrees=face.detection.turned_degrees,
        )

    def face(self) -> Face:
        """Return the face that this was written of.

        Raises:
            ValueError, KeyError: the values are not those of a face.
        """
        gender = GenderPrediction(
            _in_order(GENDERS, self.gender_probabilities),
            raw=_raw_in_order(GENDERS, self.gender_probabilities_raw),
        )
        age_group = AgeGroupPrediction(
            _in_order(AGE_GROUPS, self.age_group_probabilities),
            self.age_years,
            raw=_raw_in_order(AGE_GROUPS, self.age_group_probabilities_raw),
        )
        return Face.of(self.box_xyxy, self.confidence, gender, age_group, self.turned_degrees)


class UsedRow(Struct, frozen=True, kw_only=True):
    """What the process used meanwhile; MB are 10**6 bytes, the timestamp is ISO 8601 in UTC."""

    cpu_time_s: float
    cpu_percent: float
    rss_mb: float
    peak_rss_mb: float
    timestamp: str

    @classmethod
    def of(cls, used: ResourceUsage) -> UsedRow:
        """Return it rounded."""
        return cls(
            cpu_time_s=round(used.cpu_time_s, 4),
            cpu_percent=round(used.cpu_percent, 1),
            rss_mb=round(used.rss_after_bytes / _BYTES_PER_MB, 1),
            peak_rss_mb=round(used.peak_rss_bytes / _BYTES_PER_MB, 1),
            timestamp=used.started_at.isoformat(),
        )


class PhotoRow(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A photo's answer in the form of the command line's ``--json``.

    Boxes are xyxy pixels of the upright photo, times milliseconds. A video's frame has its
    number, from 0, and when it is shown, in seconds.
    """

    path: str
    size_wh: tuple[int, int]
    faces: tuple[FaceRow, ...]
    timings_ms: dict[str, float]
    resources: UsedRow
    settings: AnalysisSettings
    engine: str = ""
    model_set: str = ""
    looks: tuple[Look, ...] = ()
    time_s: float | None = None
    frame: int | None = None

    @classmethod
    def of(
        cls, name: str, analysis: Analysis, *, time_s: float | None = None, frame: int | None = None
    ) -> PhotoRow:
        """Return what is written of an analysis."""
        return cls(
            path=name,
            size_wh=analysis.size_wh,
            faces=tuple(FaceRow.of(f, analysis.settings.unsure_below) for f in analysis.faces),
            timings_ms=rounded_ms(analysis.timings),
            resources=UsedRow.of(analysis.resources),
            settings=analysis.settings,
            engine=analysis.engine,
            model_set=analysis.model_set,
            looks=tuple(replace(one, time_ms=round(one.time_ms, 3)) for one in analysis.looks),
            time_s=time_s,
            frame=frame,
        )


class FailedRow(Struct, frozen=True, omit_defaults=True):
    """A photo that could not be read, in the form of the command line's ``--json``.

    ``passed_over`` is the kind of a file that nobody asked for by name and that is not read:
    "PDF"; it is no failure.
    """

    path: str
    error: str
    passed_over: str = ""


Row = PhotoRow | FailedRow

# Here, where no second thread does, as with the messages of workers.
for _kind in (PhotoRow, FailedRow):
    msgspec.json.Decoder(_kind)


def to_json_line(entry: Any) -> str:
    """Write plain values, a row or a report as one line of JSON; ASCII, so any output holds it."""
    return json.dumps(msgspec.to_builtins(entry, enc_hook=plain), allow_nan=False)


def row_of(values: Mapping[str, Any]) -> Row:
    """Return the row that was written as these values.

    Raises:
        msgspec.ValidationError: they are none of a row.
    """
    if "error" in values:
        return msgspec.convert(values, FailedRow)
    settings = values.get("settings")
    if isinstance(settings, Mapping):
        values = {**values, "settings": {**ONE_LOOK, **settings}}
    return msgspec.convert(values, PhotoRow)


def rounded_ms(timings: StageTimings) -> dict[str, float]:
    """Return the milliseconds of each stage and in total, rounded to a thousandth."""
    return {
        stage: round(time_ms, 3)
        for stage, time_ms in (timings.by_stage() | {"total": timings.total_ms}).items()
    }


def _in_order(classes: Sequence[str], values: Mapping[str, float]) -> tuple[float, ...]:
    return tuple(values[name] for name in classes)


def _raw_in_order(
    classes: Sequence[str], values: Mapping[str, float] | None
) -> tuple[float, ...] | None:
    return None if values is None else _in_order(classes, values)


def _unsure(face: Face, unsure_below: float) -> dict[str, bool]:
    return {
        "gender": face.gender.probability < unsure_below,
        "age_group": face.age_group.probability < unsure_below,
    }


def faces_table(named: Iterable[tuple[str, Analysis]]) -> pd.DataFrame:
    """Return one row per face of all photos, every probability in a column of its own.

    The columns are there also where there is no face, but for the age in years, which is the
    last one where a set of networks says it.
    """
    probability_columns = [f"gender {label}" for label in GENDERS]
    probability_columns += [f"age {label}" for label in AGE_GROUPS]
    columns = ["photo", "face", "x0", "y0", "x1", "y1", "confidence", "gender", "age_group"]
    columns += ["expected_age", "gender_unsure", "age_group_unsure", "turned_degrees"]
    rows = [
        [
            *(name, number, *face.box.xyxy, face.confidence),
            *(face.gender.label, face.age_group.label, round(face.age_group.expected_age, 1)),
            *_unsure(face, analysis.settings.unsure_below).values(),
            face.detection.turned_degrees,
            *(*face.gender.probabilities, *face.age_group.probabilities),
            None if face.age_group.years is None else round(face.age_group.years, 1),
        ]
        for name, analysis in named
        for number, face in enumerate(analysis.faces, start=1)
    ]
    table = pd.DataFrame(rows, columns=[*columns, *probability_columns, "age_years"])
    return table.drop(columns="age_years") if table["age_years"].isna().all() else table


def runs_table(records: Sequence[RunRecord]) -> pd.DataFrame:
    """Return one row per run (`RunRecord`), units in the column names (MB is 10**6 bytes)."""
    rows = [_run_row(record) for record in records]
    return pd.DataFrame(rows, columns=None if rows else ["run", "time", "source", "photo"])


def _run_row(record: RunRecord) -> dict[str, Any]:
    stages = record.timings.by_stage()
    return {
        "run": record.number,
        "time": record.used.started_at,
        "source": record.source,
        "photo": record.name,
        **dict(zip(("width_px", "height_px"), record.size_wh, strict=True)),
        "faces": record.faces,
        "total_ms": record.timings.total_ms,
        **{f"{stage}_ms": time_ms for stage, time_ms in stages.items()},
        "waited_ms": record.waited_ms,
        "reused_stages": " ".join(record.reused),
        "cpu_time_s": record.used.cpu_time_s,
        "cpu_percent_of_core": record.used.cpu_percent,
        "cpu_percent_of_allowed": record.cpu_percent_of_allowed,
        "rss_before_mb": record.used.rss_before_bytes / _BYTES_PER_MB,
        "rss_after_mb": record.used.rss_after_bytes / _BYTES_PER_MB,
        "peak_rss_mb": record.used.peak_rss_bytes / _BYTES_PER_MB,
        "other_runs": record.used.other_runs,
        **asdict(record.settings),
        # What ran, and not what was asked for: that may have been left open.
        **option_values(record.runtime),
        "engine": record.engine,
        **({"duration_s": record.used.wall_time_s, **asdict(record.live)} if record.live else {}),
    }


_FORMULA = re.compile(r"(^|;\s*)(?=[=+\-@＝＋－＠])")


def csv_bytes(table: pd.DataFrame) -> bytes:
    """Write a table as UTF-8 CSV that a spreadsheet shows as text, not as formulas.

    Without the byte order mark at its beginning Excel takes it for another encoding.
    A cell of text that begins with =, +, - or @, of either width, is set behind an
    apostrophe (OWASP, "CSV Injection"); so is what follows a semicolon, which begins the
    next cell where the comma is the decimal sign. Control characters such as line ends become
    spaces, so that a file's name stays in its cell; spaces around it are cut off.
    """
    guarded = table.copy()
    for column in guarded.columns[guarded.dtypes.map(pd.api.types.is_string_dtype)]:
        guarded[column] = guarded[column].map(spreadsheet_text)
    return guarded.to_csv(index=False).encode("utf-8-sig")


def spreadsheet_text(cell: Any) -> Any:
    """Return a cell as a spreadsheet shows it as text, see `csv_bytes`; only text is changed."""
    if not isinstance(cell, str):
        return cell
    plain = re.sub(r"[\x00-\x1f\x7f]+", " ", cell).strip()
    return _FORMULA.sub(r"\1'", plain)
