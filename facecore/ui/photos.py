"""The answers that a session has for its photos, and how many of both it keeps."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass

from facecore.analysis.memory import PhotoMemory
from facecore.machine.memory_plan import memory_plan
from facecore.results import Analysis
from facecore.serving.budget import Budget
from facecore.serving.history import RunRecord
from facecore.settings import AnalysisSettings, RuntimeOptions
from facecore.sources.photo import Photo

MAX_PHOTOS = 100
"""Photos whose answers a session keeps; more cannot be uploaded at once."""

MAX_DECODED_BYTES = 100_000_000
"""Decoded photos that a session keeps in memory at most; others are decoded again when needed."""

BUDGET = Budget(memory_plan().decoded_bytes, MAX_DECODED_BYTES)
"""Bytes for the decoded photos of all sessions; each lets go of none but its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A photo's answer as a page shows it, or the sentence that says why there is none.

    ``analysis`` is without the full-size annotated copy, which would fill the
    memory; ``crops_jpeg`` are the surest faces as the networks were given them,
    ``thumbnail_jpeg`` is small, with the boxes;
    ``run`` and ``run_before`` are what it cost, and what the run of the same photo
    before it did. ``busy`` tells that it was not read only because too many wait.
    """

    photo: Photo
    settings: AnalysisSettings
    options: RuntimeOptions
    analysis: Analysis | None = None
    crops_jpeg: tuple[bytes, ...] = ()
    thumbnail_jpeg: bytes = b""
    run: RunRecord | None = None
    run_before: RunRecord | None = None
    error: str = ""
    busy: bool = False

    def answers(self, settings: AnalysisSettings, options: RuntimeOptions) -> bool:
        """Return whether this is the answer under these settings."""
        return (self.settings, self.options) == (settings, options)


class SessionPhotos:
    """The photos of one session: opened once, answered once per settings, both bounded."""

    def __init__(self, budget: Budget = BUDGET) -> None:
        self._decoded = budget.share(f"session {id(self)}")
        self._open: OrderedDict[tuple[str, RuntimeOptions], PhotoMemory] = OrderedDict()
        self._readings: OrderedDict[str, Reading] = OrderedDict()

    def opened(self, key: str, options: RuntimeOptions) -> PhotoMemory | None:
        """Return a photo that was opened before under these options, or None."""
        photo = self._open.get((key, options))
        if photo is not None:
            self._open.move_to_end((key, options))
        return photo

    def keep_open(self, key: str, options: RuntimeOptions, photo: PhotoMemory) -> None:
        """Remember what is known of a photo; the longest unused make room for it."""
        self._open[(key, options)] = photo
        self._open.move_to_end((key, options))
        while len(self._open) > MAX_PHOTOS:
            self._open.popitem(last=False)
        self._fit()

    def reading(self, key: str) -> Reading | None:
        """Return the newest answer for a photo, or None."""
        return self._readings.get(key)

    def keep_reading(self, key: str, reading: Reading) -> None:
        """Remember a photo's newest answer; the oldest of the others make room for it."""
        self._readings[key] = reading
        self._readings.move_to_end(key)
        while len(self._readings) > MAX_PHOTOS:
            self._readings.popitem(last=False)

    def keep_only(self, keys: Collection[str]) -> None:
        """Forget all photos but these, their files' bytes included."""
        for key in [key for key in self._readings if key not in keys]:
            del self._readings[key]
        for opened in [opened for opened in self._open if opened[0] not in keys]:
            del self._open[opened]
        self._fit()

    def forget(self) -> None:
        """Forget everything that was found out, so that it is measured anew."""
        self.keep_only(())

    def _fit(self) -> None:
        """Let decoded photos go that find no room, the longest unused first."""
        self._decoded.give_back()
        fits = True
        for photo in reversed(self._open.values()):
            fits = fits and self._decoded.grow(photo.image_bytes)
            if not fits:
                photo.release_image()
