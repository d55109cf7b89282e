"""An experiment that runs while somebody does something else, and can be stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

from facecore.errors import friendly_message
from facecore.experiment.record import Experiment, Plan, Progress
from facecore.experiment.runner import run_experiment
from facecore.settings import DEFAULT_MAX_PIXELS

ABANDONED_AFTER_S = 180.0
"""A page asks every second; a browser slows that down to once a minute in a hidden tab."""


class BackgroundExperiment:
    """A running experiment in a thread of its own; safe to ask from any other.

    Its workers end when it is stopped, when it is done, and when this process
    ends; and when nobody has asked for its progress for ``abandoned_after_s``.
    """

    def __init__(
        self,
        plan: Plan,
        photos: Mapping[str, bytes],
        *,
        max_pixels: int = DEFAULT_MAX_PIXELS,
        abandoned_after_s: float = ABANDONED_AFTER_S,
    ) -> None:
        """Start it at once."""
        self._abandoned_after_s = abandoned_after_s
        self._asked_at_s = time.monotonic()
        self.plan = plan
        self._stop = threading.Event()
        self._over = threading.Event()
        self._progress = Progress(phase="starting")
        self._result: Experiment | None = None
        self._error = ""
        self._thread = threading.Thread(
            target=self._run, args=(photos, max_pixels), name="experiment", daemon=True
        )
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """Whether it is still under way."""
        return not self._over.is_set()

    @property
    def progress(self) -> Progress:
        """How far it is; its trials are a copy."""
        self._asked_at_s = time.monotonic()
        now = self._progress
        return Progress(
            phase=now.phase,
            done=now.done,
            total=now.total,
            left_s=now.left_s,
            trials=tuple(now.trials),
            failures=tuple(now.failures),
        )

    @property
    def result(self) -> Experiment | None:
        """What was measured, once it is over; None before, and where nothing could be run."""
        return self._result

    @property
    def error(self) -> str:
        """Why nothing could be run, as a sentence; empty where all is well."""
        return self._error

    def stop(self) -> None:
        """Stop it; what was measured is kept. Returns at once."""
        self._stop.set()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for its end; tells whether it came."""
        # Not Thread.join: Python before 3.13 takes a thread for dead once Ctrl-C interrupts that.
        return self._over.wait(timeout_s)

    def _run(self, photos: Mapping[str, bytes], max_pixels: int) -> None:
        try:
            self._result = run_experiment(
                self.plan,
                photos,
                max_pixels=max_pixels,
                cancelled=self._is_called_off,
                on_progress=self._take,
            )
        except Exception as error:  # noqa: BLE001 - a thread has nobody else to tell
            self._error = friendly_message(error)
        finally:
            self._over.set()

    def _is_called_off(self) -> bool:
        alone_s = time.monotonic() - self._asked_at_s
        return self._stop.is_set() or alone_s > self._abandoned_after_s

    def _take(self, progress: Progress) -> None:
        self._progress = progress
