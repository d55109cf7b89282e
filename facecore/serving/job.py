"""Work that goes on in a thread of its own while somebody does something else."""

from __future__ import annotations

import math
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Literal

from facecore.errors import friendly_message

JobState = Literal["new", "running", "stopping", "paused", "stopped", "complete", "failed"]
"""Before the start; under way; stopping over what is under way; paused or stopped before the
end; at the end; given up with an error."""


class JobStopped(Exception):  # noqa: N818 - not an error: somebody asked for it
    """What was under way is given up, as the job is to stop."""


class BackgroundJob(ABC):
    """A job that can be stopped and gone on with; safe to ask from any thread.

    Its thread ends when all is done, when it is stopped, with the process, and when
    nobody has looked for ``abandoned_after_s``.
    """

    def __init__(
        self,
        name: str,
        *,
        abandoned_after_s: float = math.inf,
        at_the_end: Callable[[Any], object] = lambda _: None,
    ) -> None:
        """Make a job of which nothing is done; ``start`` begins.

        Args:
            name: of its thread and its controls.
            abandoned_after_s: it ends when nobody has looked for so long.
            at_the_end: see there.
        """
        self.name = name
        self.at_the_end = at_the_end
        """Is called in its thread when its work is over, done or not, before it says so."""
        self._abandoned_after_s = abandoned_after_s
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._over = threading.Event()
        self._over.set()
        self._state: JobState = "new"
        self._error = ""
        self._started_s = self._ended_s = self._looked_s = time.monotonic()

    @abstractmethod
    def work(self) -> bool:
        """Do what is left, in the job's thread; return whether all is done then.

        Raises:
            JobStopped: it was called off.
        """

    def start(self) -> None:
        """Begin, or go on with what is left; nothing where it runs, stops or is complete."""
        with self._lock:
            if self._state == "complete" or not self._over.is_set():
                return
            self._state, self._error = "running", ""
            self._stop.clear()
            self._over.clear()
            self._started_s = self._looked_s = time.monotonic()
            threading.Thread(target=self._run, name=self.name, daemon=True).start()

    def stop(self) -> None:
        """End it after what is under way; what is done stays. Returns at once."""
        self._end("stopped")

    def pause(self) -> None:
        """Like ``stop``, by nobody's wish: whoever looks next may go on."""
        self._end("paused")

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until the thread has ended; return whether it has."""
        # Not Thread.join: Python before 3.13 takes a thread for dead once Ctrl-C interrupts that.
        return self._over.wait(timeout_s)

    @property
    def is_running(self) -> bool:
        """Whether its thread has not ended."""
        return not self._over.is_set()

    @property
    def state(self) -> JobState:
        """What it does."""
        with self._lock:
            is_stopping = self.is_running and self._state != "running"
            return "stopping" if is_stopping else self._state

    @property
    def error(self) -> str:
        """Why it has failed, as a sentence; empty where all is well."""
        return self._error

    @property
    def elapsed_s(self) -> float:
        """Seconds since it was started or gone on with, up to its end."""
        with self._lock:
            ended_s = time.monotonic() if self.is_running else self._ended_s
            return max(0.0, ended_s - self._started_s)

    def is_called_off(self) -> bool:
        """Return whether it is to stop."""
        alone_s = time.monotonic() - self._looked_s
        return self._stop.is_set() or alone_s > self._abandoned_after_s

    def check(self, _: object = None) -> None:
        """Raise JobStopped where it is to stop."""
        if self.is_called_off():
            raise JobStopped

    def pass_time(self, seconds: float) -> None:
        """Wait so long, or until it is to stop.

        Raises:
            JobStopped: it is.
        """
        self._stop.wait(seconds)
        self.check()

    def looked_at(self) -> None:
        """Note that somebody looks."""
        self._looked_s = time.monotonic()

    def _end(self, state: JobState) -> None:
        with self._lock:
            if self._state == "running":
                self._state = state
                self._stop.set()

    def _run(self) -> None:
        is_done, error = False, ""
        try:
            is_done = self.work()
        except JobStopped:
            pass
        except Exception as trouble:  # noqa: BLE001 - a thread has nobody else to tell
            error = friendly_message(trouble)
        try:
            self.at_the_end(self)
        except Exception as trouble:  # noqa: BLE001 - what was done is done
            friendly_message(trouble)
        with self._lock:
            if error:
                self._state, self._error = "failed", error
            elif is_done:
                self._state = "complete"
            elif self._state == "running":
                self._state = "stopped"  # nobody looked
            self._ended_s = time.monotonic()
            self._over.set()
