"""The answers of a batch as a page keeps them: small, and safe to look at while it runs."""

from __future__ import annotations

import base64
import json
import threading
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cache

import pandas as pd
from msgspec.structs import replace

from facecore.batch.summary import BatchSummary
from facecore.export import FaceRow, FailedRow, PhotoRow, Row, row_of, to_json_line
from facecore.wording import Text, _
from facecore.wording import listed as joined

_MOST_AGES = 6
"""Ages that a line of the list names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPhoto:
    """A line of the list of photos.

    ``faces`` and ``latency_ms`` are None for a photo that could not be read; its
    ``error`` says why. ``gender`` counts what the faces were read as ("2 Female, 1 Male"),
    ``age`` has their years or age groups. ``thumbnail_jpeg`` is b"" where there is none.
    """

    name: str
    faces: int | None
    latency_ms: float | None
    error: str
    thumbnail_jpeg: bytes
    gender: str = ""
    age: str = ""


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
            gender=_genders(row.faces) if isinstance(row, PhotoRow) else "",
            age=_ages(row.faces) if isinstance(row, PhotoRow) else "",
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

    def row(self, place: int) -> Row:
        """Return one of the rows, counted from 0; its error can be said in any language.

        Raises:
            IndexError: there are not so many.
        """
        with self._lock:
            packed, listed = self._packed[place], self._listed[place]
        row = row_of(json.loads(zlib.decompress(packed)))
        return replace(row, error=listed.error) if isinstance(row, FailedRow) else row

    def listed(self) -> tuple[ListedPhoto, ...]:
        """Return the list of the photos that are there now, in their order."""
        with self._lock:
            return tuple(self._listed)

    def summary(self) -> BatchSummary:
        """Return what the rows that are there now come to; a copy."""
        with self._lock:
            return deepcopy(self._summary)


def photo_table(listed: Sequence[ListedPhoto]) -> pd.DataFrame:
    """Return the list as a table with a row per photo, in the reader's language.

    Its columns are preview (a data URI or None), photo, faces, gender, age, latency_ms, error.
    """
    return pd.DataFrame(
        {
            "preview": [data_uri(photo.thumbnail_jpeg) for photo in listed],
            "photo": [photo.name for photo in listed],
            "faces": pd.array([photo.faces for photo in listed], dtype="Int64"),
            "gender": [_(photo.gender) for photo in listed],
            "age": [photo.age for photo in listed],
            "latency_ms": pd.array([photo.latency_ms for photo in listed], dtype="Float64"),
            "error": [_(photo.error) for photo in listed],
        }
    )


def _genders(faces: Sequence[FaceRow]) -> Text:
    counts = Counter(face.gender for face in faces)
    if len(faces) == 1:
        return Text(faces[0].gender)
    return _counted_genders(tuple(sorted(counts.items())))


@cache
def _counted_genders(counts: tuple[tuple[str, int], ...]) -> Text:
    # Cached, as thousands of photos have the same few.
    return joined([Text("{n} {gender}", n=n, gender=Text(gender)) for gender, n in counts])


def _ages(faces: Sequence[FaceRow]) -> str:
    ages = [
        face.age_group.strip("()") if face.age_years is None else f"{face.age_years:.0f}"
        for face in faces[:_MOST_AGES]
    ]
    return ", ".join(ages) + (" …" if len(faces) > _MOST_AGES else "")


def data_uri(jpeg: bytes) -> str | None:
    """Return what shows a JPEG in a table; None where there is none."""
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode('ascii')}" if jpeg else None
