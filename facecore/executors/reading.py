"""What became of each photo of a batch; reading them one at a time, in this process."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from facecore.errors import friendly_message
from facecore.export import FailedRow, PhotoRow, Row
from facecore.results import Analysis
from facecore.sources.names import valid_text
from facecore.sources.photo import Photo

_AHEAD_BYTES = 64_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a photo: its answer, or the sentence that says why there is none."""

    photo: Photo
    analysis: Analysis | None = None
    error: str = ""

    def row(self) -> Row:
        """Return what is written of it, under a name that is valid text."""
        name = valid_text(self.photo.name)
        if self.analysis is None:
            return FailedRow(name, self.error, self.photo.passed_over)
        return PhotoRow.of(name, self.analysis, time_s=self.photo.time_s, frame=self.photo.frame)


def read_here(
    photos: Iterable[Photo], analyze: Callable[[bytes], Analysis]
) -> Generator[Outcome, None, None]:
    """Read photos in this process, one at a time and in their order."""
    for photo in photos:
        try:
            outcome = Outcome(photo=photo, analysis=analyze(photo.read()))
        except Exception as error:  # noqa: BLE001 - one photo must not stop the others
            outcome = Outcome(photo=photo, error=friendly_message(error))
        yield outcome


def read_ahead(photos: Iterable[Photo], most: int) -> Iterator[Photo]:
    """Return the photos in their order; the bytes of those in stores are fetched meanwhile.

    Args:
        photos: those without an address are read when they are asked for, as ever.
        most: so many photos are fetched ahead, of 64 MB together; one may be larger.
    """
    threads = ThreadPoolExecutor(most)
    ahead: deque[tuple[Photo, int]] = deque()
    held_bytes = 0
    try:
        for photo in photos:
            fetched, size = photo, 0
            if photo.address is not None:
                # What does not say its size has all the room.
                told = photo.address.size_bytes
                size = min(_AHEAD_BYTES if told is None else told, _AHEAD_BYTES)
            while ahead and (len(ahead) >= most or held_bytes + size > _AHEAD_BYTES):
                first, first_bytes = ahead.popleft()
                held_bytes -= first_bytes
                yield first
            if photo.address is not None:
                fetched = replace(photo, read=threads.submit(photo.read).result)
            ahead.append((fetched, size))
            held_bytes += size
        while ahead:
            yield ahead.popleft()[0]
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
