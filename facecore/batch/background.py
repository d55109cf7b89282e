"""A batch that goes on while somebody does something else, and can be stopped and gone on with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from facecore.batch.answers import BatchAnswers
from facecore.errors import BusyError, ModelError, friendly_message
from facecore.export import FailedRow, PhotoRow
from facecore.results import Analysis
from facecore.serving.budget import Share
from facecore.serving.job import BackgroundJob, JobState, JobStopped
from facecore.sources.photo import Photo

ReadPhoto = Callable[[Photo, Callable[[object], None]], Analysis]
"""Reads a photo, with the list's small picture as its preview. The second argument is to
be called while it waits for its turn, and raises JobStopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchProgress:
    """How far a batch is.

    Attributes:
        state: of the job; "failed" where no photo can be read, and ``error`` says why.
        done, total: photos.
        done_now, elapsed_s: photos and seconds since it was started or gone on with.
    """

    state: JobState
    done: int
    total: int
    done_now: int
    elapsed_s: float
    error: str = ""


class BackgroundBatch(BackgroundJob):
    """Photos read one at a time."""

    def __init__(
        self,
        photos: Sequence[Photo],
        read: ReadPhoto,
        settings: Mapping[str, Any] | None = None,
        room: Share | None = None,
    ) -> None:
        """Take the photos; ``start`` begins.

        Args:
            photos: their names are different.
            read: called in the batch's thread.
            settings: plain values that the answers depend on, to be stored with them.
            room: for the photos' files, given back with the batch.
        """
        super().__init__("batch")
        self.photos = tuple(photos)
        self.settings = dict(settings or {})
        self.room = room
        self.answers = BatchAnswers()
        self._read = read
        self._done_before = 0

    def progress(self) -> BatchProgress:
        """Return how far it is."""
        state, done = self.state, len(self.answers)
        return BatchProgress(
            state=state,
            done=done,
            total=len(self.photos),
            done_now=done - self._done_before,
            elapsed_s=self.elapsed_s,
            error=self.error,
        )

    def work(self) -> bool:
        """Read what is left."""
        self._done_before = len(self.answers)
        for photo in self.photos[self._done_before :]:
            self.check()
            try:
                analysis = self._patiently(photo)
            except (JobStopped, ModelError):
                raise
            except Exception as error:  # noqa: BLE001 - one photo must not stop the others
                self.answers.add(FailedRow(photo.name, friendly_message(error), photo.passed_over))
            else:
                row = PhotoRow.of(photo.name, analysis)
                self.answers.add(row, analysis.preview_jpeg or b"")
        return True

    def _patiently(self, photo: Photo) -> Analysis:
        while True:
            try:
                return self._read(photo, self.check)
            except BusyError as error:
                # Others read; a batch has time.
                self.pass_time(error.retry_after_s)
