"""Rows as JSON lines, each as ``--json`` prints it; the settings are in each that was read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO

from facecore.batch.formats.base import Format
from facecore.export import Row, to_json_line


def _write(rows: Iterable[Row], file: BinaryIO, _: Mapping[str, Any]) -> None:
    for row in rows:
        file.write(to_json_line(row).encode() + b"\n")


FORMAT = Format(".jsonl", "JSON lines", "data_object", "application/jsonl", _write)
