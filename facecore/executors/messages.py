"""What a worker process and its parent tell each other, as plain JSON; nothing is pickled.

A message is one JSON object; a photo follows its message as raw bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, TypeVar

from facecore import errors
from facecore.engines.facts import EngineFacts
from facecore.errors import FacecoreError, SettingsError, WorkerError
from facecore.results import (
    AgeGroupPrediction,
    Analysis,
    Box,
    Detection,
    Face,
    GenderPrediction,
    ResourceUsage,
    StageTimings,
)
from facecore.settings import AnalysisSettings, ProcessOptions

Message = dict[str, Any]

_Options = TypeVar("_Options", AnalysisSettings, ProcessOptions)

_ERRORS = {
    kind.__name__: kind
    for kind in (
        errors.DamagedImageError,
        errors.EngineError,
        errors.FacecoreError,
        errors.ImageError,
        errors.ImageTooLargeError,
        errors.ModelError,
        errors.ModelHashError,
        errors.ModelMissingError,
        errors.SettingsError,
        errors.UnsupportedImageError,
        errors.WorkerError,
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerFacts:
    """What a worker says of itself once its networks are loaded.

    Attributes:
        engine: OpenCV's facts as they are while a network of this worker runs.
        cores: processors that it may run on.
        load_time_ms: for the three networks, their first pass included.
        load_rss_delta_bytes: memory that they took.
        start_up_time_ms: from the start of the process until it was ready.
    """

    engine: EngineFacts
    cores: int
    load_time_ms: float
    load_rss_delta_bytes: int
    start_up_time_ms: float


def encode(message: Mapping[str, Any]) -> bytes:
    """Write a message as JSON bytes."""
    return json.dumps(message, allow_nan=False).encode()


def decode(data: bytes) -> Message:
    """Read a message.

    Raises:
        WorkerError: it is none.
    """
    try:
        message = json.loads(data)
    except (RecursionError, ValueError) as error:
        raise WorkerError("A worker process sent something that is no message.") from error
    if not isinstance(message, dict):
        raise WorkerError("A worker process sent something that is no message.")
    return message


def error_message(error: FacecoreError) -> Message:
    """Tell of an error."""
    kind = type(error).__name__
    return {"error": str(error), "kind": kind if kind in _ERRORS else "FacecoreError"}


def raise_if_error(message: Mapping[str, Any]) -> None:
    """Raise the error that a message tells of, as the kind that it was.

    Raises:
        FacecoreError: of that kind.
    """
    if "error" in message:
        raise _ERRORS.get(str(message.get("kind")), FacecoreError)(str(message["error"]))


def settings_from_dict(values: Mapping[str, Any]) -> AnalysisSettings:
    """Build settings from plain values; what is not given has its default.

    Raises:
        SettingsError: a name is unknown or a value outside its range.
    """
    return _built(AnalysisSettings, values)


def facts_to_dict(facts: WorkerFacts) -> Message:
    """Return a worker's facts as plain values."""
    return asdict(facts)


def facts_from_dict(values: Mapping[str, Any]) -> WorkerFacts:
    """Build a worker's facts from plain values.

    Raises:
        ValueError, TypeError, KeyError: they are not such values.
    """
    engine: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in values["engine"].items()
    }
    return WorkerFacts(**{**values, "engine": EngineFacts(**engine)})


def face_to_dict(face: Face) -> Message:
    """Return a face as plain values, with all digits."""
    return {
        "box": list(face.box.xyxy),
        "confidence": face.confidence,
        "gender": list(face.gender.probabilities),
        "age_group": list(face.age_group.probabilities),
    }


def face_from_dict(values: Mapping[str, Any]) -> Face:
    """Build a face from plain values.

    Raises:
        ValueError, TypeError, KeyError: they are not those of a face.
    """
    x0, y0, x1, y1 = (int(edge) for edge in values["box"])
    return Face(
        Detection(Box(x0, y0, x1, y1), float(values["confidence"])),
        GenderPrediction(tuple(float(p) for p in values["gender"])),
        AgeGroupPrediction(tuple(float(p) for p in values["age_group"])),
    )


def analysis_to_dict(analysis: Analysis) -> Message:
    """Return an analysis as plain values: all but pictures and rejected candidates."""
    used = asdict(analysis.resources)
    return {
        "faces": [face_to_dict(face) for face in analysis.faces],
        "size_wh": list(analysis.size_wh),
        "timings": asdict(analysis.timings),
        "resources": {**used, "started_at": analysis.resources.started_at.isoformat()},
        "settings": asdict(analysis.settings),
        "reused": list(analysis.reused),
    }


def analysis_from_dict(values: Mapping[str, Any], preview_jpeg: bytes | None = None) -> Analysis:
    """Build an analysis from plain values.

    Raises:
        ValueError, TypeError, KeyError: they are not those of an analysis.
    """
    used = dict(values["resources"])
    used["started_at"] = datetime.fromisoformat(used["started_at"])
    width, height = values["size_wh"]
    return Analysis(
        faces=tuple(face_from_dict(face) for face in values["faces"]),
        candidates=(),
        size_wh=(int(width), int(height)),
        timings=StageTimings(**values["timings"]),
        resources=ResourceUsage(**used),
        settings=settings_from_dict(values["settings"]),
        reused=tuple(values["reused"]),
        preview_jpeg=preview_jpeg,
    )


def process_options_from_dict(values: Mapping[str, Any]) -> ProcessOptions:
    """Build process options from plain values; what is not given has its default.

    Raises:
        SettingsError: a name is unknown or a value outside its range.
    """
    features = values.get("cpu_features_off")
    tuples = {"cpu_features_off": tuple(features)} if isinstance(features, list) else {}
    return _built(ProcessOptions, {**values, **tuples})


def _built(kind: type[_Options], values: Mapping[str, Any]) -> _Options:
    if not isinstance(values, Mapping):
        raise SettingsError("A setting has a value of the wrong kind: check the file.")
    try:
        return kind(**values)
    except TypeError as error:
        unknown = ", ".join(sorted(set(values) - {field.name for field in fields(kind)}))
        raise SettingsError(
            f"There is no setting called {ascii(unknown)[1:-1][:80]}: check the spelling."
            if unknown
            else "A setting has a value of the wrong kind: check the file."
        ) from error
