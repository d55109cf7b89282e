"""The answers of a batch as a page keeps them: small, and safe to look at while it runs."""

from __future__ import annotations

import base64
import json
import threading
import zlib
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass

import pandas as pd

from facecore.batch.summary import BatchSummary
from facecore.export import FailedRow, PhotoRow, Row, row_of, to_json_line


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPhoto:
    """A line of the list of photos.

    ``faces`` and ``latency_ms`` are None for a photo that could not be read; its
    ``error`` says why. ``thumbnail_jpeg`` is b"" where there is none.
    """

    name: str
    faces: int | None
    latency_ms: float | None
    error: str
    thumbnail_jpeg: bytes


class BatchAnswers:
    """Rows, packed, and their list; one thread adds, any may look."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._packed: list[bytes] = []
        self._listed: list[ListedPhoto] = []
        self._summary = BatchSummary()

    def __len__(self) -> int:
        return len(self._packed)

    def add(self, row: Row, thumbnail_jpeg: bytes = b"") -> None:
        """Keep a photo's row, and the small picture that the list shows."""
        listed = ListedPhoto(
            name=row.path,
            faces=len(row.faces) if isinstance(row, PhotoRow) else None,
            latency_ms=row.timings_ms["total"] if isinstance(row, PhotoRow) else None,
            error=row.error if isinstance(row, FailedRow) else "",
            thumbnail_jpeg=thumbnail_jpeg,
        )
        # A crowd's answer has 90 KB, and a seventh of that when packed.
        packed = zlib.compress(to_json_line(row).encode(), 1)
        with self._lock:
            self._packed.append(packed)
            self._listed.append(listed)
            self._summary.add(row)

    def rows(self) -> Iterator[Row]:
        """Return the rows that are there now, in their order, one at a time."""
        with self._lock:
            packed = tuple(self._packed)
        for row in packed:
            yield row_of(json.loads(zlib.decompress(row)))

    def listed(self) -> tuple[ListedPhoto, ...]:
        """Return the list of the photos that are there now, in their order."""
        with self._lock:
            return tuple(self._listed)

    def summary(self) -> BatchSummary:
        """Return what the rows that are there now come to; a copy."""
        with self._lock:
            return deepcopy(self._summary)


def photo_table(listed: Sequence[ListedPhoto]) -> pd.DataFrame:
    """Return the list as a table: preview (a data URI or None), photo, faces, latency_ms, error."""
    return pd.DataFrame(
        {
            "preview": [_data_uri(photo.thumbnail_jpeg) for photo in listed],
            "photo": [photo.name for photo in listed],
            "faces": pd.array([photo.faces for photo in listed], dtype="Int64"),
            "latency_ms": pd.array([photo.latency_ms for photo in listed], dtype="Float64"),
            "error": [photo.error for photo in listed],
        }
    )


def _data_uri(jpeg: bytes) -> str | None:
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode('ascii')}" if jpeg else None
