"""Experiments that run while somebody does something else, and can be stopped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from facecore.experiment.engines import EngineProgress, measure_engines
from facecore.experiment.record import Continuation, Experiment, Plan
from facecore.experiment.runner import Progress, run_experiment
from facecore.serving.job import BackgroundJob
from facecore.settings import DEFAULT_MAX_PIXELS

ABANDONED_AFTER_S = 180.0
"""A page asks every second; a browser slows that down to once a minute in a hidden tab."""


class BackgroundEngines(BackgroundJob):
    """The table of engines, measured; their processes end with it."""

    def __init__(self, rounds: int, faces: int) -> None:
        """Start it at once; see `measure_engines`."""
        super().__init__("engines", abandoned_after_s=ABANDONED_AFTER_S)
        self.result: dict[str, Any] | None = None
        """What was measured, once it is over."""
        self._rounds, self._faces = rounds, faces
        self._progress = EngineProgress("starting", 0.0)
        self.start()

    @property
    def progress(self) -> EngineProgress:
        """How far it is."""
        self.looked_at()
        return self._progress

    def work(self) -> bool:
        """Measure."""
        self.result = measure_engines(
            rounds=self._rounds,
            faces=self._faces,
            cancelled=self.is_called_off,
            on_progress=self._take,
        )
        return not self.is_called_off()

    def _take(self, progress: EngineProgress) -> None:
        self._progress = progress


class BackgroundExperiment(BackgroundJob):
    """A running experiment, whose workers end with it."""

    def __init__(
        self,
        plan: Plan | Continuation,
        photos: Mapping[str, bytes],
        *,
        max_pixels: int = DEFAULT_MAX_PIXELS,
        abandoned_after_s: float = ABANDONED_AFTER_S,
        at_the_end: Callable[[BackgroundExperiment], object] = lambda _: None,
    ) -> None:
        """Start it at once; see `run_experiment`, and `BackgroundJob` for the end."""
        super().__init__("experiment", abandoned_after_s=abandoned_after_s, at_the_end=at_the_end)
        self.plan = plan.plan if isinstance(plan, Continuation) else plan
        self.before = plan.before if isinstance(plan, Continuation) else None
        """What goes on, if anything does."""
        self._what = plan
        self.result: Experiment | None = None
        """What was measured, once it is over; None before, and where nothing could be run."""
        self._photos = photos
        self._max_pixels = max_pixels
        self._progress = Progress(phase="starting")
        self.start()

    @property
    def progress(self) -> Progress:
        """How far it is; its trials are a copy."""
        self.looked_at()
        now = self._progress
        return replace(now, trials=tuple(now.trials), failures=tuple(now.failures))

    def work(self) -> bool:
        """Measure."""
        self.result = run_experiment(
            self._what,
            self._photos,
            max_pixels=self._max_pixels,
            cancelled=self.is_called_off,
            on_progress=self._take,
        )
        return not self.result.stopped

    def _take(self, progress: Progress) -> None:
        self._progress = progress
