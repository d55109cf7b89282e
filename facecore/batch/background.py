"""A batch that goes on while somebody does something else, and can be stopped and gone on with."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from typing import Any

from facecore.batch.answers import BatchAnswers
from facecore.errors import BusyError, ModelError, friendly_message
from facecore.executors.cluster import ClusterProgress
from facecore.executors.reading import Outcome
from facecore.export import FailedRow, PhotoRow
from facecore.results import Analysis
from facecore.serving.budget import Share
from facecore.serving.job import BackgroundJob, JobStopped
from facecore.sources.photo import Photo

ReadPhoto = Callable[[Photo, Callable[[object], None]], Analysis]
"""Reads a photo, with the list's small picture as its preview. The second argument is to
be called while it waits for its turn, and raises JobStopped."""


class BackgroundBatch(BackgroundJob):
    """Photos read one at a time; it fails where none can be read, and its error says why."""

    def __init__(
        self,
        photos: Sequence[Photo],
        read: ReadPhoto,
        settings: Mapping[str, Any] | None = None,
        room: Share | None = None,
        *,
        name: str = "batch",
    ) -> None:
        """Take the photos; ``start`` begins.

        Args:
            photos: their names are different.
            read: called in the batch's thread.
            settings: plain values that the answers depend on, to be stored with them.
            room: for the photos' files, given back with the batch.
            name: of the job, see `BackgroundJob`.
        """
        super().__init__(name)
        self.photos = tuple(photos)
        self.settings = dict(settings or {})
        self.room = room
        self.answers = BatchAnswers()
        self._read = read
        self._done_before = 0

    @property
    def done_now(self) -> int:
        """Photos that were read since it was started or gone on with."""
        return len(self.answers) - self._done_before

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
                self.answers.add(
                    FailedRow(photo.name, str(friendly_message(error)), photo.passed_over)
                )
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


ReadPhotos = Callable[
    [Sequence[Photo], ClusterProgress, Callable[[], None]], Generator[Outcome, None, None]
]
"""Reads photos in any order, and keeps the progress up to date. The last argument is to be
called while it waits, and raises JobStopped."""


class ClusterBatch(BackgroundBatch):
    """Photos read on a cluster, many at once; their answers come in the photos' order."""

    def __init__(
        self,
        photos: Sequence[Photo],
        read: ReadPhotos,
        settings: Mapping[str, Any] | None = None,
        room: Share | None = None,
    ) -> None:
        """Take the photos; the rest is as for others."""
        super().__init__(photos, _not_here, settings, room)
        self.progress = ClusterProgress()
        self._read_all = read

    def work(self) -> bool:
        """Read what is left; what is done out of turn when it is stopped is read again."""
        self._done_before = len(self.answers)
        waiting: dict[str, Outcome] = {}
        left = self.photos[self._done_before :]
        with closing(self._read_all(left, self.progress, self.check)) as outcomes:
            for outcome in outcomes:
                waiting[outcome.photo.name] = outcome
                # The next in turn, as long as it is there.
                while waiting and self.photos[len(self.answers)].name in waiting:
                    name = self.photos[len(self.answers)].name
                    self.answers.add(waiting.pop(name).row())
        return True


def _not_here(photo: Photo, _: Callable[[object], None]) -> Analysis:
    raise ModelError(f"{photo.name} is to be read on the cluster, and not here.")
