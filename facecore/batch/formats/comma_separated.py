"""Rows as CSV, the faces as JSON text; the settings are not in it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO

from facecore.batch.formats.base import COLUMNS, Format, cells
from facecore.export import PhotoRow, Row, spreadsheet_text, to_json_line


def _write(rows: Iterable[Row], file: BinaryIO, _: Mapping[str, Any]) -> None:
    text = io.TextIOWrapper(file, "utf-8", newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        # Guarded as in `facecore.export.csv_bytes`.
        line = {name: spreadsheet_text(value) for name, value in cells(row).items()}
        if isinstance(row, PhotoRow):
            line["faces"] = to_json_line(row.faces)
        writer.writerow(line)
    text.flush()
    text.detach()


FORMAT = Format(".csv", "CSV", "table", "text/csv", _write)
