"""Reading photos in several worker processes at once, none of which can end the batch."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from facecore.errors import FacecoreError, WorkerError, friendly_message
from facecore.executors.forking import CAN_FORK, Starter
from facecore.executors.process import Cancelled, WorkerOptions, WorkerProcess
from facecore.executors.reading import Outcome
from facecore.settings import AnalysisSettings
from facecore.sources.photo import Photo
from facecore.wording import Text

_ATTEMPTS = 2
_START_ATTEMPTS = 3
_START_PAUSE_S = 1.0
_LOOK_EVERY_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolOptions(WorkerOptions):
    """How many worker processes, forked from one that has the networks where they can be."""

    most_workers: ClassVar[int] = 64
    workers: int


def read_with_workers(
    photos: Iterable[Photo],
    settings: AnalysisSettings,
    options: PoolOptions,
    stopping: threading.Event | None = None,
) -> Generator[Outcome, None, None]:
    """Read photos side by side; the outcomes come as they are done.

    A worker that dies or hangs over a photo is replaced, and the photo tried once
    more; if that fails as well, this is the photo's outcome. One photo per worker is
    in memory. Closing the iterator ends the workers.

    Args:
        photos: gone through in the threads of the workers.
        settings: how to read them.
        options: of the workers.
        stopping: is set when the iterator is closed, which waits for the photos: where the next
            one may be long in coming, they look at it, and raise `Cancelled`.

    Raises:
        ModelError: the networks cannot be used.
        WorkerError: no worker can be started.
    """
    pool = _Pool(photos, settings, options, stopping or threading.Event())
    try:
        yield from pool.outcomes()
    finally:
        pool.stop()


_Item = Outcome | Exception | None
"""An outcome, what ends the whole batch, or None where a thread has ended."""


class _Pool:
    def __init__(
        self,
        photos: Iterable[Photo],
        settings: AnalysisSettings,
        options: PoolOptions,
        stopping: threading.Event,
    ) -> None:
        self._photos = iter(photos)
        self._settings = settings
        self._options = options
        self._next = threading.Lock()
        self._stopping = stopping
        self._starter = Starter(
            options.runtime,
            max_pixels=options.max_pixels,
            cancelled=self._stopping.is_set,
            # With one worker there is nobody to share networks with.
            forks=CAN_FORK and options.workers > 1,
        )
        # A full queue lets the workers wait for whoever stores the outcomes.
        self._done: queue.Queue[_Item] = queue.Queue(options.workers)
        self._threads = [
            threading.Thread(target=self._serve, daemon=True) for _ in range(options.workers)
        ]

    def outcomes(self) -> Iterator[Outcome]:
        for thread in self._threads:
            thread.start()
        running = len(self._threads)
        while running:
            item = self._done.get()
            if item is None:
                running -= 1
            elif isinstance(item, Exception):
                raise item
            else:
                yield item

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
        self._starter.stop()

    def _serve(self) -> None:
        """Do one worker's part, in a thread of its own."""
        worker = _Worker(self._settings, self._options, self._stopping, self._starter)
        try:
            while (photo := self._next_photo()) is not None:
                self._put(worker.read(photo))
        except Cancelled:
            pass
        except Exception as error:  # noqa: BLE001 - raised again where the outcomes are taken
            self._put(error)
        finally:
            worker.stop()
            self._put(None)

    def _next_photo(self) -> Photo | None:
        with self._next:
            return None if self._stopping.is_set() else next(self._photos, None)

    def _put(self, item: _Item) -> None:
        while not self._stopping.is_set():
            with contextlib.suppress(queue.Full):
                self._done.put(item, timeout=_LOOK_EVERY_S)
                return


@dataclass(slots=True)
class _Worker:
    """A worker process that is there when it is needed."""

    _settings: AnalysisSettings
    _options: PoolOptions
    _stopping: threading.Event
    _starter: Starter
    _process: WorkerProcess | None = None

    def read(self, photo: Photo) -> Outcome:
        try:
            data = photo.read()
        except Exception as error:  # noqa: BLE001 - one photo must not stop the others
            return Outcome(photo=photo, error=friendly_message(error))
        trouble: WorkerError | None = None
        for _ in range(_ATTEMPTS):
            process = self._running()
            try:
                process.ask(data, self._settings)
                answer = process.answer(
                    timeout_s=self._options.photo_timeout_s, cancelled=self._stopping.is_set
                )
                return Outcome(photo=photo, analysis=answer.analysis)
            except WorkerError as error:
                trouble = error
                self.stop()
            except FacecoreError as error:
                return Outcome(photo=photo, error=error.text)
        return Outcome(
            photo=photo,
            error=Text(
                "{trouble} It was tried twice: leave this photo out, or make it smaller.",
                trouble=trouble,
            ),
        )

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()
            self._process = None

    def _running(self) -> WorkerProcess:
        attempts = 0
        while self._process is None:
            attempts += 1
            try:
                self._process = self._starter.worker()
            except WorkerError:
                # Memory may be short for a moment.
                if attempts == _START_ATTEMPTS or self._stopping.wait(_START_PAUSE_S):
                    raise
        return self._process
