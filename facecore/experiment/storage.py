"""An experiment as one JSON file: complete, readable by other programs, checked when read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from facecore.errors import FacecoreError, SettingsError
from facecore.executors.messages import (
    WorkerFacts,
    face_from_dict,
    face_to_dict,
    facts_from_dict,
    facts_to_dict,
)
from facecore.experiment.json_values import count, flag, items, number, positive, text, whole
from facecore.experiment.record import Environment, Experiment, Failure, PhotoFacts, Plan, Trial
from facecore.experiment.variants import variant_from_dict, variant_to_dict
from facecore.results import STAGES, Face, StageTimings

FORMAT = "facecore experiment"
VERSION = 1
MAX_FILE_BYTES = 50_000_000

_STAGE_COLUMNS = tuple(f"{stage}_ms" for stage in (*STAGES, "total"))
_OWN_COLUMNS = tuple(one.name for one in fields(Trial) if one.name != "timings")
_PLAN_NUMBERS = ("repeats", "budget_s", "warm_up", "seed")
_COLUMNS = (*_OWN_COLUMNS, *_STAGE_COLUMNS)


class ExperimentFileError(FacecoreError):
    """A file is no saved experiment, or one that this version cannot read."""


def experiment_to_json(experiment: Experiment) -> bytes:
    """Write an experiment, in ASCII.

    Times of stages are milliseconds, others seconds; memory is bytes; boxes are
    xyxy pixels of the upright photo. ``trials`` is a table: columns, and a list per row.
    """
    return json.dumps(
        {
            "format": FORMAT,
            "version": VERSION,
            "started_at": experiment.started_at.isoformat(),
            "plan": {
                **{name: getattr(experiment.plan, name) for name in _PLAN_NUMBERS},
                "variants": [variant_to_dict(one) for one in experiment.plan.variants],
            },
            "environment": asdict(experiment.environment),
            "photos": [asdict(photo) for photo in experiment.photos],
            "workers": [facts and facts_to_dict(facts) for facts in experiment.workers],
            "answers": [
                {name: [face_to_dict(face) for face in faces] for name, faces in answers.items()}
                for answers in experiment.answers
            ],
            "failures": [asdict(failure) for failure in experiment.failures],
            "measured_s": experiment.measured_s,
            "other_load_percent": experiment.other_load_percent,
            "stopped": experiment.stopped,
            "trials": {
                "columns": list(_COLUMNS),
                "rows": [_row(trial) for trial in experiment.trials],
            },
        },
        allow_nan=False,
    ).encode("ascii")


def experiment_from_json(data: bytes) -> Experiment:
    """Read a saved experiment back, equal to what was saved.

    Raises:
        ExperimentFileError: it is none, is damaged, or of another version.
    """
    content = _content(data)
    try:
        return _experiment(content)
    except SettingsError as error:
        raise ExperimentFileError(
            f"The saved experiment has a setting that cannot be used. {error}"
        ) from error
    except (
        LookupError,
        TypeError,
        ValueError,
        AttributeError,
        ArithmeticError,
        RecursionError,
    ) as error:
        raise ExperimentFileError(
            "The saved experiment is damaged: save it again where it was measured."
        ) from error


def _content(data: bytes) -> Mapping[str, Any]:
    if len(data) > MAX_FILE_BYTES:
        raise ExperimentFileError(
            f"The file has more than {MAX_FILE_BYTES // 1_000_000} MB: this is no saved experiment."
        )
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ExperimentFileError(
            "The file is no saved experiment: choose one that the Compare page or "
            "'python -m facecore compare' has saved."
        )
    version = content.get("version")
    if type(version) is not int or version != VERSION:
        form = f"form {version}" if type(version) is int and abs(version) < 1e6 else "another form"
        raise ExperimentFileError(
            f"The experiment was saved in {form}, this program reads "
            f"form {VERSION}: use the program that saved it."
        )
    return content


def _experiment(content: Mapping[str, Any]) -> Experiment:
    started_at = datetime.fromisoformat(text(content["started_at"]))
    if started_at.tzinfo is None:
        raise ValueError("the time has no zone")
    others = content["other_load_percent"]
    return Experiment(
        plan=_plan(content["plan"]),
        started_at=started_at,
        environment=_environment(content["environment"]),
        photos=tuple(map(_photo, items(content["photos"]))),
        workers=tuple(None if one is None else _facts(one) for one in items(content["workers"])),
        trials=_trials(content["trials"]),
        answers=tuple(map(_answers, items(content["answers"]))),
        failures=tuple(
            Failure(
                variant=None if failure["variant"] is None else whole(failure["variant"]),
                photo=None if failure["photo"] is None else text(failure["photo"]),
                message=text(failure["message"]),
            )
            for failure in items(content["failures"])
        ),
        measured_s=positive(content["measured_s"]),
        other_load_percent=None if others is None else positive(others),
        stopped=flag(content["stopped"]),
    )


def _plan(values: Mapping[str, Any]) -> Plan:
    budget_s = values["budget_s"]
    for variant in items(values["variants"]):
        text(variant["name"])
    return Plan(
        variants=tuple(map(variant_from_dict, values["variants"])),
        repeats=whole(values["repeats"]),
        budget_s=None if budget_s is None else number(budget_s),
        warm_up=whole(values["warm_up"]),
        seed=whole(values["seed"]),
    )


def _environment(values: Mapping[str, Any]) -> Environment:
    quota = values["cpu_quota"]
    return Environment(
        processor=text(values["processor"]),
        cores=count(values["cores"]),
        cpu_quota=None if quota is None else positive(quota),
        memory_bytes=count(values["memory_bytes"]),
        system=text(values["system"]),
        python=text(values["python"]),
        packages={k: text(v) for k, v in values["packages"].items()},
        opencv_build=text(values["opencv_build"]),
        model_sha256={k: text(v) for k, v in values["model_sha256"].items()},
    )


def _photo(values: Mapping[str, Any]) -> PhotoFacts:
    size_wh = values["size_wh"]
    if size_wh is not None:
        width, height = size_wh
        size_wh = (count(width), count(height))
        if not min(size_wh):
            raise ValueError("a photo without pixels")
    return PhotoFacts(
        name=text(values["name"]),
        sha256=text(values["sha256"]),
        file_bytes=count(values["file_bytes"]),
        size_wh=size_wh,
    )


def _answers(values: Mapping[str, Any]) -> dict[str, tuple[Face, ...]]:
    return {name: tuple(map(_face, items(faces))) for name, faces in values.items()}


def _face(values: Mapping[str, Any]) -> Face:
    for edge in items(values["box"]):
        whole(edge)
    for value in (
        values["confidence"],
        *items(values["gender"]),
        *items(values["age_group"]),
    ):
        number(value)
    return face_from_dict(values)


def _facts(values: Mapping[str, Any]) -> WorkerFacts:
    engine = values["engine"]
    for name in ("threads", "cpus_seen"):
        count(engine[name])
    flag(engine["optimised"])
    for value in (
        engine["version"],
        engine["parallel_framework"],
        *items(engine["cpu_features"]),
        *items(engine["usable_targets"]),
    ):
        text(value)
    count(values["cores"])
    whole(values["load_rss_delta_bytes"])
    positive(values["load_time_ms"])
    positive(values["start_up_time_ms"])
    return facts_from_dict(values)


def _row(trial: Trial) -> list[Any]:
    return [
        *(getattr(trial, name) for name in _OWN_COLUMNS),
        *(getattr(trial.timings, name) for name in _STAGE_COLUMNS),
    ]


def _trials(table: Mapping[str, Any]) -> tuple[Trial, ...]:
    return tuple(
        _trial(dict(zip(table["columns"], items(row), strict=True))) for row in items(table["rows"])
    )


def _trial(values: Mapping[str, Any]) -> Trial:
    return Trial(
        variant=whole(values["variant"]),
        photo=text(values["photo"]),
        repeat=whole(values["repeat"]),
        started_s=number(values["started_s"]),
        timings=StageTimings(**{name: number(values[name]) for name in _STAGE_COLUMNS}),
        cpu_time_s=number(values["cpu_time_s"]),
        cycle_time_s=number(values["cycle_time_s"]),
        cycle_cpu_s=number(values["cycle_cpu_s"]),
        rss_after_bytes=whole(values["rss_after_bytes"]),
        peak_rss_bytes=whole(values["peak_rss_bytes"]),
        faces=whole(values["faces"]),
    )
