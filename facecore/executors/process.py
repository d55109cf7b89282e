"""The handle of one worker process: start it, ask it, stop it; it never outlives its parent."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Self, TypeVar

from msgspec import Struct

from facecore.errors import SettingsError, WorkerDiedError, WorkerError, WorkerTimeoutError
from facecore.executors import launch, messages
from facecore.results import Analysis
from facecore.settings import (
    DEFAULT_MAX_PIXELS,
    AnalysisSettings,
    ProcessOptions,
    RuntimeOptions,
)
from facecore.wording import Text

START_TIMEOUT_S = 60.0
ANSWER_TIMEOUT_S = 120.0
_LOOK_EVERY_S = 0.05
_STDERR_TAIL = 500
_Reply = TypeVar("_Reply")


class Cancelled(Exception):  # noqa: N818 - not an error: somebody asked for it
    """The wait for a worker's answer was called off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOptions:
    """How many workers read a batch, and how each of them works; see what is made of it.

    Attributes:
        most_workers: that there can be.
        workers: 1 to ``most_workers``; None for as many as there is room for.
        runtime: how a worker builds and runs its networks.
        max_pixels: larger photos are refused unread.
        photo_timeout_s: a worker that takes longer over one photo is stopped;
            1 to 86400 seconds.

    Raises:
        SettingsError: a value is outside its range.
    """

    most_workers: ClassVar[int]
    workers: int | None
    runtime: RuntimeOptions
    max_pixels: int = DEFAULT_MAX_PIXELS
    photo_timeout_s: float = ANSWER_TIMEOUT_S

    def __post_init__(self) -> None:
        if self.workers is not None and not 1 <= self.workers <= self.most_workers:
            raise SettingsError(
                "The number of workers must be from 1 to {most}, not {workers}.",
                most=self.most_workers,
                workers=self.workers,
            )
        if not 1 <= self.photo_timeout_s <= 86_400:
            raise SettingsError(
                "The time for one photo must be from 1 to 86400 seconds, not {seconds:g}.",
                seconds=self.photo_timeout_s,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerAnswer:
    """What a worker found out about one photo.

    Attributes:
        analysis: without pictures and rejected candidates; its resources are the
            worker's alone.
        cycle_time_s: wall time with the throttle's wait.
        cycle_cpu_s: the worker's CPU time in that time.
    """

    analysis: Analysis
    cycle_time_s: float
    cycle_cpu_s: float


class WorkerProcess:
    """A process of its own with the three networks; for one thread at a time.

    It ends by itself as soon as this process is gone, however that came about.
    """

    def __init__(
        self,
        options: RuntimeOptions | None = None,
        process: ProcessOptions | None = None,
        *,
        max_pixels: int = DEFAULT_MAX_PIXELS,
        start: launch.Start = launch.start,
    ) -> None:
        """Start the process; `load` must follow where it is a new program.

        Raises:
            WorkerError: the operating system gives no process.
        """
        self._options = options or RuntimeOptions()
        self._process_options = process or ProcessOptions()
        self._max_pixels = max_pixels
        self._started_s = time.perf_counter()
        try:
            self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the worker
            self._link, theirs = launch.linked()
        except OSError as error:
            raise _cannot_start(error) from error
        try:
            self._process = start(self._process_options, theirs.fileno(), self._stderr)
        except BaseException as error:
            self._link.close()
            self._stderr.close()
            if isinstance(error, OSError):
                raise _cannot_start(error) from error
            raise
        finally:
            theirs.close()

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def load(
        self,
        *,
        timeout_s: float = START_TIMEOUT_S,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> messages.WorkerFacts:
        """Wait until the networks are loaded.

        Raises:
            ModelError: a file is missing or wrong, or the engine cannot load it.
            WorkerError: the process is gone or does not answer.
            Cancelled: ``cancelled`` said so meanwhile.
        """
        self._send(messages.Load(self._options, self._max_pixels))
        loaded = self._reply(messages.Loaded, timeout_s, cancelled)
        start_up_time_ms = (time.perf_counter() - self._started_s) * 1e3
        return replace(loaded.facts, start_up_time_ms=start_up_time_ms)

    def keep(
        self, key: str, photo: bytes, *, cancelled: Callable[[], bool] = lambda: False
    ) -> None:
        """Hand the worker a file's bytes to keep, to be read by its key any number of times.

        Raises:
            WorkerError: the process is gone or does not answer.
            Cancelled: ``cancelled`` said so meanwhile.
        """
        self._send(messages.Keep(key), photo)
        self._reply(messages.Kept, ANSWER_TIMEOUT_S, cancelled)

    def ask(
        self,
        photo: str | bytes,
        settings: AnalysisSettings,
        *,
        preview_side_px: int | None = None,
    ) -> None:
        """Ask for one photo to be read, everything anew; `answer` must follow.

        Args:
            photo: the key of a kept photo, or a file's bytes.
            settings: how to read it.
            preview_side_px: as of `FaceAnalyzer.read`; None draws nothing. It is not sent.

        Raises:
            WorkerError: the process is gone.
        """
        key, data = (photo, b"") if isinstance(photo, str) else (None, photo)
        order = messages.Analyze(
            settings=settings,
            photo=key,
            preview_side_px=preview_side_px,
            min_interval_ms=self._process_options.min_interval_ms,
        )
        self._send(order, data)

    def answer(
        self,
        *,
        timeout_s: float = ANSWER_TIMEOUT_S,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> WorkerAnswer:
        """Wait for the answer to the last `ask`.

        Raises:
            ImageError: the photo cannot be read.
            WorkerError: the process is gone or does not answer.
            Cancelled: ``cancelled`` said so meanwhile; the worker must then be stopped.
        """
        answer = self._reply(messages.Answer, timeout_s, cancelled)
        try:
            analysis = answer.analysis()
        except ValueError as error:
            raise WorkerError("A worker process sent an answer that makes no sense.") from error
        return WorkerAnswer(
            analysis=analysis, cycle_time_s=answer.cycle_time_s, cycle_cpu_s=answer.cycle_cpu_s
        )

    def fileno(self) -> int:
        """The descriptor that becomes readable with an answer, for `multiprocessing.connection`."""
        return self._link.fileno()

    def stop(self) -> None:
        """End the process at once, whatever it is doing; more than once does no harm."""
        self._process.kill()
        self._process.wait()
        self._link.close()
        self._stderr.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _send(self, order: Struct, payload: bytes = b"") -> None:
        with self._talking():
            self._link.send_bytes(messages.encode(order))
            self._link.send_bytes(payload)

    def _reply(self, kind: type[_Reply], timeout_s: float, cancelled: Callable[[], bool]) -> _Reply:
        deadline = time.monotonic() + timeout_s
        with self._talking():
            while not self._link.poll(_LOOK_EVERY_S):
                if cancelled():
                    raise Cancelled
                if time.monotonic() > deadline:
                    raise self._stopped_after(timeout_s)
            data = self._link.recv_bytes()
        reply: _Reply | messages.Failed = messages.decode(data, kind | messages.Failed)  # type: ignore[arg-type]
        if isinstance(reply, messages.Failed):
            raise reply.exception()
        return reply

    @contextlib.contextmanager
    def _talking(self) -> Iterator[None]:
        try:
            yield
        except BlockingIOError:
            raise self._stopped_after(launch.TRANSFER_TIMEOUT_S) from None
        except (EOFError, OSError):
            raise self._died() from None

    def _stopped_after(self, timeout_s: float) -> WorkerTimeoutError:
        self.stop()
        return WorkerTimeoutError(
            "A worker process did not answer within {seconds:g} seconds and was stopped.",
            seconds=timeout_s,
        )

    def _died(self) -> WorkerDiedError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=1)
        return WorkerDiedError("A worker process ended ({how}).", how=self._how_it_ended())

    def _how_it_ended(self) -> str:
        status = self._process.poll()
        if status is None:
            return Text("it closed its side")
        if status < 0:
            with contextlib.suppress(ValueError):  # real-time signals have no name
                return Text("signal {name}", name=signal.Signals(-status).name)
            return Text("signal {name}", name=-status)
        with contextlib.suppress(OSError, ValueError):
            self._stderr.seek(max(0, self._stderr.seek(0, os.SEEK_END) - _STDERR_TAIL))
            said = self._stderr.read().decode("utf-8", "replace").strip().splitlines()
            if said:
                return Text("exit status {status}, {said}", status=status, said=said[-1])
        return Text("exit status {status}", status=status)


def _cannot_start(error: OSError) -> WorkerError:
    return WorkerError(
        "No worker process can be started ({reason}): try again later.", reason=error.strerror
    )
