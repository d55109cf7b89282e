"""An experiment as one JSON file: complete, readable by other programs, checked when read."""

from __future__ import annotations

import json
from dataclasses import asdict, fields, replace
from datetime import datetime
from pathlib import Path
from types import GenericAlias
from typing import Annotated, Any, get_type_hints

import msgspec
from msgspec import Meta, Struct

from facecore.engines import option_values, options_from_values
from facecore.errors import FacecoreError, SettingsError
from facecore.executors.messages import PlainFace, Positive, WorkerFacts
from facecore.experiment.environment import Environment
from facecore.experiment.record import Experiment, Failure, PhotoFacts, Plan, Trial
from facecore.results import STAGES, StageTimings
from facecore.settings import ONE_LOOK, AnalysisSettings, ProcessOptions
from facecore.settings.setting import from_values
from facecore.sources.names import printable
from facecore.wording import Text, plain

FORMAT = "facecore experiment"
VERSION = 1
MAX_FILE_BYTES = 50_000_000
_TOO_LARGE = Text(
    "The file has more than {most} MB: this is no saved experiment.",
    most=MAX_FILE_BYTES // 1_000_000,
)

_STAGE_COLUMNS = tuple(f"{stage}_ms" for stage in (*STAGES, "total"))
_OWN_COLUMNS = tuple(one.name for one in fields(Trial) if one.name != "timings")
_COLUMNS = (*_OWN_COLUMNS, *_STAGE_COLUMNS)
_TYPES = get_type_hints(Trial, include_extras=True)
_Row: Any = GenericAlias(
    tuple, (*(_TYPES[name] for name in _OWN_COLUMNS), *(Positive for _ in _STAGE_COLUMNS))
)


class ExperimentFileError(FacecoreError):
    """A file is no saved experiment, or one that this version cannot read."""


class _Table(Struct):
    columns: tuple[str, ...]
    rows: Any


class _Saved(Struct, kw_only=True):
    format: str = FORMAT
    version: int = VERSION
    started_at: Annotated[datetime, Meta(tz=True)]
    plan: Any
    environment: Environment
    photos: tuple[PhotoFacts, ...]
    workers: tuple[WorkerFacts | None, ...]
    answers: tuple[dict[str, tuple[PlainFace, ...]], ...]
    failures: tuple[Failure, ...]
    measured_s: Positive
    other_load_percent: Positive | None
    stopped: bool
    trials: _Table


# Here, where no second thread does, as with the messages of workers.
for _kind in (_Saved, Plan):
    msgspec.json.Decoder(_kind)

_AS_THEY_ARE = tuple(
    one.name for one in fields(Experiment) if one.name not in ("plan", "answers", "trials")
)


def experiment_to_json(experiment: Experiment) -> bytes:
    """Write an experiment, in ASCII.

    Times of stages are milliseconds, others seconds; memory is bytes; boxes are
    xyxy pixels of the upright photo. ``trials`` is a table: columns, and a list per row.
    """
    plan = msgspec.to_builtins(experiment.plan, enc_hook=plain)
    for values, variant in zip(plan["variants"], experiment.plan.variants, strict=True):
        values["options"] = option_values(variant.options)
    saved = _Saved(
        plan=plan,
        **{name: getattr(experiment, name) for name in _AS_THEY_ARE},
        answers=tuple(
            {name: tuple(map(PlainFace.of, faces)) for name, faces in answers.items()}
            for answers in experiment.answers
        ),
        trials=_Table(_COLUMNS, [_row(trial) for trial in experiment.trials]),
    )
    values = msgspec.to_builtins(saved, builtin_types=(datetime,), enc_hook=plain)
    return json.dumps(values, allow_nan=False, default=datetime.isoformat).encode("ascii")


def without_names(experiment: Experiment) -> Experiment:
    """Return the same experiment with numbered photos, without their names and hashes."""
    names = {photo.name: f"photo {n}" for n, photo in enumerate(experiment.photos, start=1)}
    return replace(
        experiment,
        photos=tuple(
            replace(photo, name=names[photo.name], sha256="") for photo in experiment.photos
        ),
        trials=tuple(replace(trial, photo=names[trial.photo]) for trial in experiment.trials),
        answers=tuple(
            {names[name]: faces for name, faces in answers.items()}
            for answers in experiment.answers
        ),
        failures=tuple(
            replace(one, photo=names[one.photo], message=one.message.replace(one.photo, "it"))
            if one.photo
            else one
            for one in experiment.failures
        ),
    )


def experiment_from_json(data: bytes) -> Experiment:
    """Read a saved experiment back, equal to what was saved.

    Raises:
        ExperimentFileError: it is none, is damaged, or of another version.
    """
    content = _content(data)
    try:
        saved = msgspec.convert(content, _Saved)
        return Experiment(
            plan=_plan(saved.plan),
            **{name: getattr(saved, name) for name in _AS_THEY_ARE},
            answers=tuple(
                {name: tuple(face.face() for face in faces) for name, faces in answers.items()}
                for answers in saved.answers
            ),
            trials=_trials(saved.trials),
        )
    except SettingsError as error:
        raise ExperimentFileError(
            "The saved experiment has a setting that cannot be used. {error}", error=error
        ) from error
    except (
        msgspec.ValidationError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        raise ExperimentFileError(
            "The saved experiment is damaged: save it again where it was measured."
        ) from error


def read_experiment(path: Path) -> Experiment:
    """Read a file of a saved experiment.

    Raises:
        ExperimentFileError: it cannot be read, or as `experiment_from_json`.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ExperimentFileError(_TOO_LARGE)
        return experiment_from_json(path.read_bytes())
    except OSError as error:
        raise ExperimentFileError(
            "{name} cannot be read ({reason}): check the name.",
            name=printable(path),
            reason=error.strerror,
        ) from error


def _content(data: bytes) -> dict[str, Any]:
    if len(data) > MAX_FILE_BYTES:
        raise ExperimentFileError(_TOO_LARGE)
    try:
        content = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        content = None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ExperimentFileError(
            "The file is no saved experiment: choose one that the Compare page or "
            "'python -m facecore compare' has saved."
        )
    version = content.get("version")
    if type(version) is not int or version != VERSION:
        form = (
            Text("form {version}", version=version)
            if type(version) is int and abs(version) < 1e6
            else Text("another form")
        )
        raise ExperimentFileError(
            "The experiment was saved in {form}, this program reads form {ours}: "
            "use the program that saved it.",
            form=form,
            ours=VERSION,
        )
    return content


def _plan(values: Any) -> Plan:
    """Read a plan; an engine's knobs lie beside the threads, and no name is passed over."""
    for variant in values["variants"]:
        variant["settings"] = asdict(
            from_values(AnalysisSettings, ONE_LOOK | variant.get("settings", {}))
        )
        variant["process"] = asdict(from_values(ProcessOptions, variant.get("process", {})))
        variant["options"] = asdict(options_from_values(variant.get("options", {})))
    return msgspec.convert(values, Plan)


def _row(trial: Trial) -> list[Any]:
    return [
        *(getattr(trial, name) for name in _OWN_COLUMNS),
        *(getattr(trial.timings, name) for name in _STAGE_COLUMNS),
    ]


def _trials(table: _Table) -> tuple[Trial, ...]:
    if table.columns != _COLUMNS:
        raise ValueError("the trials have other columns")
    split = len(_OWN_COLUMNS)
    return tuple(
        Trial(
            **dict(zip(_OWN_COLUMNS, row[:split], strict=True)),
            timings=StageTimings(**dict(zip(_STAGE_COLUMNS, row[split:], strict=True))),
        )
        for row in msgspec.convert(table.rows, list[_Row])
    )
