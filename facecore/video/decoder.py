"""The handle of a process that decodes one video."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import IO

from facecore.errors import DamagedImageError
from facecore.executors import launch
from facecore.executors.process import WorkerProcess
from facecore.settings import ProcessOptions
from facecore.video.messages import Give, Given, GoTo, Next, Open, Opened, Step
from facecore.video.sampling import Sampling

_ANSWER_S = 60.0
"""A decoder says where it is each second; one frame may take no longer than this."""

Cancelled = Callable[[], bool]


class Decoder(WorkerProcess):
    """A process that has one video; for one thread at a time. `open` must follow."""

    def __init__(self) -> None:
        super().__init__(start=_start)

    def open(self, data: bytes, container: str, sampling: Sampling, max_pixels: int) -> float:
        """Hand it the file's bytes; return how long the video says it is, seconds, 0 for unknown.

        Raises:
            ImageError: it cannot be read, or its pictures are too large.
            WorkerError: the process is gone or does not answer.
        """
        self._send(Open(container, sampling, max_pixels), data)
        return self._reply(Opened, _ANSWER_S, lambda: False).duration_s

    def step(self) -> Step:
        """Go on to the next frame that is chosen; see `Step`.

        Raises:
            ImageError: the rest cannot be decoded, or is not there.
            WorkerError: the process is gone or does not answer.
        """
        self._send(Next())
        return self._reply(Step, _ANSWER_S, lambda: False)

    def go_to(self, frame: int, time_s: float) -> None:
        """Go to a frame by its number and its time in seconds, before any other.

        Raises:
            ImageError: it is not there, or cannot be decoded.
            WorkerError: the process is gone or does not answer.
        """
        step = Step(0)
        while step.frame != frame:
            if step.ended:
                raise DamagedImageError("This frame of the video cannot be decoded any more.")
            self._send(GoTo(frame, time_s))
            step = self._reply(Step, _ANSWER_S, lambda: False)

    def picture(self) -> bytes:
        """Return the frame that it is at, upright, as the bytes of a BMP.

        Raises:
            ImageError: it cannot be decoded, or is too large.
            WorkerError: the process is gone or does not answer.
        """
        self._send(Give())
        self._reply(Given, _ANSWER_S, lambda: False)
        with self._talking():
            return self._link.recv_bytes()


def _start(options: ProcessOptions, file_descriptor: int, stderr: IO[bytes]) -> launch.Child:
    words = [sys.executable, "-P", "-m", "facecore.video", str(file_descriptor)]
    # Threads take memory, and there is nothing for them to do.
    alone = {**launch.environment(options), "OPENBLAS_NUM_THREADS": "1"}
    return launch.run(words, alone, file_descriptor, stderr)
