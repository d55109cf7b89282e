"""Reading what people wrote down about photos: who is in them, and where the faces are.

Both readers take the text of a CSV file and return what could be read, with one
sentence for each thing that could not: a row, or one cell of it, is left out
and the rest stays. A row is a line. Columns go by their names, whatever their
order, case and spaces; others are ignored. Comma, semicolon and tab separate.
"""

from __future__ import annotations

import codecs
import csv
import math
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from facecore.results import GENDERS
from facecore.wording import Text, listed

BoxXyxy = tuple[float, float, float, float]
"""x0, y0, x1, y1 in pixels of the upright photo, the far edges one past the last pixel."""

MAX_AGE_YEARS = 120
OPEN_RANGE_YEARS = 5
"""How far above its start the middle of a range without an end is taken to be: 70+ is 75."""

_GENDER_OF = {gender.lower(): gender for gender in GENDERS} | {g[0].lower(): g for g in GENDERS}
_EDGES = ("x1", "y1", "x2", "y2")
_YEARS = re.compile(r"\d{1,3}(\.\d+)?")
_RANGE = re.compile(r"\(?(\d{1,3}) ?(?:-|–|to) ?(\d{1,3})\)?|\((\d{1,3}), ?(\d{1,3})\)")
_OPEN_RANGE = re.compile(r"(?:more than|over|>) ?(\d{1,3})|(\d{1,3}) ?\+")
_LONGEST_QUOTE = 60


@dataclass(frozen=True, slots=True)
class PersonLabel:
    """What is known of the one labelled person of a photo; None for what is not.

    Attributes:
        file: the photo's name, as in the table.
        age_years: 0 to 120; the middle of a range, 5 years above the start of an open one.
        gender: one of `GENDERS`.
        age_range: such as "30-39" or "70+", where a range was given.

    Raises:
        ValueError: a value is outside its range.
    """

    file: str
    age_years: float | None = None
    gender: str | None = None
    age_range: str | None = None

    def __post_init__(self) -> None:
        if self.age_years is not None and not 0 <= self.age_years <= MAX_AGE_YEARS:
            raise ValueError(f"not an age in years: {self.age_years}")
        if self.gender is not None and self.gender not in GENDERS:
            raise ValueError(f"not one of {GENDERS}: {self.gender!r}")


def decode_table(data: bytes) -> str:
    """Turn a CSV file's bytes into text: UTF-8, UTF-16 with its mark, else Windows-1252."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def parse_age(text: str) -> tuple[float, str | None] | None:
    """Read an age in years, or a range such as 30-39, 70+ or "more than 70".

    Returns:
        The age (a range's middle, an open range's start plus 5) with the range
        in one spelling or None; or None where it is neither, or not within 0
        to 120 years.
    """
    plain = " ".join(text.lower().split())
    if _YEARS.fullmatch(plain):
        return (float(plain), None) if float(plain) <= MAX_AGE_YEARS else None
    if found := _OPEN_RANGE.fullmatch(plain):
        start = int(found[1] or found[2])
        middle = float(start + OPEN_RANGE_YEARS)
        return (middle, f"{start}+") if middle <= MAX_AGE_YEARS else None
    if found := _RANGE.fullmatch(plain):
        low, high = (int(end) for end in found.groups() if end)
        return ((low + high) / 2, f"{low}-{high}") if low <= high <= MAX_AGE_YEARS else None
    return None


def read_labels(text: str) -> tuple[dict[str, PersonLabel], list[str]]:
    """Read a table with a row per photo: file, age or age_range, gender.

    Ages are years or ranges (`parse_age`), in either column; where both have
    one, the years of ``age`` count. Genders are Male, Female, m or f in any case.

    Returns:
        The labels by file, in the table's order, and a sentence for each row or
        cell that was left out. Of two rows for a file the first counts.
    """
    labels: dict[str, PersonLabel] = {}
    problems: list[str] = []
    for place, cells in _rows(
        text, Text("labels"), {"file"}, {"age", "age_range", "gender"}, problems
    ):
        if cells["file"] in labels:
            problems.append(
                Text("{place}: the file has a label already, so this row is left out.", place=place)
            )
        else:
            labels[cells["file"]] = _label(place, cells, problems)
    return labels, problems


def read_boxes(text: str) -> tuple[dict[str, tuple[BoxXyxy, ...]], list[str]]:
    """Read a table with a row per face: file, x1, y1, x2, y2 in pixels of the upright photo.

    Returns:
        All boxes by file, in the table's order, and a sentence for each row that
        was left out. A file without a face has a row without numbers, and gets
        an empty tuple; a file none of whose rows can be read is not there.
    """
    # As keys, so that a table of very many for one photo takes no longer than another.
    boxes: dict[str, dict[BoxXyxy, None]] = {}
    problems: list[str] = []
    for place, cells in _rows(text, Text("boxes"), {"file", *_EDGES}, set(), problems):
        known = boxes.get(cells["file"], {})
        if not any(cells.get(edge) for edge in _EDGES):
            boxes[cells["file"]] = known
            continue
        box = _box(cells)
        if box is None:
            problems.append(
                Text(
                    "{place}: x1, y1, x2, y2 must be numbers with x1 below x2 and y1 below "
                    "y2, so this row is left out.",
                    place=place,
                )
            )
        elif box in known:
            problems.append(
                Text(
                    "{place}: the same box is there already, so this row is left out.", place=place
                )
            )
        else:
            boxes.setdefault(cells["file"], known)[box] = None
    return {file: tuple(known) for file, known in boxes.items()}, problems


def _rows(
    text: str, table: Text, needed: set[str], one_of: set[str], problems: list[str]
) -> Iterator[tuple[Text, Mapping[str, str]]]:
    """Return each row's place in words and its cells by column; ``file`` is never empty."""
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    numbered = [(number, line) for number, line in enumerate(lines, start=1) if line.strip(" ,;\t")]
    heading = numbered[0][1] if numbered else ""
    separator = max(",;\t", key=heading.count)
    columns = ["_".join(name.lower().split()) for name in _cells(heading, separator) or []]
    if not needed <= set(columns) or (one_of and not one_of & set(columns)):
        problems.append(_no_columns(table, needed, one_of))
        return
    for number, line in numbered[1:]:
        cells = _cells(line, separator)
        row = dict(zip(columns, cells or [], strict=False))
        if cells is None:
            problems.append(
                Text(
                    "Row {number} of the {table} has a quotation mark out of place.",
                    number=number,
                    table=table,
                )
            )
        elif not row.get("file"):
            problems.append(
                Text(
                    "Row {number} of the {table} names no file, so it is left out.",
                    number=number,
                    table=table,
                )
            )
        else:
            name = _quoted(row["file"])
            yield (
                Text("Row {number} of the {table} ({name})", number=number, table=table, name=name),
                row,
            )


def _no_columns(table: Text, needed: Collection[str], one_of: Collection[str]) -> Text:
    columns = ", ".join(sorted(needed))
    if one_of:
        others = listed(sorted(one_of), Text(" or "))
        columns = Text("{columns} and {others}", columns=columns, others=others)
    return Text(
        "The table of {table} needs a first row that names its columns: {columns}.",
        table=table,
        columns=columns,
    )


def _cells(line: str, separator: str) -> list[str] | None:
    """Split one line, so that a quote left open costs this line and not all below it."""
    try:
        (cells,) = csv.reader([line], delimiter=separator, strict=True, skipinitialspace=True)
    except csv.Error:
        return None
    return [cell.strip() for cell in cells]


def _label(place: Text, cells: Mapping[str, str], problems: list[str]) -> PersonLabel:
    ages: list[tuple[float, str | None]] = []
    for cell in filter(None, (cells.get("age"), cells.get("age_range"))):
        age = parse_age(cell)
        if age is None:
            problems.append(
                Text(
                    "{place}: {cell} is neither an age from 0 to {most} nor a range such as 30-39 "
                    "or 70+, so it is left out.",
                    place=place,
                    cell=_quoted(cell),
                    most=MAX_AGE_YEARS,
                )
            )
        else:
            ages.append(age)
    written = cells.get("gender", "")
    if written and written.lower() not in _GENDER_OF:
        problems.append(
            Text(
                "{place}: the gender {cell} is neither Male nor Female, so it is left out.",
                place=place,
                cell=_quoted(written),
            )
        )
    return PersonLabel(
        cells["file"],
        age_years=ages[0][0] if ages else None,
        gender=_GENDER_OF.get(written.lower()),
        age_range=next((age_range for _, age_range in ages if age_range), None),
    )


def _box(cells: Mapping[str, str]) -> BoxXyxy | None:
    try:
        x0, y0, x1, y1 = (float(cells.get(edge, "")) for edge in _EDGES)
    except ValueError:
        return None
    finite = all(map(math.isfinite, (x0, y0, x1, y1)))
    return (x0, y0, x1, y1) if finite and x0 < x1 and y0 < y1 else None


def _quoted(text: str) -> str:
    shown = text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]}…"
    return repr(shown)


def has_boxes(text: str) -> bool:
    """Return whether a table is one of boxes, by the names of its columns."""
    header = next((line for line in text.splitlines() if line.strip()), "")
    names = {cell.strip().strip('"').lower() for cell in re.split(r"[,;\t]", header)}
    return set(_EDGES) <= names
