"""A search from its beginning to its result: explore, look closer, measure the best once more."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256

import psutil

from facecore.errors import SettingsError
from facecore.evaluation.right import NONE_OF_THESE
from facecore.evaluation.truth import Truth
from facecore.executors.process import Cancelled
from facecore.experiment.background import ABANDONED_AFTER_S
from facecore.experiment.environment import MachineLoad, alone, check_room, this_environment
from facecore.experiment.record import PhotoFacts
from facecore.optimise.bench import MOST_ALIVE, Bench
from facecore.optimise.confirming import LastMeasurement, finalists
from facecore.optimise.judging import Judge, Tried
from facecore.optimise.proposals import Proposals
from facecore.optimise.race import Race
from facecore.optimise.record import Confirmation, Result, profile_values
from facecore.optimise.sentences import doubts, importances, points, recommendation, troubles
from facecore.optimise.space import space_of
from facecore.optimise.store import Stored, StudyStore, known_from, study_key
from facecore.optimise.task import Progress, Task
from facecore.serving.job import BackgroundJob
from facecore.wording import Text, listed

EXPLORED, DEEPENED = 0.55, 0.75
"""Parts of the time after which the search looks closer at the best, and then measures anew."""

_SECONDS_A_SLOT, _SHORTEST_START_S, _START_SHARE = 30.0, 10.0, 0.08


def optimise(
    task: Task,
    photos: Mapping[str, bytes],
    *,
    resume: bool = False,
    cancelled: Callable[[], bool] = lambda: False,
    on_progress: Callable[[Progress], object] = lambda _: None,
) -> Result:
    """Search, and return what was found; no process is left when it returns.

    Args:
        task: what is to be found.
        photos: files' bytes by name, 1 to 100 of them.
        resume: go on with what is kept of the same search of the same photos here, for so
            many seconds more; a search of which nothing is kept begins anew.
        cancelled: asked some twenty times a second; once it says so, what is known is returned.
        on_progress: called in this thread with each step.

    Raises:
        SettingsError: nothing can vary, the photos are too many, another experiment runs, or the
            baseline does not fit into memory.
        FacecoreError: the baseline cannot be run.
    """
    check_room(1, photos)
    with alone():
        return _Search(task, photos, cancelled, on_progress).run(resume)


class _Search:
    def __init__(
        self,
        task: Task,
        photos: Mapping[str, bytes],
        cancelled: Callable[[], bool],
        on_progress: Callable[[Progress], object],
    ) -> None:
        self._task, self._photos = task, photos
        self._cancelled, self._on_progress = cancelled, on_progress
        self._space = space_of(task.baseline, task.objective, task.vary, task.cores)
        self._labels = Truth(labels=dict(task.labels)).of_photos(photos).labels
        if task.labels and not self._labels:
            raise SettingsError(NONE_OF_THESE)
        self._search_names, self._fresh_names = self._halves()
        self._environment = this_environment()
        self._began_s = time.monotonic()
        self._stored = Stored(started_s=time.time())
        self._tried: list[Tried] = []

    def run(self, resume: bool) -> Result:
        load, used_s, budget_s = MachineLoad(), _used_s(), self._task.budget_s
        self._store = StudyStore(self._key())
        self._stored = (self._store.load() if resume else None) or self._store.begin()
        self._tried = known_from(self._stored, self._space)
        self._judge = Judge(
            objective=self._task.objective,
            constraints=self._task.constraints,
            baseline=self._tried[0],
            labels=self._labels,
        )
        self._bench = self._bench_of(self._search_names)
        confirmations: list[Confirmation] = []
        is_stopped = False
        try:
            self._race = self._race_of()
            self._race.begin()
            self._race.explore(lambda: self._spent_s >= EXPLORED * budget_s)
            self._race.deepen(lambda: self._spent_s >= DEEPENED * budget_s)
            self._bench.close()
            confirmations = self._confirmed()
        except Cancelled:
            is_stopped = True
        finally:
            self._bench.close()
            problem = self._store.problem
            self._store.close()
        others = load.others_percent(_used_s() - used_s)
        warnings = [*doubts(self._judge, confirmations), *troubles(problem, others)]
        return self._result(confirmations, is_stopped, warnings)

    def _halves(self) -> tuple[list[str], list[str]]:
        """Return the photos to search with, and those to measure the best with.

        How right answers are does not change from one reading to the next, so luck is found out
        by other photos alone: for accuracy each part has half of those with labels.
        """
        names = list(self._photos)
        if self._task.objective != "accuracy":
            return names, names
        labelled = sorted(self._labels, key=lambda name: sha256(self._photos[name]).digest())
        if len(labelled) < 2:
            raise SettingsError("Accuracy needs labels of two photos or more.")
        return labelled[::2], labelled[1::2]

    def _key(self) -> str:
        task, here = self._task, self._environment
        return study_key(
            {
                "photos": sorted(sha256(data).hexdigest() for data in self._photos.values()),
                "labels": {n: (one.age_years, one.gender) for n, one in self._labels.items()},
                "baseline": profile_values(task.baseline),
                "objective": task.objective,
                "constraints": task.constraints,
                "space": {one.name: one.values for one in self._space.parameters},
                "seed": task.seed,
                "machine": [here.processor, here.cores, here.cpu_quota],
                "software": [here.packages, here.model_sha256],
            }
        )

    def _bench_of(self, names: Iterable[str]) -> Bench:
        return Bench(
            photos={name: self._photos[name] for name in names},
            cores=self._task.cores,
            side_by_side=self._task.objective == "throughput",
            max_pixels=self._task.max_pixels,
            cancelled=self._cancelled,
        )

    def _race_of(self) -> Race:
        return Race(
            space=self._space,
            bench=self._bench,
            judge=self._judge,
            store=self._store,
            proposals=Proposals(self._space, self._task.seed + len(self._tried) - 1),
            tried=self._tried,
            seed=self._task.seed,
            start_s=max(_SHORTEST_START_S, _START_SHARE * self._task.budget_s),
            slots=min(MOST_ALIVE, 2 + int(self._task.budget_s / _SECONDS_A_SLOT)),
            spent_s=lambda: self._stored.spent_s + self._spent_s,
            on_step=self._say,
        )

    def _confirmed(self) -> list[Confirmation]:
        best = finalists(self._judge, self._tried)
        if not best:
            return []
        self._say(
            Text(
                "measuring {candidates} and the baseline anew",
                candidates=listed([Text(one.name) for one in best]),
            )
        )
        self._bench = self._bench_of(self._fresh_names)
        return LastMeasurement(
            bench=self._bench,
            judge=self._judge,
            seed=self._task.seed,
            until_s=self._began_s + self._task.budget_s,
            known=self._stored.readings,
            keep=lambda number, one: self._store.add(
                number, one, self._stored.spent_s + self._spent_s
            ),
        ).of(best)

    @property
    def _spent_s(self) -> float:
        return time.monotonic() - self._began_s

    def _say(self, phase: str) -> None:
        if self._cancelled():
            raise Cancelled
        best = self._race.best if hasattr(self, "_race") else self._tried[0]
        words = ""
        if best.number:
            ratio = self._judge.gain(best).ratio
            words = Text(
                "{name}, {ratio:.2f}× as fast as the baseline", name=best.name, ratio=ratio
            )
        self._on_progress(
            Progress(
                phase=phase,
                spent_s=self._spent_s,
                budget_s=self._task.budget_s,
                tried=len(self._tried) - 1,
                best=words,
            )
        )

    def _result(
        self, confirmations: Sequence[Confirmation], is_stopped: bool, warnings: Sequence[str]
    ) -> Result:
        task, judge, tried = self._task, self._judge, self._tried
        recommended, sentence = recommendation(
            judge, tried, confirmations, self._space, is_stopped=is_stopped
        )
        return Result(
            objective=task.objective,
            constraints=task.constraints,
            vary=tuple(one.name for one in self._space.parameters),
            left_out=(*self._space.left_out, *dict.fromkeys(self._race.left_out)),
            seed=task.seed,
            budget_s=task.budget_s,
            spent_s=self._stored.spent_s + self._spent_s,
            started_at=datetime.fromtimestamp(self._stored.started_s, UTC),
            environment=self._environment,
            photos=tuple(
                PhotoFacts(
                    name=name,
                    sha256=sha256(data).hexdigest(),
                    file_bytes=len(data),
                    size_wh=judge.sizes_wh.get(name),
                )
                for name, data in self._photos.items()
            ),
            faces=judge.faces,
            labels=len(self._labels),
            points=points(judge, tried, self._space),
            recommended=recommended,
            sentence=sentence,
            confirmations=tuple(confirmations),
            importance=importances(judge, tried, self._space),
            warnings=tuple(warnings),
            command=task.command,
            stopped=is_stopped,
        )


class BackgroundSearch(BackgroundJob):
    """A search that goes on while somebody does something else; its workers end with it."""

    def __init__(
        self,
        task: Task,
        photos: Mapping[str, bytes],
        *,
        resume: bool = False,
        abandoned_after_s: float = ABANDONED_AFTER_S,
        at_the_end: Callable[[BackgroundSearch], object] = lambda _: None,
    ) -> None:
        """Start it at once; see `optimise`, and `BackgroundJob` for the end."""
        super().__init__("optimise", abandoned_after_s=abandoned_after_s, at_the_end=at_the_end)
        self.task = task
        self.result: Result | None = None
        """What was found, once it is over, even where it was stopped."""
        self._photos, self._resume = photos, resume
        self._progress = Progress(phase=Text("starting"), spent_s=0.0, budget_s=task.budget_s)
        self.start()

    @property
    def progress(self) -> Progress:
        """How far it is."""
        self.looked_at()
        return self._progress

    def work(self) -> bool:
        """Search."""
        self.result = optimise(
            self.task,
            self._photos,
            resume=self._resume,
            cancelled=self.is_called_off,
            on_progress=self._take,
        )
        return not self.result.stopped

    def _take(self, progress: Progress) -> None:
        self._progress = progress


def _used_s() -> float:
    """Return the CPU time of this process and of its children that have ended."""
    return float(sum(psutil.Process().cpu_times()[:4]))
