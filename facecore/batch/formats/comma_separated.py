"""Rows as CSV, the faces as JSON text; the settings are not in it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO

from facecore.batch.formats.base import COLUMNS, cells
from facecore.export import PhotoRow, Row, spreadsheet_text, to_json_line


class CommaSeparated:
    """A line of CSV per photo, whose text is guarded as in `facecore.export.csv_bytes`."""

    suffix = ".csv"
    title = "CSV"
    symbol = "table"
    mime = "text/csv"

    def write(self, rows: Iterable[Row], file: BinaryIO, settings: Mapping[str, Any]) -> None:
        """Write the columns' names and all rows."""
        del settings
        text = io.TextIOWrapper(file, "utf-8", newline="")
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for row in rows:
            line = {name: spreadsheet_text(value) for name, value in cells(row).items()}
            if isinstance(row, PhotoRow):
                line["faces"] = to_json_line(row.faces)
            writer.writerow(line)
        text.flush()
        text.detach()


FORMAT = CommaSeparated()
