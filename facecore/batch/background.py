"""A batch that goes on while somebody does something else, and can be stopped and gone on with."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import islice
from typing import Any

from facecore.batch.answers import BatchAnswers
from facecore.errors import BusyError, ModelError, friendly_message
from facecore.executors.cluster import ClusterProgress
from facecore.executors.reading import Outcome
from facecore.export import FailedRow, PhotoRow, Row
from facecore.results import Analysis
from facecore.serving.budget import Share
from facecore.serving.job import BackgroundJob, JobStopped
from facecore.sources.photo import Photo
from facecore.video.frames import FrameReader, video_of
from facecore.video.tracks import Film, films, numbered, with_tracks

ReadPhoto = Callable[[Photo, Callable[[object], None]], Analysis]
"""Reads a photo, with the list's small picture as its preview. The second argument is to
be called while it waits for its turn, and raises JobStopped."""


class BackgroundBatch(BackgroundJob):
    """Photos read one at a time; it fails where none can be read, and its error says why.

    Attributes:
        photos: all of them; of videos, in their place, the frames that were taken so far.
        video: the name of the one that is read, "" for none; ``at_s`` and ``duration_s`` are how
            far it is and how long by its header, 0 where that does not say, in seconds.
    """

    def __init__(  # noqa: PLR0913 - all that it needs away from its session
        self,
        photos: Sequence[Photo],
        read: ReadPhoto,
        settings: Mapping[str, Any] | None = None,
        room: Share | None = None,
        *,
        name: str = "batch",
        frames: FrameReader | None = None,
    ) -> None:
        """Take the photos; ``start`` begins.

        Args:
            photos: their names are different.
            read: called in the batch's thread.
            settings: plain values that the answers depend on, to be stored with them.
            room: for the photos' files, given back with the batch.
            name: of the job, see `BackgroundJob`.
            frames: what reads the videos among the photos; None where there are none.
        """
        super().__init__(name)
        self._given = tuple(photos)
        self.photos = [] if frames else list(photos)
        self.video, self.at_s, self.duration_s = "", 0.0, 0.0
        self._begun = 0
        self._films: tuple[int, list[Film]] = (0, [])
        self._frames, self._is_all = frames, False
        self.settings = dict(settings or {})
        self.room = room
        self.answers = BatchAnswers()
        self._read = read
        self._done_before = 0

    @property
    def done_now(self) -> int:
        """Photos that were read since it was started or gone on with."""
        return len(self.answers) - self._done_before

    @property
    def total(self) -> int | None:
        """How many photos and frames there are; None while videos have more that nobody counted."""
        return None if self._frames and not self._is_all else len(self.photos)

    @property
    def share(self) -> float:
        """How much is done, 0 to 1."""
        if self.total is not None:
            return len(self.answers) / max(1, self.total)
        part = min(1.0, self.at_s / self.duration_s) if self.duration_s else 0.0
        return min(1.0, max(0.0, self._begun - 1 + part) / len(self._given))

    def left(self) -> Generator[Photo, None, None]:
        """Return what has no answer; a video's frames join the photos when they are taken."""
        self._done_before = len(self.answers)
        if self._frames is None:
            yield from self.photos[self._done_before :]
            return
        del self.photos[self._done_before :]
        done = {photo.name for photo in self.photos}
        videos = {photo.name: photo for photo in self._given}
        self._frames.wanted = lambda photo: photo.name not in done
        self._frames.passed = self._pass
        self._begun = 0
        for photo in self._frames.read(self._counted()):
            if photo.name not in done:
                # Kept without its pixels, which are decoded anew for whoever opens it.
                kept = self._frames.anew(photo, videos)
                self.photos.append(kept)
                yield photo
        self._is_all = True

    def films(self) -> list[Film]:
        """Return what was read of each video."""
        count = len(self.answers)
        if self._films[0] != count:
            self._films = (count, films(self.answers.rows(), self.settings))
        return self._films[1]

    def row(self, place: int) -> Row:
        """Return one of the rows, counted from 0; of a video's frame with its faces' tracks."""
        row = self.answers.row(place)
        if isinstance(row, PhotoRow) and row.time_s is not None:
            moments = (moment for film in self.films() for moment in film.moments)
            return numbered(row, next(one.tracks for one in moments if one.place == place))
        return row

    def rows(self) -> Iterator[Row]:
        """Return the rows that are there, in their order; of videos' frames with their tracks."""
        return with_tracks(self.answers.rows(), self.settings)

    def pairs(self, first: int, most: int) -> Iterator[tuple[Photo, Row]]:
        """Return some of the photos with their rows, from one on; each video is decoded once."""
        photos: Iterable[Photo] = self.photos[first : first + most]
        if self._frames is not None:
            names = {photo.name for photo in photos}
            reader = replace(
                self._frames, wanted=lambda photo: photo.name in names, passed=lambda *_: None
            )
            found = (photo for photo in reader.read(self._given) if photo.name in names)
            photos = islice(found, len(names))
        return zip(photos, islice(self.rows(), first, first + most), strict=False)

    def film_rows(self, film: Film) -> tuple[Photo, Iterator[PhotoRow]]:
        """Return the file of a video, and the rows of its frames with their tracks."""
        video = next(one for one in self._given if one.name == film.name)
        rows = (row for row in self.rows() if isinstance(row, PhotoRow))
        return video, (
            row for row in rows if row.time_s is not None and video_of(row.path) == film.name
        )

    def _counted(self) -> Iterator[Photo]:
        for photo in self._given:
            self._begun += 1
            self.video, self.at_s, self.duration_s = "", 0.0, 0.0
            yield photo

    def _pass(self, video: Photo, at_s: float, duration_s: float) -> None:
        self.check()
        self.video, self.at_s, self.duration_s = video.name, at_s, duration_s

    def work(self) -> bool:
        """Read what is left."""
        with closing(self.left()) as photos:
            for photo in photos:
                self.check()
                self._read_one(photo)
        return True

    def _read_one(self, photo: Photo) -> None:
        try:
            analysis = self._patiently(photo)
        except (JobStopped, ModelError):
            raise
        except Exception as error:  # noqa: BLE001 - one photo must not stop the others
            self.answers.add(FailedRow(photo.name, friendly_message(error), photo.passed_over))
        else:
            row = PhotoRow.of(photo.name, analysis, time_s=photo.time_s, frame=photo.frame)
            self.answers.add(row, analysis.preview_jpeg or b"")

    def _patiently(self, photo: Photo) -> Analysis:
        while True:
            try:
                return self._read(photo, self.check)
            except BusyError as error:
                # Others read; a batch has time.
                self.pass_time(error.retry_after_s)


ReadPhotos = Callable[
    [Iterable[Photo], ClusterProgress, Callable[[], None]], Generator[Outcome, None, None]
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
        *,
        frames: FrameReader | None = None,
    ) -> None:
        """Take the photos; the rest is as for others."""
        super().__init__(photos, _not_here, settings, room, frames=frames)
        self.progress = ClusterProgress()
        self._read_all = read

    def work(self) -> bool:
        """Read what is left; what is done out of turn when it is stopped is read again."""
        waiting: dict[str, Row] = {}  # and not the outcomes, which have a frame's pixels
        with (
            closing(self.left()) as left,
            closing(self._read_all(left, self.progress, self.check)) as outcomes,
        ):
            for outcome in outcomes:
                waiting[outcome.photo.name] = outcome.row()
                # The next in turn, as long as it is there.
                while waiting and self.photos[len(self.answers)].name in waiting:
                    name = self.photos[len(self.answers)].name
                    self.answers.add(waiting.pop(name))
        return True


def _not_here(photo: Photo, _: Callable[[object], None]) -> Analysis:
    raise ModelError("{name} is to be read on the cluster, and not here.", name=photo.name)
