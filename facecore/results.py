"""What an analysis answers with: frozen values that check themselves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from facecore.settings import AnalysisSettings

GENDERS = ("Male", "Female")
"""Order of the gender network's outputs (Levi and Hassner 2015)."""

AGE_GROUPS = ("(0-2)", "(4-6)", "(8-12)", "(15-20)", "(25-32)", "(38-43)", "(48-53)", "(60-100)")
"""Order of the age network's outputs, years; the groups have gaps (Levi and Hassner 2015)."""

_GROUP_ENDS = ((0, 2), (4, 6), (8, 12), (15, 20), (25, 32), (38, 43), (48, 53), (60, 100))

AGE_GROUP_YEARS = (1.0, 5.0, 10.0, 17.5, 28.5, 40.5, 50.5, 70.0)
"""The age that stands for each group in an expected age: its middle, and 70 for (60-100)."""


def nearest_age_group(age_years: float) -> int:
    """Return the index in `AGE_GROUPS` of the group nearest to an age.

    The distance is 0 within its years, else to its nearer end; of two equally near, the younger.

    Raises:
        ValueError: the age is negative or not a number.
    """
    if not 0 <= age_years < math.inf:
        raise ValueError(f"not an age in years: {age_years}")
    distances = [max(low - age_years, 0.0, age_years - high) for low, high in _GROUP_ENDS]
    return distances.index(min(distances))


STAGES = ("decode", "resize", "detect", "classify", "annotate", "encode")
"""The stages of an analysis in the order they run."""


@dataclass(frozen=True, slots=True)
class Box:
    """A face's place in whole pixels of the upright original photo.

    ``x1`` and ``y1`` are one past the last pixel, so the width is ``x1 - x0``.
    """

    x0: int
    y0: int
    x1: int
    y1: int

    def __post_init__(self) -> None:
        if not (0 <= self.x0 < self.x1 and 0 <= self.y0 < self.y1):
            raise ValueError(f"not a box inside a photo: {self.xyxy}")

    @property
    def xyxy(self) -> tuple[int, int, int, int]:
        """The four corners as a plain tuple."""
        return (self.x0, self.y0, self.x1, self.y1)

    @property
    def width(self) -> int:
        """Width in pixels, at least 1."""
        return self.x1 - self.x0

    @property
    def height(self) -> int:
        """Height in pixels, at least 1."""
        return self.y1 - self.y0


@dataclass(frozen=True, slots=True)
class Detection:
    """One answer of the detector: a box and its confidence, 0 to 1.

    ``fractions_xyxy`` are the network's own numbers, parts of the photo, not rounded or clipped.
    ``landmarks_xy`` are points of the face (eyes, nose, corners of the mouth) in pixels of the
    upright original photo. Each is None where there are none. ``turned_degrees``, 0 to 270, is
    by how much the photo was turned clockwise for it; all places are those of it as it lies.
    """

    box: Box
    confidence: float
    fractions_xyxy: tuple[float, float, float, float] | None = field(
        default=None, repr=False, compare=False
    )
    landmarks_xy: tuple[tuple[float, float], ...] | None = field(default=None, repr=False)
    turned_degrees: int = 0

    def __post_init__(self) -> None:
        if self.turned_degrees not in range(0, 360, 90):
            raise ValueError(f"not turned by quarters: {self.turned_degrees}")
        if not 0 <= self.confidence <= 1.0001:
            raise ValueError(f"confidence is not between 0 and 1: {self.confidence}")


@dataclass(frozen=True, slots=True)
class ClassPrediction:
    """Probability of each of some classes, 0 to 1, in the order of ``classes``; they sum to 1.

    ``raw`` are the network's own, where a calibration changed them.
    """

    classes: ClassVar[tuple[str, ...]] = ()
    probabilities: tuple[float, ...]
    raw: tuple[float, ...] | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        for given in (self.probabilities, self.probabilities if self.raw is None else self.raw):
            if len(given) != len(self.classes):
                raise ValueError(f"expected {len(self.classes)} probabilities, got {len(given)}")
        if not all(-1e-6 <= p <= 1 + 1e-6 for p in self.probabilities):
            raise ValueError("a probability is not between 0 and 1")

    @property
    def label(self) -> str:
        """The likeliest class."""
        return self.classes[int(np.argmax(self.probabilities))]

    @property
    def probability(self) -> float:
        """Probability of `label`, 0 to 1."""
        return max(self.probabilities)

    def as_dict(self) -> dict[str, float]:
        """Return the probability by class."""
        return dict(zip(self.classes, self.probabilities, strict=True))

    def raw_as_dict(self) -> dict[str, float] | None:
        """Return the network's own probability by class; None where it is the same."""
        return None if self.raw is None else dict(zip(self.classes, self.raw, strict=True))


class GenderPrediction(ClassPrediction):
    """Probabilities of `GENDERS`."""

    __slots__ = ()
    classes = GENDERS


@dataclass(frozen=True, slots=True)
class AgeGroupPrediction(ClassPrediction):
    """Probabilities of `AGE_GROUPS`, and the age in years where the network says one."""

    classes: ClassVar[tuple[str, ...]] = AGE_GROUPS
    years: float | None = None

    @classmethod
    def of_years(cls, probabilities: Sequence[float], years: Sequence[float]) -> AgeGroupPrediction:
        """Return what is made of the probability of each of some ages in years.

        Each counts for the group that is nearest to it.
        """
        groups = np.zeros(len(AGE_GROUPS))
        np.add.at(groups, [nearest_age_group(age) for age in years], probabilities)
        mean = float(np.dot(probabilities, years) / sum(probabilities))
        return cls(tuple(groups.tolist()), mean)

    @property
    def expected_age(self) -> float:
        """The age in years, else the mean of `AGE_GROUP_YEARS` weighted with the probabilities."""
        if self.years is not None:
            return self.years
        return float(np.dot(self.probabilities, AGE_GROUP_YEARS) / sum(self.probabilities))


@dataclass(frozen=True, slots=True)
class Face:
    """One face: where it is, how sure the detector was, and what was read of it, by name."""

    detection: Detection
    attributes: Mapping[str, ClassPrediction] = field(hash=False)

    @classmethod
    def of(
        cls,
        box_xyxy: tuple[int, int, int, int],
        confidence: float,
        gender: GenderPrediction,
        age_group: AgeGroupPrediction,
        turned_degrees: int = 0,
    ) -> Face:
        """Return a face from what was written of one.

        Raises:
            ValueError: the numbers are not those of a face.
        """
        detection = Detection(Box(*box_xyxy), confidence, turned_degrees=turned_degrees)
        return cls(detection, {"gender": gender, "age_group": age_group})

    @property
    def gender(self) -> GenderPrediction:
        """The attribute of that name."""
        return cast(GenderPrediction, self.attributes["gender"])

    @property
    def age_group(self) -> AgeGroupPrediction:
        """The attribute of that name."""
        return cast(AgeGroupPrediction, self.attributes["age_group"])

    @property
    def box(self) -> Box:
        """Where the face is."""
        return self.detection.box

    @property
    def confidence(self) -> float:
        """The detector's confidence, 0 to 1."""
        return self.detection.confidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look of the detector: at the "whole" photo, "strips", "closer" at parts, or "turned".

    ``turned_degrees`` is clockwise; ``parts`` are its pictures; ``faces`` were sure by itself.
    """

    kind: str
    turned_degrees: int = 0
    parts: int = 1
    time_ms: float = 0.0
    faces: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StageTimings:
    """Wall time of each stage, 0.0 where it did not run, and around all; milliseconds."""

    decode_ms: float = 0.0
    resize_ms: float = 0.0
    detect_ms: float = 0.0
    classify_ms: float = 0.0
    annotate_ms: float = 0.0
    encode_ms: float = 0.0
    total_ms: float = 0.0

    def by_stage(self) -> dict[str, float]:
        """Milliseconds by stage name, in the order of `STAGES`."""
        return {stage: getattr(self, f"{stage}_ms") for stage in STAGES}


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceUsage:
    """What the whole process used while one analysis ran.

    That includes what other runs did: ``other_runs`` is the most of them at any one time.
    """

    started_at: datetime
    wall_time_s: float
    cpu_time_s: float
    rss_before_bytes: int
    rss_after_bytes: int
    peak_rss_bytes: int
    other_runs: int = 0

    @property
    def cpu_percent(self) -> float:
        """CPU time over wall time, in percent of one core; over 100 on several cores."""
        return 100 * self.cpu_time_s / self.wall_time_s if self.wall_time_s > 0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """The answer for one photo.

    Attributes:
        faces: by falling confidence; empty where there is none.
        candidates: all that the looks offered, down to the detector's own floor, by falling
            confidence; ``faces`` are those that the settings let through.
        size_wh: width and height of the upright original photo in pixels.
        timings: wall time by stage.
        resources: what the process used meanwhile.
        settings: what was asked for.
        reused: stages whose earlier result served again, so that their time is 0.
        engine, model_set: what ran the networks (several with commas), and of which set they are.
        looks: what the detector did for the candidates, now or, where "detect" is reused, before.
        annotated: the photo with the faces drawn, BGR uint8 (height, width, 3), or None.
        preview_jpeg: a smaller JPEG with the faces drawn, or None likewise.
    """

    faces: tuple[Face, ...]
    candidates: tuple[Detection, ...]
    size_wh: tuple[int, int]
    timings: StageTimings
    resources: ResourceUsage
    settings: AnalysisSettings
    reused: tuple[str, ...] = ()
    engine: str = ""
    model_set: str = ""
    looks: tuple[Look, ...] = ()
    annotated: NDArray[np.uint8] | None = field(default=None, repr=False, compare=False)
    preview_jpeg: bytes | None = field(default=None, repr=False, compare=False)
