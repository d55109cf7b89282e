"""What the rows of a batch come to, counted one row at a time."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from facecore.export import FailedRow, Row
from facecore.statistics.intervals import percentile


@dataclass(slots=True)
class BatchSummary:
    """Counts over the rows that were added so far.

    Attributes:
        photos: all of them.
        passed_over: files that are of a kind that is not read; they count as no photos.
        failed: those that could not be read.
        faces: in all photos that were read.
        photos_by_faces: how many photos have so many faces.
        genders, age_groups: faces by the network's answer and whether it is unsure.
        latencies_ms: of the photos that were read, in their order.
    """

    photos: int = 0
    passed_over: int = 0
    failed: int = 0
    faces: int = 0
    photos_by_faces: Counter[int] = field(default_factory=Counter)
    genders: Counter[tuple[str, bool]] = field(default_factory=Counter)
    age_groups: Counter[tuple[str, bool]] = field(default_factory=Counter)
    latencies_ms: array[float] = field(default_factory=lambda: array("d"))

    def add(self, row: Row) -> None:
        """Count a row."""
        if isinstance(row, FailedRow) and row.passed_over:
            self.passed_over += 1
            return
        self.photos += 1
        if isinstance(row, FailedRow):
            self.failed += 1
            return
        self.faces += len(row.faces)
        self.photos_by_faces[len(row.faces)] += 1
        self.latencies_ms.append(row.timings_ms["total"])
        for face in row.faces:
            self.genders[face.gender, face.unsure["gender"]] += 1
            self.age_groups[face.age_group, face.unsure["age_group"]] += 1


class FinishedBatch(Struct, frozen=True, kw_only=True):
    """What is left of a batch when its photos and rows are gone: numbers and settings."""

    ended_at: datetime
    photos: int
    failed: int
    faces: int
    median_ms: float | None
    settings: dict[str, Any]

    @classmethod
    def of(cls, summary: BatchSummary, settings: Mapping[str, Any]) -> FinishedBatch:
        """Return what is left of a batch that ends now."""
        return cls(
            ended_at=datetime.now(UTC),
            photos=summary.photos,
            failed=summary.failed,
            faces=summary.faces,
            median_ms=percentile(summary.latencies_ms, 50),
            settings=dict(settings),
        )

    def to_json(self) -> bytes:
        """Return it as JSON."""
        return msgspec.json.encode(self)

    @classmethod
    def from_json(cls, data: bytes) -> FinishedBatch:
        """Return what was written so.

        Raises:
            msgspec.DecodeError: it was not.
        """
        return _FINISHED.decode(data)


# Here, where no second thread does, as with the messages of workers.
_FINISHED = msgspec.json.Decoder(FinishedBatch)
