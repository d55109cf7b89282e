"""What a worker process and its parent tell each other, as JSON; nothing is pickled.

An order is two pieces: one of the types below, and raw bytes, which are a photo or none. An
answer to it is one.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from traceback import format_exception
from typing import Annotated, TypeVar, cast

import msgspec
from msgspec import Meta, Struct

from facecore import errors
from facecore.engines.facts import EngineFacts
from facecore.errors import FacecoreError, WorkerError, friendly_message
from facecore.results import AgeGroupPrediction, Analysis, Face, GenderPrediction
from facecore.settings import AnalysisSettings, RuntimeOptions
from facecore.sources.names import valid_text
from facecore.wording import Text, plain

_LOGGER = logging.getLogger(__name__)

# So large that sums of them are still numbers.
_LARGEST = 10**18
Count = Annotated[int, Meta(ge=0, le=_LARGEST)]
"""A whole number of 0 or more; checked where it is read from outside."""
Whole = Annotated[int, Meta(ge=-_LARGEST, le=_LARGEST)]
Positive = Annotated[float, Meta(ge=0, le=_LARGEST)]
"""A number of 0 or more that can be measured; checked where it is read from outside."""

_ERRORS = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, FacecoreError)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerFacts:
    """What a worker says of itself once its networks are loaded.

    Attributes:
        engine: the engine's facts as they are while a network of this worker runs.
        cores: processors that it may run on.
        load_time_ms: for the three networks, their first pass included.
        load_rss_delta_bytes: memory that they took.
        start_up_time_ms: from the start of the process until it was ready.
    """

    engine: EngineFacts
    cores: Count
    load_time_ms: Positive
    load_rss_delta_bytes: Whole
    start_up_time_ms: Positive


class PlainFace(Struct, frozen=True, omit_defaults=True):
    """A face as plain numbers, with all digits; the box is xyxy pixels."""

    box: tuple[Count, Count, Count, Count]
    confidence: float
    gender: tuple[float, ...]
    age_group: tuple[float, ...]
    age_years: float | None = None
    gender_raw: tuple[float, ...] | None = None
    age_group_raw: tuple[float, ...] | None = None
    turned_degrees: int = 0

    @classmethod
    def of(cls, face: Face) -> PlainFace:
        """Return the numbers of a face."""
        gender, age = face.gender, face.age_group
        return cls(
            face.box.xyxy,
            face.confidence,
            gender.probabilities,
            age.probabilities,
            age.years,
            gender.raw,
            age.raw,
            face.detection.turned_degrees,
        )

    def face(self) -> Face:
        """Return the face.

        Raises:
            ValueError: the numbers are not those of a face.
        """
        gender = GenderPrediction(self.gender, raw=self.gender_raw)
        age_group = AgeGroupPrediction(self.age_group, self.age_years, raw=self.age_group_raw)
        return Face.of(self.box, self.confidence, gender, age_group, self.turned_degrees)


class Load(Struct, frozen=True, tag=True):
    """To a worker: load the networks. `Loaded` is the answer."""

    options: RuntimeOptions
    max_pixels: int


class Keep(Struct, frozen=True, tag=True):
    """To a worker: keep these bytes under a key. `Kept` is the answer."""

    photo: str


class Analyze(Struct, frozen=True, tag=True, kw_only=True):
    """To a worker: read a photo that it keeps, or without a key the one that follows.

    `Answer` is the answer; with ``preview_side_px`` the faces are drawn and encoded as well.
    """

    settings: AnalysisSettings
    photo: str | None
    preview_side_px: int | None
    min_interval_ms: float


class Fork(Struct, frozen=True, tag=True):
    """To a fork server: fork a worker that owns the two descriptors that follow.

    They are its link and its standard error. `Forked` is the answer.
    """


class Reap(Struct, frozen=True, tag=True):
    """To a fork server: say how a worker that it forked, and that has ended, did so.

    `Reaped` is the answer.
    """

    pid: int


class Loaded(Struct, frozen=True, tag=True):
    """From a worker: what it is; its start-up time is for the parent to tell."""

    facts: WorkerFacts


class Kept(Struct, frozen=True, tag=True):
    """From a worker: it has the bytes."""


class Forked(Struct, frozen=True, tag=True):
    """From a fork server: the worker's number; None where it cannot fork and now is one itself."""

    pid: int | None


class Reaped(Struct, frozen=True, tag=True):
    """From a fork server: a worker's exit status, a signal's as its negative."""

    status: int


class Answer(Struct, tag=True, kw_only=True):
    """From a worker: an analysis, but for pictures and rejected candidates, and what it took."""

    faces: tuple[PlainFace, ...]
    rest: Analysis
    cycle_time_s: float = 0.0
    cycle_cpu_s: float = 0.0

    @classmethod
    def of(cls, analysis: Analysis) -> Answer:
        """Return the message for an analysis; what it took with a throttle is added later."""
        rest = replace(analysis, faces=(), candidates=(), annotated=None, preview_jpeg=None)
        return cls(faces=tuple(map(PlainFace.of, analysis.faces)), rest=rest)

    def analysis(self) -> Analysis:
        """Return the analysis.

        Raises:
            ValueError: a face is none.
        """
        return replace(self.rest, faces=tuple(face.face() for face in self.faces))


class Said(Struct, frozen=True, omit_defaults=True):
    """A `Text` as plain values, so that it can be said in any language elsewhere."""

    template: str
    plural: str = ""
    values: dict[str, Said | str | int | float] = {}

    @classmethod
    def of(cls, text: Text) -> Said:
        """Return the message for a text; values that are no numbers become words."""
        values = {name: _plain(value) for name, value in text.values.items()}
        return cls(valid_text(text.template), valid_text(text.plural), values)

    def text(self) -> Text:
        """Return the text.

        Raises:
            ValueError: its values do not fill it.
        """
        values = {
            name: value.text() if isinstance(value, Said) else value
            for name, value in self.values.items()
        }
        return Text(self.template, self.plural, **values)


def _plain(value: object) -> Said | str | int | float:
    if isinstance(value, Text):
        return Said.of(value)
    # Numbers beyond what JSON has for them would come back as others.
    is_number = type(value) in (int, float) and abs(cast(float, value)) <= _LARGEST
    return cast(int | float, value) if is_number else valid_text(str(value))


class Failed(Struct, frozen=True, tag=True):
    """From a worker: an error of ours, by the name of its kind, or the traceback of another."""

    error: Said
    kind: str
    traceback: str = ""

    @classmethod
    def of(cls, error: Exception) -> Failed:
        """Return the message for an error; one that is not ours becomes a sentence."""
        trace = ""
        if not isinstance(error, FacecoreError):
            trace = valid_text("".join(format_exception(error)))
            error = FacecoreError(friendly_message(error))
        return cls(Said.of(error.text), type(error).__name__, trace)

    def exception(self) -> FacecoreError:
        """Return the error, of the kind that it was; log here what nobody expected there."""
        if self.traceback:
            _LOGGER.error("unexpected error in a worker:\n%s", self.traceback)
        try:
            return _ERRORS.get(self.kind, FacecoreError)(self.error.text())
        except ValueError:
            return _no_message()


Order = Load | Keep | Analyze | Fork | Reap
_Message = TypeVar("_Message")

# The first reading prepares a type, and msgspec crashes where two threads do that at once:
# an import is one thread's.
for _kinds in (Order, Loaded | Kept | Answer | Forked | Reaped | Failed):
    msgspec.json.Decoder(_kinds)

encode = msgspec.json.Encoder(enc_hook=plain).encode


def decode(data: bytes, kind: type[_Message]) -> _Message:
    """Read a message of a kind, which may be a union of them.

    Raises:
        WorkerError: it is no such message.
        SettingsError: a setting in it is outside its range.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _no_message() from error


def _no_message() -> WorkerError:
    return WorkerError("A worker process sent something that is no message.")
