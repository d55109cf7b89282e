"""Rows as JSON lines, each as ``--json`` prints it; the settings are in each that was read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO

from facecore.export import Row, to_json_line


class JsonLines:
    """A line of JSON per photo."""

    suffix = ".jsonl"
    title = "JSON lines"
    symbol = "data_object"
    mime = "application/jsonl"

    def write(self, rows: Iterable[Row], file: BinaryIO, settings: Mapping[str, Any]) -> None:
        """Write all rows."""
        del settings
        for row in rows:
            file.write(to_json_line(row).encode() + b"\n")


FORMAT = JsonLines()
