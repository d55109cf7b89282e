"""What an experiment was and what it measured, raw: frozen values that check themselves."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated

from msgspec import Meta

from facecore.errors import SettingsError
from facecore.executors.messages import Count, Positive, Whole, WorkerFacts
from facecore.experiment.environment import MAX_PHOTOS, Environment
from facecore.experiment.variants import Variant, check_variants
from facecore.results import Face, StageTimings
from facecore.settings import MAX_FACES
from facecore.wording import Text, counted

MAX_REPEATS = 1000
MAX_TRIALS = 100_000
"""Trials of all variants together; an experiment that has so many ends there."""

MAX_WARM_UP = 20
MAX_BUDGET_S = 3600.0
PREVIEW_SIDE_PX = 1400
"""A trial draws its faces on a copy of this size and encodes it, as the Analyze page does."""

_Side = Annotated[int, Meta(ge=1, le=10**9)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be measured.

    Attributes:
        repeats: how often each variant reads each photo, 1 to 1000.
        budget_s: measuring ends after so many seconds, 1 to 3600; None measures
            all repeats. A round that was begun is finished.
        warm_up: unmeasured passes over all photos before, 1 to 20.
        seed: of the order of the trials.
        variants: two to eight; the first is the baseline.

    Raises:
        SettingsError: a value is outside its range.
    """

    repeats: Whole = 10
    budget_s: float | None = None
    warm_up: Whole = 2
    seed: Whole = 1
    variants: tuple[Variant, ...]

    def __post_init__(self) -> None:
        check_variants(self.variants)
        for name, value, most in (
            (Text("repeats"), self.repeats, MAX_REPEATS),
            (Text("warm-up passes"), self.warm_up, MAX_WARM_UP),
        ):
            if type(value) is not int or not 1 <= value <= most:
                wrong = {"name": name, "most": most, "n": value}
                raise SettingsError("The number of {name} must be 1 to {most}, not {n!r}.", **wrong)
        if type(self.seed) is not int:
            raise SettingsError("The seed must be a whole number, not {seed!r}.", seed=self.seed)
        if self.budget_s is not None and (
            type(self.budget_s) not in (int, float) or not 1 <= self.budget_s <= MAX_BUDGET_S
        ):
            raise SettingsError(
                "The time budget must be 1 to {most:g} seconds, not {value!r}.",
                most=MAX_BUDGET_S,
                value=self.budget_s,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One measured reading of one photo by one variant.

    Attributes:
        variant: its place among the plan's variants, from 0.
        photo: the photo's name.
        repeat: from 0; trials of the same repeat and photo are compared with each other.
        started_s: seconds since the measuring began.
        timings: wall time by stage, everything anew.
        cpu_time_s: of the worker process, in the reading.
        cycle_time_s, cycle_cpu_s: wall and CPU time with the throttle's wait.
        rss_after_bytes, peak_rss_bytes: resident memory of the worker process.
        faces: how many were read.
    """

    variant: Count
    photo: str
    repeat: Count
    started_s: Positive
    timings: StageTimings
    cpu_time_s: Positive
    cycle_time_s: Positive
    cycle_cpu_s: Positive
    rss_after_bytes: Count
    peak_rss_bytes: Count
    faces: Count

    @property
    def cpu_percent(self) -> float:
        """CPU time over wall time of the reading, in percent of one core."""
        total_ms = self.timings.total_ms
        return 1e5 * self.cpu_time_s / total_ms if total_ms > 0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoFacts:
    """A photo of an experiment.

    Attributes:
        name: unique in the experiment.
        sha256: of the file's bytes, hexadecimal.
        file_bytes: length of the file.
        size_wh: upright, in pixels; None where it could not be read.
    """

    name: str
    sha256: str
    file_bytes: Count
    size_wh: tuple[_Side, _Side] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Something that went wrong.

    Attributes:
        variant: its place among the plan's variants, from 0; None where it is the
            photo that cannot be read, whichever variant tries.
        photo: its name; None where it is the variant that failed.
        message: what happened, as a sentence.
    """

    variant: int | None
    photo: str | None
    message: str

    def where(self, plan: Plan) -> str:
        """Name what failed: the variant, the photo, or both."""
        name = None if self.variant is None else plan.variants[self.variant].name
        return ", ".join(filter(None, [name, self.photo]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """Everything that an experiment measured, raw.

    Attributes:
        plan: what was asked for.
        started_at: with time zone (UTC).
        environment: where it ran.
        photos: those that were given, in order.
        workers: what each variant's process said of itself; None where it never
            became ready. In the order of the variants.
        trials: in the order they ran, without the warm-up.
        answers: for each variant the faces by photo.
        failures: workers that died or hung, photos that could not be read.
        measured_s: wall time of the measuring, without start and warm-up.
        other_load_percent: what everything but the workers used of the whole
            machine meanwhile; None where it is not known.
        stopped: whether somebody stopped it before its end.
    """

    plan: Plan
    started_at: datetime
    environment: Environment
    photos: tuple[PhotoFacts, ...]
    workers: tuple[WorkerFacts | None, ...]
    trials: tuple[Trial, ...]
    answers: tuple[Mapping[str, tuple[Face, ...]], ...]
    failures: tuple[Failure, ...]
    measured_s: float
    other_load_percent: float | None
    stopped: bool

    def __post_init__(self) -> None:
        count = len(self.plan.variants)
        if len(self.workers) != count or len(self.answers) != count:
            raise ValueError("an experiment needs workers and answers for each variant")
        if len(self.trials) > MAX_TRIALS:
            raise SettingsError("An experiment has at most {most} trials.", most=MAX_TRIALS)
        names = {photo.name for photo in self.photos}
        if len(names) != len(self.photos):
            raise ValueError("two photos of an experiment have the same name")
        if any(trial.variant >= count or trial.photo not in names for trial in self.trials):
            raise ValueError("a trial is of a variant or photo that is not in the experiment")
        rounds = {(trial.variant, trial.photo, trial.repeat) for trial in self.trials}
        if len(rounds) < len(self.trials) or any(
            trial.repeat >= self.plan.repeats for trial in self.trials
        ):
            raise ValueError("a trial was run twice, or in a round that was not planned")
        if any(len(faces) > MAX_FACES for answers in self.answers for faces in answers.values()):
            raise ValueError("an answer has more faces than can be read")
        if len(self.photos) > MAX_PHOTOS:
            raise ValueError("an experiment has too many photos")
        if any(
            failure.variant not in {None, *range(count)} or failure.photo not in {None, *names}
            for failure in self.failures
        ):
            raise ValueError("a failure is of a variant or photo that is not in the experiment")
        if any(set(answers) - names for answers in self.answers):
            raise ValueError("an answer is of a photo that is not in the experiment")

    @property
    def rounds_begun(self) -> frozenset[tuple[str, int]]:
        """The rounds of which there is a trial: the photo's name and the repeat of each."""
        return frozenset((trial.photo, trial.repeat) for trial in self.trials)

    @property
    def measured_share(self) -> float:
        """Which part of the measuring the trials took, 0 to 1."""
        trials_s = sum(one.cycle_time_s for one in self.trials)
        return trials_s / self.measured_s if self.measured_s else 0.0

    def more(self, repeats: int) -> Continuation:
        """Return what goes on with this for so many repeats of each photo.

        A pass over the photos that was begun is finished as well; there is no time budget.

        Raises:
            SettingsError: that would be more repeats than an experiment can have.
        """
        begun = 1 + max((repeat for _, repeat in self.rounds_begun), default=-1)
        plan = replace(self.plan, repeats=begun + repeats, budget_s=None)
        return Continuation(before=self, plan=plan)

    def followed_by(self, more: Experiment) -> Experiment:
        """Return this and what was measured after it, in other rounds, as one experiment."""
        added = len(more.workers) - len(self.workers)
        measured_s = self.measured_s + more.measured_s
        workers = (*self.workers, *(None,) * added)
        answers = (*self.answers, *({},) * added)
        return replace(
            more,
            started_at=self.started_at,
            environment=self.environment,
            photos=self.photos,
            workers=tuple(new or old for old, new in zip(workers, more.workers, strict=True)),
            trials=(
                *self.trials,
                *(replace(one, started_s=self.measured_s + one.started_s) for one in more.trials),
            ),
            answers=tuple({**old, **new} for old, new in zip(answers, more.answers, strict=True)),
            failures=(*self.failures, *more.failures),
            measured_s=measured_s,
            other_load_percent=_mean_load((self, more)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Continuation:
    """What goes on with an experiment: only rounds that it does not have are to be measured.

    Attributes:
        before: what was measured.
        plan: its own with more repeats; more variants may come after its own.

    Raises:
        SettingsError: the plan has other variants or another seed.
    """

    before: Experiment
    plan: Plan

    def __post_init__(self) -> None:
        known = self.before.plan
        same = self.plan.variants[: len(known.variants)] == known.variants
        if not same or self.plan.seed != known.seed:
            raise SettingsError("An experiment goes on with the same variants and the same seed.")

    def own_photos(self, photos: Mapping[str, bytes]) -> dict[str, bytes]:
        """Return the experiment's photos, found among others by their bytes.

        Raises:
            SettingsError: one that was readable is not among them.
        """
        by_hash = {hashlib.sha256(data).hexdigest(): data for data in photos.values()}
        readable = [photo for photo in self.before.photos if photo.size_wh]
        missing = [photo.name for photo in readable if photo.sha256 not in by_hash]
        if missing:
            raise SettingsError(
                "{lost} of the experiment's {photos} cannot be found, {first} for one: choose the "
                "same photos again.",
                lost=len(missing),
                photos=counted(len(readable), "photo"),
                first=missing[0],
            )
        return {photo.name: by_hash[photo.sha256] for photo in readable}


def _mean_load(parts: Sequence[Experiment]) -> float | None:
    known = [one for one in parts if one.other_load_percent is not None]
    spent_s = sum(one.measured_s for one in known)
    loads = sum((one.other_load_percent or 0.0) * one.measured_s for one in known)
    return loads / spent_s if spent_s else None
