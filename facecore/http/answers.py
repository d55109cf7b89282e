"""The JSON that a photo is answered with."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from facecore.export import UsedRow, rounded_ms
from facecore.results import AGE_GROUPS, GENDERS, Analysis, Face

_Whole = Annotated[int, Meta(ge=0)]
_Number = Annotated[float, Meta(ge=0)]


class Result(Struct, frozen=True, forbid_unknown_fields=True):
    """A face."""

    bbox: Annotated[
        tuple[_Whole, _Whole, _Whole, _Whole],
        Meta(
            description="x1, y1, x2, y2: the face's corners in pixels of the upright photo; x2 and "
            "y2 are one past the last pixel."
        ),
    ]
    gender: Annotated[str, Meta(extra_json_schema={"enum": list(GENDERS)})]
    age: Annotated[
        str, Meta(description="Age group, years.", extra_json_schema={"enum": list(AGE_GROUPS)})
    ]
    confidence: Annotated[
        float,
        Meta(ge=0, le=1, description="How sure the detector is that this is a face, 0 to 1."),
    ]

    age_years: (
        Annotated[float, Meta(ge=0, description="Where the set of networks says it.")] | UnsetType
    ) = UNSET
    turned_degrees: (
        Annotated[
            int,
            Meta(
                description="By how much the photo was turned clockwise to be read, where it was.",
                extra_json_schema={"enum": [90, 180, 270]},
            ),
        ]
        | UnsetType
    ) = UNSET

    @classmethod
    def of(cls, face: Face) -> Result:
        """Return what the HTTP API says of a face."""
        years = face.age_group.years
        return cls(
            face.box.xyxy,
            face.gender.label,
            face.age_group.label,
            round(face.confidence, 4),
            UNSET if years is None else round(years, 1),
            face.detection.turned_degrees or UNSET,
        )


class Used(Struct, frozen=True, forbid_unknown_fields=True):
    """What the process used."""

    cpu_percent: Annotated[
        _Number,
        Meta(
            description="CPU time of the whole process over the run's wall time; 100 is one core."
        ),
    ]
    memory_mb: Annotated[_Number, Meta(description="Resident memory after it, 10**6 bytes.")]
    timestamp: Annotated[
        str,
        Meta(description="Start of the run, UTC.", extra_json_schema={"format": "date-time"}),
    ]


class Timings(Struct, frozen=True, forbid_unknown_fields=True):
    """Milliseconds of each stage, and in total."""

    decode: _Number
    resize: _Number
    detect: _Number
    classify: _Number
    annotate: _Number
    encode: _Number
    total: _Number


class Prediction(Struct, frozen=True, forbid_unknown_fields=True):
    """The faces of a photo, surest first."""

    results: tuple[Result, ...]
    output_image: Annotated[
        str,
        Meta(description="Path of a JPEG with the faces drawn, on this server, for a while."),
    ]
    resource_usage: Used
    image_size: Annotated[
        tuple[_Whole, _Whole], Meta(description="Width and height of the upright photo, pixels.")
    ]
    timings_ms: Timings
    waited_ms: Annotated[
        _Number, Meta(description="Wait for a turn, milliseconds; not part of timings_ms.")
    ]
    engine: Annotated[str, Meta(description="What ran the networks.")]
    model_set: Annotated[str, Meta(description="Which networks they are.")]

    @classmethod
    def of(cls, analysis: Analysis, output_image: str, waited_ms: float) -> Prediction:
        """Return an analysis as the HTTP API answers it.

        Args:
            analysis: the answer for one photo.
            output_image: where the photo with its faces drawn can be fetched.
            waited_ms: how long the run waited for its turn.
        """
        used = UsedRow.of(analysis.resources)
        return cls(
            results=tuple(map(Result.of, analysis.faces)),
            output_image=output_image,
            resource_usage=Used(used.cpu_percent, used.rss_mb, used.timestamp),
            image_size=analysis.size_wh,
            timings_ms=Timings(**rounded_ms(analysis.timings)),
            waited_ms=round(waited_ms, 3),
            engine=analysis.engine,
            model_set=analysis.model_set,
        )


class Health(Struct, frozen=True, forbid_unknown_fields=True):
    """Whether photos can be read."""

    status: Literal["ok"]
    networks_loaded: bool


class Error(Struct, frozen=True, forbid_unknown_fields=True):
    """Why there is no answer."""

    error: Annotated[str, Meta(description="What is wrong and what to do.")]
