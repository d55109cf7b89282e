"""``facecore evaluate``: how often the answers are right on labelled photos."""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.cli.options import (
    add_settings_options,
    max_pixels_from,
    options_from,
    settings_from,
    table_text,
)
from facecore.cli.readers import progress
from facecore.engines import option_values
from facecore.errors import FacecoreError, SettingsError
from facecore.evaluation.accuracy import (
    HOW_AGES,
    HOW_INTERVALS,
    HOW_PERSON,
    AttributeReport,
    confusions,
    evaluate_attributes,
)
from facecore.evaluation.calibration import HOW_CALIBRATED
from facecore.evaluation.card import card, column, ways
from facecore.evaluation.detection import DetectionReport, evaluate_detection
from facecore.evaluation.labels import BoxXyxy, PersonLabel, read_boxes, read_labels
from facecore.executors.reading import read_here
from facecore.export import to_json_line
from facecore.results import Analysis
from facecore.settings import AnalysisSettings
from facecore.sources.folders import read_photo
from facecore.sources.names import printable
from facecore.sources.photo import Photo
from facecore.statistics.intervals import Estimate, Proportion, percentile_estimate
from facecore.wording import Text, _, aligned, listed

_LABELS = "labels.csv"
_BOXES = "boxes.csv"
_TEXT_WIDTH = 88

_Row = tuple[str, str, str, str, str]  # name, value, interval, n, what is counted


def add_parser(subcommands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe this subcommand and its options to the command line."""
    parser = subcommands.add_parser("evaluate", help="compare the answers with labelled photos")
    add = parser.add_argument
    add("folder", type=Path, metavar="FOLDER", help="where the photos of the tables are")
    add(
        "--labels",
        type=Path,
        metavar="CSV",
        help=Text("file, age or age_range, gender (default: {file} of the folder)", file=_LABELS),
    )
    add(
        "--boxes",
        type=Path,
        metavar="CSV",
        help=Text("file, x1, y1, x2, y2 in pixels (default: {file} of the folder)", file=_BOXES),
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object with everything")
    form.add_argument(
        "--card",
        action="store_true",
        help="tables of a model card in Markdown: every set of networks, in each preset that "
        "matters; other settings do not count",
    )
    add_settings_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Read every photo of the tables and print the figures; 1 if something was left out, else 0.

    Raises:
        FacecoreError: nothing could be evaluated at all.
    """
    settings, options = settings_from(arguments), options_from(arguments)
    tables = _read_tables(arguments)
    if arguments.card:
        return _print_card(arguments, tables)
    analyzer = FaceAnalyzer.load(options, max_pixels=max_pixels_from(arguments))
    analyses, failures = _read_photos(analyzer, arguments.folder, tables.files, settings)
    skipped = [printable(sentence) for sentence in (*tables.problems, *failures)]
    if not (arguments.json and analyses):
        for sentence in (*tables.problems, *failures):
            print(printable(_("error: {problem}", problem=sentence)), file=sys.stderr)
    if not analyses:
        raise FacecoreError(
            "None of the photos could be read: check that the tables name files of {name}.",
            name=printable(arguments.folder),
        )
    outcome = _evaluate(analyses, tables, settings)
    if arguments.json:
        about = {"folder": printable(arguments.folder), "photos": len(analyses)}
        used = {"settings": asdict(settings), "runtime": option_values(options)}
        print(to_json_line(about | used | outcome.as_dict() | {"skipped": skipped}))
    else:
        words = _("{read} of {all} photos read", read=len(analyses), all=len(tables.files))
        print(f"{printable(arguments.folder)}: {words}")
        _print_values(_("settings"), asdict(settings))
        _print_values(_("networks"), option_values(options))
        _print_figures(outcome)
    return 1 if skipped else 0


def _print_card(arguments: argparse.Namespace, tables: _Tables) -> int:
    columns, failures = [], set(tables.problems)
    for way in ways(bool(tables.labels)):
        analyzer = FaceAnalyzer.load(way.options, max_pixels=max_pixels_from(arguments))
        read = _read_photos(analyzer, arguments.folder, tables.files, way.settings)
        failures.update(read[1])
        fitted = analyzer.models.calibrations_for(way.settings)
        columns.append(column(way, read[0], tables.labels, tables.boxes, fitted))
    print(card(columns))
    for sentence in sorted(failures):
        print(printable(_("error: {problem}", problem=sentence)), file=sys.stderr)
    return 1 if failures else 0


@dataclass(frozen=True, slots=True)
class _Tables:
    labels: Mapping[str, PersonLabel]
    boxes: Mapping[str, tuple[BoxXyxy, ...]]
    problems: Sequence[str]

    @property
    def files(self) -> list[str]:
        return list(dict.fromkeys([*self.labels, *self.boxes]))


def _read_tables(arguments: argparse.Namespace) -> _Tables:
    folder = arguments.folder
    if not folder.is_dir():
        raise SettingsError(
            "{name} is no folder: name the one with the photos.", name=printable(folder)
        )
    labels_csv = arguments.labels or _if_there(folder / _LABELS)
    boxes_csv = arguments.boxes or _if_there(folder / _BOXES)
    if labels_csv is None and boxes_csv is None:
        raise SettingsError(
            "{name} has neither {labels} nor {boxes}: name a table with --labels or --boxes.",
            name=printable(folder),
            labels=_LABELS,
            boxes=_BOXES,
        )
    labels, bad_labels = read_labels(table_text(labels_csv)) if labels_csv else ({}, [])
    boxes, bad_boxes = read_boxes(table_text(boxes_csv)) if boxes_csv else ({}, [])
    tables = _Tables(labels, boxes, [*bad_labels, *bad_boxes])
    if not tables.files:
        unusable = Text("No row of the tables can be used.")
        raise FacecoreError(listed([*tables.problems[:1], unusable], " "))
    return tables


def _if_there(path: Path) -> Path | None:
    return path if path.is_file() else None


def _read_photos(
    analyzer: FaceAnalyzer, folder: Path, files: Sequence[str], settings: AnalysisSettings
) -> tuple[dict[str, Analysis], list[str]]:
    photos = [Photo(name=file, read=partial(read_photo, folder / file)) for file in files]
    analyze = partial(analyzer.analyze, settings=settings, annotate=False)
    with progress(read_here(photos, analyze), len(photos)) as announced:
        outcomes = list(announced)
    return (
        {one.photo.name: one.analysis for one in outcomes if one.analysis},
        [listed([one.photo.name, one.error], ": ") for one in outcomes if one.error],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    people: AttributeReport | None
    confusions: Mapping[str, object]
    faces: DetectionReport | None
    time_ms: Mapping[str, Estimate]

    @property
    def how(self) -> list[str]:
        """How the figures were made, a sentence each."""
        of_people = [HOW_PERSON, HOW_AGES, HOW_CALIBRATED] if self.people else []
        return [*of_people, *(self.faces.how if self.faces else []), HOW_INTERVALS]

    def as_dict(self) -> dict[str, Any]:
        return {
            "attributes": {**msgspec.to_builtins(self.people), **self.confusions}
            if self.people
            else None,
            "detection": self.faces.as_dict() if self.faces else None,
            "time_ms": self.time_ms,
            "how": self.how,
        }


def _evaluate(
    analyses: Mapping[str, Analysis], tables: _Tables, settings: AnalysisSettings
) -> _Outcome:
    labels, boxes = tables.labels, tables.boxes
    genders, ages = confusions(analyses, labels)
    times_ms = [analysis.timings.total_ms for analysis in analyses.values()]
    return _Outcome(
        people=evaluate_attributes(analyses, labels) if labels else None,
        confusions={
            "gender_answers": genders.to_dict("index"),
            "age_group_answers": ages.to_dict("index"),
        },
        faces=evaluate_detection(analyses, boxes, settings) if boxes else None,
        time_ms={
            "median": percentile_estimate(times_ms, 50),
            "p90": percentile_estimate(times_ms, 90),
        },
    )


def _print_values(name: str, values: Mapping[str, object]) -> None:
    pairs = ", ".join(f"{key} {value}" for key, value in values.items())
    print(textwrap.fill(f"{name}: {pairs}", _TEXT_WIDTH, subsequent_indent="  "))


def _print_figures(outcome: _Outcome) -> None:
    rows: list[_Row] = []
    if outcome.people:
        rows += _people_rows(outcome.people)
    if outcome.faces:
        rows += _face_rows(outcome.faces)
    rows += [
        _heading("Time per photo"),
        _number("median", outcome.time_ms["median"], "photos", 0, " ms"),
        _number("90th percentile", outcome.time_ms["p90"], "photos", 0, " ms"),
    ]
    for line in aligned(rows, right=(1, 2, 3)):
        print(line if line.startswith(" ") else f"\n{line}")
    for sentence in outcome.how:
        print(f"\n{textwrap.fill(_(sentence), _TEXT_WIDTH)}")


def _people_rows(report: AttributeReport) -> Iterator[_Row]:
    yield _heading("Labelled people")
    yield _share("no face found", report.no_face, "photos")
    yield _share("gender right", report.gender, "faces")
    for name, share in [*report.gender_by_gender.items(), *report.gender_by_age_range.items()]:
        yield _share(listed(["  ", Text(name)], ""), share, "faces")
    yield _share("age group right", report.age_group_exact, "faces")
    yield _share("age group right or next to it", report.age_group_one_off, "faces")
    yield _number("expected age is off by", report.age_error_years, "faces", 1, Text(" years"))
    yield _heading("Probability against truth")
    for name, one in report.reliability.items():
        count = str(sum(found.right.n for found in one.bins))
        error = "-" if one.error is None else f"{one.error:.3f}"
        what = _("calibration error, {what}", what=Text(name.replace("_", " ")))
        yield f"  {what}", error, "", count, _("faces")
        for bar in one.bins:
            yield _share(Text("  said {p:.0%}, right", p=bar.probability), bar.right, "faces")


def _face_rows(report: DetectionReport) -> Iterator[_Row]:
    yield _heading(Text("Faces at confidence {confidence:g}", confidence=report.confidence))
    yield _share("precision", report.precision, "boxes")
    yield _share("recall", report.recall, "faces")
    yield _number("F1", report.f1, "photos", 3)
    yield _number("false faces per photo", report.false_per_photo, "photos", 2)
    yield _heading("Faces at every confidence")
    for iou, figure in report.average_precision.items():
        yield _number(Text("average precision at IoU {iou:g}", iou=iou), figure, "photos", 3)
    if (best := report.by_threshold.best_f1()) is not None:
        taken = Text("F1 at {threshold:.2f}, to take", threshold=best.scores.threshold)
        yield _number(taken, best.scores.f1, "photos", 3)


def _heading(text: str) -> _Row:
    return _(text), _("value"), _("95 % interval"), "n", ""


def _share(name: str, share: Proportion, unit_of_n: str) -> _Row:
    ends = None if share.interval is None else [f"{100 * end:.1f}" for end in share.interval]
    value = "-" if share.value is None else f"{100 * share.value:.1f} %"
    interval = _("{low} to {high} %", low=ends[0], high=ends[1]) if ends else "-"
    return f"  {_(name)}", value, interval, str(share.n), _(unit_of_n)


def _number(name: str, figure: Estimate, unit_of_n: str, digits: int, unit: str = "") -> _Row:
    ends = None if figure.interval is None else [f"{end:.{digits}f}" for end in figure.interval]
    value = "-" if figure.value is None else f"{figure.value:.{digits}f}{_(unit)}"
    interval = _("{low} to {high}", low=ends[0], high=ends[1]) + _(unit) if ends else "-"
    return f"  {_(name)}", value, interval, str(figure.n), _(unit_of_n)
