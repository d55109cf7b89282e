"""Settings hold the defaults and refuse what is out of range."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest

from facecore.errors import FacecoreError, SettingsError
from facecore.profiles.configuration import configuration
from facecore.settings import (
    DEFAULT_MAX_PIXELS,
    MAX_MEGAPIXELS,
    MAX_PIXELS_CEILING,
    AnalysisSettings,
    RuntimeOptions,
    megapixels_to_limit,
)


def test_defaults() -> None:
    """Without arguments the documented defaults hold."""
    assert dataclasses.asdict(AnalysisSettings()) == {
        "confidence": 0.7,
        "max_side_px": 800,
        "input_shape": "aspect",
        "input_size_px": 300,
        "drop_outside": True,
        "rescue": True,
        "closer_look": "when-in-doubt",
        "orientation": "when-in-doubt",
        "crop_margin_ratio": 0.2,
        "crop_shape": "square",
        "crop_source": "full",
        "careful": False,
        "aligned": False,
        "calibrated": True,
        "unsure_below": 0.6,
        "max_faces": 200,
        "reduced_decode": False,
        "batch_faces": True,
    }
    assert dataclasses.asdict(RuntimeOptions()) == {
        "model_set": "article",
        "engine": None,
        "threads": None,
        "engine_options": (),
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("confidence", 0),
        ("confidence", 0.0),
        ("confidence", 1.0),
        ("max_side_px", None),
        ("max_side_px", 32),
        ("max_side_px", 16384),
        ("input_shape", "aspect"),
        ("input_shape", "square"),
        *(("input_size_px", size_px) for size_px in (300, 450, 600, 900, 1200)),
        ("crop_margin_ratio", 0),
        ("crop_margin_ratio", 1.0),
        ("crop_shape", "box"),
        ("crop_shape", "square"),
        ("crop_source", "full"),
        ("crop_source", "capped"),
        ("unsure_below", 0),
        ("unsure_below", 1.0),
        ("max_faces", 1),
        ("max_faces", 200),
        *((name, value) for name in ("reduced_decode", "batch_faces") for value in (True, False)),
    ],
)
def test_edges_of_the_ranges_are_allowed(name: str, value: Any) -> None:
    """The first and the last value of each range are taken as they are."""
    assert getattr(AnalysisSettings(**{name: value}), name) == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("confidence", None),
        ("confidence", -0.001),
        ("confidence", 1.001),
        ("confidence", math.nan),
        ("confidence", math.inf),
        ("confidence", "0.7"),
        ("confidence", True),
        ("max_side_px", 31),
        ("max_side_px", 16385),
        ("max_side_px", 800.0),
        ("max_side_px", True),
        ("crop_margin_ratio", None),
        ("crop_margin_ratio", -0.01),
        ("crop_margin_ratio", 1.01),
        ("crop_margin_ratio", math.nan),
        ("crop_shape", ""),
        ("crop_shape", "Square"),
        ("crop_shape", None),
        ("input_shape", "round"),
        ("input_shape", None),
        ("input_size_px", 299),
        ("input_size_px", 0),
        ("input_size_px", "300"),
        ("input_size_px", None),
        ("input_size_px", True),
        ("crop_source", "Full"),
        ("crop_source", None),
        ("unsure_below", -0.01),
        ("unsure_below", 1.01),
        ("unsure_below", math.nan),
        ("unsure_below", None),
        ("max_faces", 0),
        ("max_faces", 201),
        ("max_faces", 1.5),
        ("max_faces", None),
        ("reduced_decode", 1),
        ("reduced_decode", None),
        ("batch_faces", 0),
        ("batch_faces", "yes"),
    ],
)
def test_values_out_of_range_are_refused(name: str, value: Any) -> None:
    """A value outside its range, or of another type, is named in a one-line error."""
    with pytest.raises(SettingsError, match="must be") as caught:
        AnalysisSettings(**{name: value})
    message = str(caught.value)
    assert repr(value) in message
    assert "\n" not in message


@pytest.mark.parametrize("threads", [None, 1, 256])
def test_thread_counts_that_are_allowed(threads: int | None) -> None:
    """None leaves the number of threads to OpenCV, else it is 1 to 256."""
    assert RuntimeOptions(threads=threads).threads == threads


@pytest.mark.parametrize("threads", [0, -1, 257, 2.0, "2", True])
def test_thread_counts_that_are_refused(threads: Any) -> None:
    """Zero threads would mean something else to OpenCV, so they are refused too."""
    with pytest.raises(SettingsError, match='"threads" must be a whole number from 1 to 256 or'):
        RuntimeOptions(threads=threads)


@pytest.mark.parametrize(
    "wrong",
    [
        {"engine": "no name"},
        {"engine": 1},
        {"engine_options": [("fusion", False)]},
        {"engine_options": (("fusion", None),)},
        {"engine_options": (("not a name", 1),)},
        {"engine_options": (("fusion",),)},
        {"engine_options": (("fusion", True), ("fusion", False))},
    ],
)
def test_engine_options_of_another_shape_are_refused(wrong: dict[str, Any]) -> None:
    """An engine is a name, its options are pairs of a name and a plain value, each once."""
    with pytest.raises(SettingsError) as caught:
        RuntimeOptions(**wrong)
    assert "\n" not in str(caught.value)


def test_the_order_of_engine_options_does_not_matter() -> None:
    """The same options are one key, in whatever order they are given."""
    pairs = (("winograd", False), ("fusion", False))
    one, other = RuntimeOptions(engine_options=pairs), RuntimeOptions(engine_options=pairs[::-1])
    assert hash(one) == hash(other)
    assert one == other


@pytest.mark.parametrize("settings_type", [AnalysisSettings, RuntimeOptions])
def test_settings_serve_as_keys(settings_type: type[Any]) -> None:
    """Equal settings are one key, and none can be changed or given by position."""
    settings = settings_type()
    assert {settings: "kept"}[settings_type()] == "kept"
    field = dataclasses.fields(settings)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(settings, field, 1)
    with pytest.raises(TypeError, match="positional"):
        settings_type(1)


def test_other_settings_are_other_keys() -> None:
    """Settings that differ in one value are different keys."""
    keys = {AnalysisSettings(), AnalysisSettings(confidence=0.5), AnalysisSettings(max_faces=3)}
    assert len(keys) == 3
    assert RuntimeOptions() != RuntimeOptions(engine_options=(("winograd", False),))


# By setting another value, and whether detecting and reading have to happen again.
WHAT_DEPENDS: dict[str, tuple[Any, bool, bool]] = {
    "confidence": (0.5, False, False),
    "max_side_px": (None, True, False),
    "input_shape": ("square", True, False),
    "input_size_px": (600, True, False),
    "drop_outside": (False, True, False),
    "rescue": (False, True, False),
    "closer_look": ("always", True, False),
    "orientation": ("never", True, False),
    "crop_margin_ratio": (0.3, False, True),
    "crop_shape": ("box", False, True),
    "crop_source": ("capped", False, True),
    "careful": (True, False, True),
    "aligned": (True, False, True),
    "calibrated": (False, False, False),
    "unsure_below": (0.9, False, False),
    "max_faces": (3, False, False),
    "reduced_decode": (True, True, True),
    "batch_faces": (False, False, True),
}


def test_keys_name_what_has_to_happen_again() -> None:
    """Each setting changes the keys of those stages that depend on it, and no other key."""
    plain = AnalysisSettings()
    assert set(WHAT_DEPENDS) == set(dataclasses.asdict(plain))
    for name, (value, detected, read) in WHAT_DEPENDS.items():
        other = dataclasses.replace(plain, **{name: value})
        assert (other.detection_key != plain.detection_key) == detected, name
        assert (other.crop_key != plain.crop_key) == read, name


def test_crops_of_the_copy_depend_on_its_size() -> None:
    """Only where faces are cut from the capped copy does its size matter to their reading."""
    capped, smaller = (AnalysisSettings(crop_source="capped", max_side_px=s) for s in (800, 400))
    assert capped.crop_key != smaller.crop_key
    full = AnalysisSettings(max_side_px=400)
    assert full.crop_key == AnalysisSettings().crop_key


def test_a_settings_error_is_one_of_ours() -> None:
    """Whoever catches the base of all errors catches a wrong setting."""
    assert issubclass(SettingsError, FacecoreError)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(None, DEFAULT_MAX_PIXELS, id="unset"),
        pytest.param("", DEFAULT_MAX_PIXELS, id="empty"),
        pytest.param("12", 12_000_000, id="whole"),
        pytest.param("0.5", 500_000, id="part"),
        pytest.param("0.01", 10_000, id="smallest"),
        pytest.param("178", MAX_PIXELS_CEILING, id="largest"),
    ],
)
def test_the_environment_sets_the_pixel_limit(text: str | None, expected: int) -> None:
    """The variable counts in megapixels, and without it the default holds."""
    environment = {} if text is None else {MAX_MEGAPIXELS.environment_name: text}
    given = configuration(environment=environment)
    assert given.max_pixels(DEFAULT_MAX_PIXELS) == expected


@pytest.mark.parametrize("text", [" ", "0", "-5", "0.009", "178.1", "nan", "inf", "many", "12 MP"])
def test_a_wrong_pixel_limit_is_refused(text: str) -> None:
    """A variable that is no number of the range stops the start with an error of ours."""
    with pytest.raises(SettingsError, match=r"FACECORE_MAX_MEGAPIXELS must be a number"):
        configuration(environment={MAX_MEGAPIXELS.environment_name: text})


@pytest.mark.parametrize("hundredths", [1, 50, 201, 402, 410, 1234, 10000, 17800])
def test_megapixels_become_that_many_pixels(hundredths: int) -> None:
    """A limit with two decimals loses no pixel on its way to a whole number."""
    assert megapixels_to_limit(hundredths / 100) == hundredths * 10_000
