"""A batch that goes on while somebody does something else, and can be stopped and gone on with."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from facecore.batch.answers import BatchAnswers
from facecore.errors import BusyError, ModelError, friendly_message
from facecore.export import analysis_to_dict, error_to_dict
from facecore.results import Analysis
from facecore.sources.photo import Photo

State = Literal["new", "running", "stopping", "paused", "stopped", "complete", "failed"]


class BatchStopped(Exception):  # noqa: N818 - not an error: somebody asked for it
    """The photo under way was given up, as the batch is to stop."""


ReadPhoto = Callable[[Photo, Callable[[object], None]], Analysis]
"""Reads a photo, with the list's small picture as its preview. The second argument is to
be called while it waits for its turn, and raises BatchStopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchProgress:
    """How far a batch is.

    Attributes:
        state: "new" before the start; "running"; "stopping" over the photo under way;
            "paused" or "stopped" before the end; "complete"; "failed" where no photo can
            be read, and ``error`` says why.
        done, total: photos.
        done_now, elapsed_s: photos and seconds since it was started or gone on with.
    """

    state: State
    done: int
    total: int
    done_now: int
    elapsed_s: float
    error: str = ""


class BackgroundBatch:
    """Photos read one at a time in a thread of its own; safe to ask from any other.

    The thread ends when all are read, when it is stopped, and with the process.
    """

    def __init__(
        self,
        photos: Sequence[Photo],
        read: ReadPhoto,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        """Take the photos; ``start`` begins.

        Args:
            photos: their names are different.
            read: called in the batch's thread.
            settings: plain values that the answers depend on, to be stored with them.
        """
        self.photos = tuple(photos)
        self.settings = dict(settings or {})
        self.answers = BatchAnswers()
        self._read = read
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._over = threading.Event()
        self._over.set()
        self._state: State = "new"
        self._error = ""
        self._done_before = 0
        self._started_s = self._ended_s = time.monotonic()

    def start(self) -> None:
        """Begin, or go on with what is left; nothing where it runs, stops or is complete."""
        with self._lock:
            if self._state == "complete" or not self._over.is_set():
                return
            self._state = "running"
            self._error = ""
            self._stop.clear()
            self._over.clear()
            self._done_before = len(self.answers)
            self._started_s = time.monotonic()
            threading.Thread(target=self._run, name="batch", daemon=True).start()

    def stop(self) -> None:
        """End it after the photo under way; what is done stays. Returns at once."""
        self._end("stopped")

    def pause(self) -> None:
        """Like ``stop``, by nobody's wish: whoever looks next may go on."""
        self._end("paused")

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until the thread has ended; tells whether it has."""
        return self._over.wait(timeout_s)

    def progress(self) -> BatchProgress:
        """Return how far it is."""
        with self._lock:
            is_over = self._over.is_set()
            ended_s = self._ended_s if is_over else time.monotonic()
            done = len(self.answers)
            return BatchProgress(
                state=self._state if is_over or self._state == "running" else "stopping",
                done=done,
                total=len(self.photos),
                done_now=done - self._done_before,
                elapsed_s=max(0.0, ended_s - self._started_s),
                error=self._error,
            )

    def _end(self, state: State) -> None:
        with self._lock:
            if self._state == "running":
                self._state = state
                self._stop.set()

    def _run(self) -> None:
        error = ""
        try:
            self._read_what_is_left()
        except BatchStopped:
            pass
        except Exception as trouble:  # noqa: BLE001 - a thread has nobody else to tell
            error = friendly_message(trouble)
        with self._lock:
            if error:
                self._state, self._error = "failed", error
            elif len(self.answers) == len(self.photos):
                self._state = "complete"
            self._ended_s = time.monotonic()
            self._over.set()

    def _read_what_is_left(self) -> None:
        for photo in self.photos[len(self.answers) :]:
            self._check(None)
            try:
                analysis = self._patiently(photo)
            except (BatchStopped, ModelError):
                raise
            except Exception as error:  # noqa: BLE001 - one photo must not stop the others
                self.answers.add(error_to_dict(photo.name, friendly_message(error)))
            else:
                row = analysis_to_dict(photo.name, analysis)
                self.answers.add(row, analysis.preview_jpeg or b"")

    def _patiently(self, photo: Photo) -> Analysis:
        while True:
            try:
                return self._read(photo, self._check)
            except BusyError as error:
                # Others read; a batch has time.
                self._stop.wait(error.retry_after_s)
                self._check(None)

    def _check(self, _: object) -> None:
        if self._stop.is_set():
            raise BatchStopped
