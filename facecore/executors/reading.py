"""What became of each photo of a batch; reading them one at a time, in this process."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass

from facecore.errors import friendly_message
from facecore.export import FailedRow, PhotoRow, Row
from facecore.results import Analysis
from facecore.sources.names import valid_text
from facecore.sources.photo import Photo


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
        return PhotoRow.of(name, self.analysis)


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
