"""All settings, with the only defaults there are and their ranges."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Literal, get_args

from facecore.errors import SettingsError

CropShape = Literal["square", "box"]
CropSource = Literal["full", "capped"]
InputShape = Literal["aspect", "square"]
KnobValue = bool | int | str
"""Value of an option that only one inference engine has."""

DETECTOR_SIZES_PX = (300, 450, 600, 900, 1200)

MIN_SIDE_PX = 32
MAX_SIDE_PX = 16384
MAX_FACES = 200
"""The detector network itself gives at most 200 boxes (``keep_top_k``)."""

MAX_THREADS = 256
MAX_INTERVAL_MS = 60_000
MAX_CROP_MARGIN_RATIO = 1.0

# They go into a worker's environment, separated by commas.
_FEATURE_NAME = re.compile(r"[A-Z0-9][A-Z0-9._-]{0,31}")

DEFAULT_MAX_PIXELS = 100_000_000
MAX_PIXELS_CEILING = 178_000_000
"""Pillow refuses to open a picture of more than 178,956,970 pixels, so no limit can lie above."""

MAX_MEGAPIXELS_VARIABLE = "FACECORE_MAX_MEGAPIXELS"
MODELS_DIR_VARIABLE = "FACECORE_MODELS_DIR"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisSettings:
    """What may change from one analysis to the next, with the same networks.

    Attributes:
        confidence: a detection counts as a face from here on, 0 to 1.
        max_side_px: longest side of the copy that the detector sees, 32 to
            16384 pixels; None leaves the photo as it is.
        input_shape: "aspect" feeds the detector at the photo's own aspect ratio
            with the area of a square of ``input_size_px``, "square" squashes it.
        input_size_px: one of `DETECTOR_SIZES_PX`.
        drop_outside: drop boxes that leave the photo before they can win.
        rescue: look a second time, smaller and with a black border, where the
            first look shows the signs of a close-up.
        crop_margin_ratio: what is added around a face's box before gender and
            age are read, as a part of the box's side, on each side; 0 to 1.
        crop_shape: "square" widens the box to a square first, "box" keeps it.
        crop_source: cut from the "full" photo or the "capped" copy.
        careful: read each face six times, in three margins and mirrored, and
            average; six times the work.
        unsure_below: an answer whose probability is lower is marked unsure, 0 to 1.
        max_faces: the most faces of one photo that are read, surest first; 1 to 200.
        reduced_decode: decode a large JPEG no finer than the detector's copy and
            the crops need.
        batch_faces: read all faces of a photo in one pass of each network,
            instead of one after the other.

    Raises:
        SettingsError: a value is outside its range.
    """

    confidence: float = 0.7
    max_side_px: int | None = 800
    input_shape: InputShape = "aspect"
    input_size_px: int = 300
    drop_outside: bool = True
    rescue: bool = True
    crop_margin_ratio: float = 0.2
    crop_shape: CropShape = "square"
    crop_source: CropSource = "full"
    careful: bool = False
    unsure_below: float = 0.6
    max_faces: int = MAX_FACES
    reduced_decode: bool = False
    batch_faces: bool = True

    def __post_init__(self) -> None:
        _check_range("confidence", self.confidence, 0.0, 1.0)
        if self.max_side_px is not None:
            _check_range("longest side", self.max_side_px, MIN_SIDE_PX, MAX_SIDE_PX, whole=True)
        check_choice("detector input shape", self.input_shape, get_args(InputShape))
        check_choice("detector input size", self.input_size_px, DETECTOR_SIZES_PX)
        _check_range("crop margin", self.crop_margin_ratio, 0.0, MAX_CROP_MARGIN_RATIO)
        check_choice("crop shape", self.crop_shape, get_args(CropShape))
        check_choice("crop source", self.crop_source, get_args(CropSource))
        for name in ("drop_outside", "rescue", "careful", "reduced_decode", "batch_faces"):
            check_choice(name.replace("_", " "), getattr(self, name), (True, False))
        _check_range("unsure threshold", self.unsure_below, 0.0, 1.0)
        _check_range("maximum number of faces", self.max_faces, 1, MAX_FACES, whole=True)

    @property
    def detection_key(self) -> tuple[object, ...]:
        """All that a detector pass depends on."""
        return (
            self.max_side_px,
            self.input_shape,
            self.input_size_px,
            self.drop_outside,
            self.rescue,
            self.reduced_decode,
        )

    @property
    def crop_key(self) -> tuple[object, ...]:
        """All that the reading of a face in a given box depends on."""
        capped_at = self.max_side_px if self.crop_source == "capped" else None
        return (
            self.crop_margin_ratio,
            self.crop_shape,
            self.crop_source,
            capped_at,
            self.careful,
            self.reduced_decode,
            self.batch_faces,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeOptions:
    """How the networks are built and run; another value needs other networks.

    Attributes:
        engine: name of the inference engine; None takes the best that is installed.
        threads: worker threads of the engine, 1 to 256; None leaves the number to the
            engine, but takes no more than the container's CPU quota feeds.
        engine_options: pairs of name and value, kept sorted, of the engine's own knobs
            that are not as it has them by itself. Which there are, the engine knows.

    Raises:
        SettingsError: a value is outside its range or of the wrong kind.
    """

    engine: str | None = None
    threads: int | None = None
    engine_options: tuple[tuple[str, KnobValue], ...] = ()

    def __post_init__(self) -> None:
        if self.engine is not None and not _is_name(self.engine):
            raise SettingsError(f"The engine must be a name, not {_shown(self.engine)}.")
        if self.threads is not None:
            _check_range("number of threads", self.threads, 1, MAX_THREADS, whole=True)
        pairs = self.engine_options
        if not isinstance(pairs, tuple) or not all(
            isinstance(pair, tuple)
            and len(pair) == 2
            and _is_name(pair[0])
            and isinstance(pair[1], bool | int | str)
            for pair in pairs
        ):
            raise SettingsError(
                f"The engine's options must be pairs of name and value, not {_shown(pairs)}."
            )
        if len(dict(pairs)) < len(pairs):
            raise SettingsError("An option of the engine is given twice: give it once.")
        object.__setattr__(self, "engine_options", tuple(sorted(pairs, key=lambda p: p[0])))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessOptions:
    """What is done to a whole worker process; nobody else shares it.

    Attributes:
        cores: processors of this machine that it may run on, 1 to 256; None for all.
        cpu_features_off: vector units that OpenCV must not use, as on an older
            processor; its own names, such as ("AVX512-SKX", "AVX2").
        min_interval_ms: throttle: the next photo waits until this long after the
            beginning of the one before, 0 to 60 000 ms; 0 waits never.

    Raises:
        SettingsError: a value is outside its range.
    """

    cores: int | None = None
    cpu_features_off: tuple[str, ...] = ()
    min_interval_ms: float = 0.0

    def __post_init__(self) -> None:
        if self.cores is not None:
            _check_range("number of cores", self.cores, 1, MAX_THREADS, whole=True)
        _check_range("interval", self.min_interval_ms, 0, MAX_INTERVAL_MS)
        if not isinstance(self.cpu_features_off, tuple) or not all(
            isinstance(name, str) and _FEATURE_NAME.fullmatch(name)
            for name in self.cpu_features_off
        ):
            raise SettingsError(
                "CPU features to switch off must be OpenCV's names, such as AVX2, "
                f"not {_shown(self.cpu_features_off)}."
            )


def max_pixels_from_environment(default: int = DEFAULT_MAX_PIXELS) -> int:
    """Return the pixel limit: ``FACECORE_MAX_MEGAPIXELS`` where it is set, else the default.

    Raises:
        SettingsError: the variable is no number between 0.01 and 178.
    """
    text = os.environ.get(MAX_MEGAPIXELS_VARIABLE)
    if not text:
        return default
    try:
        return megapixels_to_limit(float(text))
    except ValueError:
        raise SettingsError(f"{MAX_MEGAPIXELS_VARIABLE} must be a number, not {text!r}.") from None


def megapixels_to_limit(megapixels: float) -> int:
    """Turn a limit in megapixels (0.01 to 178) into pixels.

    Raises:
        SettingsError: it is outside that range.
    """
    _check_range("limit in megapixels", megapixels, 0.01, MAX_PIXELS_CEILING / 1e6)
    return round(megapixels * 1e6)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and value.isidentifier()


def check_choice(name: str, value: object, choices: tuple[object, ...]) -> None:
    """Check that a value is one of the choices, of the same type.

    Raises:
        SettingsError: it is none of them.
    """
    # By type as well: 1 equals True, and 300.0 equals 300.
    if not any(value == choice and type(value) is type(choice) for choice in choices):
        names = ", ".join(str(choice) for choice in choices)
        raise SettingsError(f"The {name} must be one of {names}, not {_shown(value)}.")


def _check_range(name: str, value: float, low: float, high: float, *, whole: bool = False) -> None:
    kinds = (int,) if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
        number = "a whole number" if whole else "a number"
        raise SettingsError(
            f"The {name} must be {number} from {low:g} to {high:g}, not {_shown(value)}."
        )


def _shown(value: object) -> str:
    text = (
        ascii(value) if isinstance(value, (str, int, float, type(None))) else type(value).__name__
    )
    return text if len(text) <= 40 else f"{text[:40]}…"
