"""What a search for the best settings found: plain values that are written as JSON and read back.

Latencies are milliseconds a photo, memory is megabytes (10^6 bytes), shares are percent, and
intervals are the two ends of 95 %, the lower first; None is what was not measured often enough.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from facecore.errors import FacecoreError
from facecore.experiment.environment import Environment
from facecore.experiment.record import PhotoFacts
from facecore.profiles.configuration import Configuration, configuration
from facecore.profiles.profile import known_settings
from facecore.profiles.writing import profile_text
from facecore.statistics.intervals import Interval
from facecore.wording import plain

FORMAT = "facecore optimise"
VERSION = 1

Objective = Literal["latency", "throughput", "memory", "accuracy"]
ConstraintName = Literal["p95 latency", "memory", "agreement", "accuracy"]
Fate = Literal["baseline", "kept", "dropped", "failed", "under way"]


class Constraints(Struct, frozen=True, kw_only=True):
    """What a recommended point must keep to; None is no constraint.

    ``cores`` is how many processors all are measured on.
    """

    max_latency_ms: float | None = None
    max_memory_mb: float | None = None
    min_agreement_percent: float | None = None
    min_accuracy_percent: float | None = None
    cores: int | None = None


class Figure(Struct, frozen=True):
    """A measured value with its 95 % interval, and from how many values; None for too few."""

    value: float | None = None
    interval: Interval | None = None
    n: int = 0


class Violation(Struct, frozen=True, kw_only=True):
    """A constraint that a point does not keep to.

    Attributes:
        constraint: which.
        limit, measured: in the constraint's unit (ms, MB, percent).
        excess: by how much it is beyond the limit, above 0, in the same unit.
        is_certain: whether the whole interval lies beyond the limit.
        words: the same as a sentence without its full stop.
    """

    constraint: ConstraintName
    limit: float
    measured: float
    excess: float
    is_certain: bool
    words: str


class Point(Struct, frozen=True, kw_only=True):
    """One way of reading that was measured.

    Attributes:
        number: 0 is the baseline, the rest in the order in which they were begun.
        name: for people: "baseline", "candidate 7".
        profile: all its values by the settings' names as a profile has them, and ``preset``.
        changes: how it differs from the baseline, in words: "engine mnn (not auto)".
        engine, engine_version: what really ran.
        model_set, threads, replicas: as measured; replicas above 1 read as many photos at once.
        latency_p50_ms, latency_p95_ms: of one photo.
        speed: how many times as fast as the baseline in the same rounds, by the objective's time
            (for throughput that of a photo while all replicas read); the baseline has 1.
        photos_per_s: photos a second, all replicas together.
        peak_memory_mb: of all its processes together, at most.
        agreement_percent: faces of either side about which baseline and point say the same.
        accuracy_percent: right answers (gender, age group) about labelled people; value None
            without labels.
        rounds: how often it was measured beside the baseline.
        violations: constraints that it does not keep to.
        fate: "dropped" is a clear loser, of which little was measured.
        why: why it was dropped or failed, as a sentence; else "".
        is_on_front: whether no other point is both better in latency and in answers.
    """

    number: int
    name: str
    profile: dict[str, Any]
    changes: str
    engine: str
    engine_version: str
    model_set: str
    threads: int | None
    replicas: int
    latency_p50_ms: Figure
    latency_p95_ms: Figure
    speed: Figure
    photos_per_s: Figure
    peak_memory_mb: float | None
    agreement_percent: Figure
    accuracy_percent: Figure
    rounds: int
    violations: tuple[Violation, ...]
    fate: Fate
    why: str
    is_on_front: bool

    def configuration(self, name: str = "") -> Configuration:
        """Return it as what a command or a server is given."""
        return configuration_of(self.profile | ({"name": name} if name else {}))

    def profile_text(self, name: str = "") -> str:
        """Return the TOML of a profile file, named by its maker if a name is given."""
        return profile_text(self.configuration(name))


class Confirmation(Struct, frozen=True, kw_only=True):
    """The last measurement: fresh processes and fresh trials of a finalist and the baseline.

    Attributes:
        number: the point's.
        search: the gain that the search saw, which is lucky as it was the best of many: times
            as fast; for the objective memory times as little, for accuracy percent points.
        fresh: the same gain in the fresh trials: the one to believe.
        baseline_p50_ms, p50_ms, p95_ms: of the fresh trials.
        memory_saved_mb: the baseline's peak less the point's; below 0 where it takes more.
        agreement_percent, faces: as of a point; the faces are those of either side.
        accuracy_percent: as of a point; for the objective accuracy on photos that the search
            did not see.
        rounds: how many.
        is_better: whether the fresh trials bear out that it is better than the baseline.
        violations: of the fresh figures.
    """

    number: int
    search: Figure
    fresh: Figure
    baseline_p50_ms: Figure
    p50_ms: Figure
    p95_ms: Figure
    memory_saved_mb: float | None
    agreement_percent: Figure
    faces: int
    accuracy_percent: Figure
    rounds: int
    is_better: bool
    violations: tuple[Violation, ...]


class Importance(Struct, frozen=True):
    """How much a setting mattered: 0 to 1, the part of all differences that it explains."""

    setting: str
    label: str
    share: float


class Result(Struct, frozen=True, kw_only=True):
    """What a search found.

    Attributes:
        objective, constraints: what was asked for.
        vary: names of the settings that could vary.
        left_out: what could not be tried here, a sentence each.
        seed, budget_s, spent_s: of the search; spent over all of its runs.
        started_at: with time zone (UTC).
        environment: the machine and what is installed.
        photos: those that were read; faces the baseline found in them, labels of them known.
        points: the baseline first.
        recommended: the number of the point; 0 is to keep the baseline, None where nothing
            keeps to the constraints.
        sentence: why, for people.
        confirmations: the finalists' last measurement; empty where it was stopped before.
        importance: of the settings that varied, the most important first.
        warnings: what speaks against believing it, a sentence each.
        command: the exact command to run it again, in words of a shell.
        stopped: whether somebody stopped it before its end.
    """

    format: str = FORMAT
    version: int = VERSION
    objective: Objective
    constraints: Constraints
    vary: tuple[str, ...]
    left_out: tuple[str, ...]
    seed: int
    budget_s: float
    spent_s: float
    started_at: Annotated[datetime, Meta(tz=True)]
    environment: Environment
    photos: tuple[PhotoFacts, ...]
    faces: int
    labels: int
    points: tuple[Point, ...]
    recommended: int | None
    sentence: str
    confirmations: tuple[Confirmation, ...]
    importance: tuple[Importance, ...]
    warnings: tuple[str, ...]
    command: str
    stopped: bool

    @property
    def baseline(self) -> Point:
        """The point that all are compared with."""
        return self.points[0]

    @property
    def recommended_point(self) -> Point | None:
        """The point that is recommended; the baseline itself where nothing is better."""
        return None if self.recommended is None else self.points[self.recommended]

    @property
    def front(self) -> tuple[Point, ...]:
        """The points of the Pareto front, fastest first."""
        found = [point for point in self.points if point.is_on_front]
        return tuple(sorted(found, key=lambda one: one.latency_p50_ms.value or 0.0))


class ResultFileError(FacecoreError):
    """A file is no result of a search, or one that this version cannot read."""


msgspec.json.Decoder(Result)  # prepared here, where no second thread does


def configuration_of(values: Mapping[str, Any]) -> Configuration:
    """Return what holds by a flat table of values, as `profile_values` makes it.

    Raises:
        SettingsError: a value cannot be used, or not with the others.
    """
    known = known_settings()
    given = {
        name: known[name].plain(value) if name in known else value
        for name, value in values.items()
        if name != "name"
    }
    return replace(configuration(flags=given, environment={}), name=values.get("name", ""))


def profile_values(given: Configuration) -> dict[str, Any]:
    """Return all values of a configuration by the settings' names, and its preset, as JSON has."""
    values = {name: value for name, value in given.values().items() if value != ()}
    return {"preset": given.preset, **values}


def result_to_json(result: Result) -> bytes:
    """Write a result; numbers that are none do not come about."""
    return msgspec.json.format(msgspec.json.encode(result, enc_hook=plain))


def result_from_json(data: bytes) -> Result:
    """Read a result back, equal to what was written.

    Raises:
        ResultFileError: it is none, is damaged, or of another version.
    """
    try:
        result = msgspec.json.decode(data, type=Result)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ResultFileError(
            "This is no result of 'facecore optimise' that can be read here: run it again."
        ) from error
    if result.format != FORMAT or result.version != VERSION:
        raise ResultFileError(
            "This program reads results of form {version}: use the program that wrote it.",
            version=VERSION,
        )
    return result
