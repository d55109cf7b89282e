"""Variants: their names, how they differ, and the tables they are read from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from facecore.engines import engines
from facecore.errors import SettingsError
from facecore.experiment.variants import (
    Variant,
    check_variants,
    differences,
    differences_in_words,
    known_settings,
    profile_variant,
    variant_configuration,
    variant_from_settings,
)
from facecore.profiles.configuration import Configuration
from facecore.profiles.profile import MAX_NAME_LETTERS, profile_from_bytes
from facecore.profiles.writing import profile_text
from facecore.settings import AnalysisSettings, ProcessOptions, RuntimeOptions
from facecore.settings.presets import PRESETS, preset, preset_options

BUSY = Variant(
    name="much",
    settings=preset("Crowd"),
    options=RuntimeOptions(
        engine="opencv",
        threads=2,
        engine_options=(("fusion", False), ("optimised", False), ("winograd", False)),
    ),
    process=ProcessOptions(cores=1, cpu_features_off=("AVX2", "FMA3"), min_interval_ms=12.5),
)


@pytest.mark.parametrize(
    "name", ["", "  ", "a\nb", "a\x1b[31mb", "\u202eb", "\ud800", "a" * (MAX_NAME_LETTERS + 1)]
)
def test_name_must_be_one_short_line(name: str) -> None:
    """A name that is empty, too long or could steer a terminal is refused, and shown harmlessly."""
    with pytest.raises(SettingsError, match="name of 1 to 60 letters") as told:
        Variant(name=name)
    assert str(told.value).isprintable()


def test_long_name_cannot_hide_in_spaces() -> None:
    """Spaces count as letters, so that a name always fits its column."""
    with pytest.raises(SettingsError, match="name of 1 to 60 letters"):
        Variant(name=f"a{' ' * 500}")


@pytest.mark.parametrize(
    "name", ["a", "a" * MAX_NAME_LETTERS, "éçole 東京 🙂"[:10], "[x](y) | <b>"]
)
def test_other_names_are_kept_as_they_are(name: str) -> None:
    """Letters of any script are fine."""
    assert Variant(name=name).name == name


@pytest.mark.parametrize("names", [[], ["a"], list("abcdefghi")])
def test_too_few_or_too_many_variants(names: list[str]) -> None:
    """Two to eight variants can be compared."""
    with pytest.raises(SettingsError, match=f"Compare 2 to 8 variants, not {len(names)}"):
        check_variants([Variant(name=name) for name in names])


def test_variants_need_names_of_their_own() -> None:
    """Two of the same name could not be told apart; four different ones can."""
    with pytest.raises(SettingsError, match="same name"):
        check_variants([Variant(name="a"), Variant(name="b"), Variant(name="a")])
    check_variants([Variant(name=name) for name in "abcd"])


def test_variants_say_all_settings() -> None:
    """With one engine or another, variants say all that there is a label for, each its own."""
    known = known_settings()
    said = [Variant(name="a", options=RuntimeOptions(engine=one.name)) for one in engines()]
    assert {name for variant in said for name in variant.values()} == set(known)
    assert len({one.label for one in known.values()}) == len(known)


def test_same_settings_do_not_differ() -> None:
    """A name is no setting."""
    assert differences(Variant(name="a"), Variant(name="b")) == {}
    assert differences_in_words(Variant(name="a"), Variant(name="b")) == "the same settings"


def test_differences_are_ours_and_theirs() -> None:
    """Each setting that differs is there with both values, and in words likewise."""
    base = Variant(name="base", options=RuntimeOptions(engine="opencv"))
    assert differences(BUSY, base) == {
        "max_side_px": (None, 800),
        "input_size_px": (900, 300),
        "threads": (2, None),
        "optimised": (False, True),
        "winograd": (False, True),
        "fusion": (False, True),
        "cores": (1, None),
        "cpu_features_off": (("AVX2", "FMA3"), ()),
        "min_interval_ms": (12.5, 0.0),
    }
    words = differences_in_words(BUSY, base).split(", ")
    assert words[0] == "longest side for detection none (not 800 px)"
    assert "optimised code off (not on)" in words
    assert "threads 2 (not auto)" in words
    assert "engine opencv (not auto)" in differences_in_words(BUSY, Variant(name="auto"))
    assert "Winograd" not in differences_in_words(
        BUSY, Variant(name="other", options=RuntimeOptions(engine="mnn"))
    )
    assert "cores 1 (not all)" in words
    assert "CPU features off AVX2 FMA3 (not none)" in words


@pytest.mark.parametrize("variant", [Variant(name="plain"), BUSY])
def test_plain_values_make_an_equal_variant(variant: Variant) -> None:
    """What is written as JSON is read back equal."""
    assert msgspec.json.decode(msgspec.json.encode(variant), type=Variant) == variant


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("settings", {"confidence": 2}),
        ("settings", {"confidence": float("nan")}),
        ("settings", {"confidence": True}),
        ("options", {"threads": 0}),
        ("options", {"threads": True}),
        ("options", {"engine": "no name"}),
        ("options", {"engine_options": [["fusion", None]]}),
        ("options", {"engine_options": {"fusion": False}}),
        ("process", {"cores": 0}),
        ("process", {"cpu_features_off": "AVX2"}),
        ("process", {"cpu_features_off": ["AVX2,AVX"]}),
        ("process", {"cpu_features_off": [1]}),
        ("process", {"min_interval_ms": -1}),
        ("process", {"min_interval_ms": float("inf")}),
    ],
)
def test_plain_values_that_cannot_be_used(part: str, change: dict[str, Any]) -> None:
    """A value outside its range or of another kind is refused."""
    values = msgspec.to_builtins(BUSY)
    values[part] = {**values[part], **change}
    with pytest.raises((SettingsError, msgspec.ValidationError)):
        msgspec.convert(values, Variant)


def test_name_alone_is_recommended() -> None:
    """A table with nothing but a name has all defaults."""
    assert variant_from_settings({"name": "a"}) == Variant(name="a")


def test_flat_table_finds_each_setting_s_place() -> None:
    """Settings of all three parts lie side by side, on top of a preset; "none" is no cap."""
    read = variant_from_settings(
        {
            "name": "mine",
            "preset": "careful",
            "max_side_px": "none",
            "confidence": 0.5,
            "threads": 1,
            "fusion": False,
            "cores": 1,
            "cpu_features_off": ["AVX2"],
            "min_interval_ms": 5,
        }
    )
    assert read == Variant(
        name="mine",
        settings=AnalysisSettings(careful=True, max_side_px=None, confidence=0.5),
        options=RuntimeOptions(engine="opencv", threads=1, engine_options=(("fusion", False),)),
        process=ProcessOptions(cores=1, cpu_features_off=("AVX2",), min_interval_ms=5),
    )


@pytest.mark.parametrize("name", PRESETS)
def test_each_preset_can_be_named(name: str) -> None:
    """A preset brings all its settings."""
    read = variant_from_settings({"name": "a", "preset": name})
    assert read.settings == PRESETS[name]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({}, "no name"),
        ({"name": 5}, "no name"),
        ({"name": ""}, "name of 1 to 60"),
        ({"name": "a", "preset": "Fast"}, "no preset 'Fast'"),
        ({"name": "a", "preset": None}, "no preset"),
        ({"name": "a", "preset": "Article", "model_set": "modern"}, "is for the model set article"),
        ({"name": "a", "thread": 1}, "no setting called thread;"),
        ({"name": "a", "confidence": "high"}, "Variant 'a': The setting \"confidence\" must be"),
        ({"name": "a", "max_side_px": "None"}, '"longest side for detection" must be'),
        ({"name": "a", "threads": 1.0}, "Variant 'a': The setting \"threads\" must be"),
        ({"name": "a", "optimised": "off"}, "Variant 'a': "),
        ({"name": "a", "winograd": 0}, "Variant 'a': "),
        ({"name": "a", "cpu_features_off": "AVX2"}, 'The setting "CPU features off"'),
        ({"name": "a", "cpu_features_off": {"AVX2": True}}, 'The setting "CPU features off"'),
    ],
)
def test_tables_that_cannot_be_used(values: dict[str, Any], says: str) -> None:
    """Each has a sentence that names the variant where it has a name, and the setting."""
    with pytest.raises(SettingsError) as told:
        variant_from_settings(values)
    assert says in str(told.value)
    assert str(told.value).endswith(".")


def test_unknown_setting_cannot_steer_a_terminal() -> None:
    """A setting's name comes from a file, and is shown harmlessly."""
    with pytest.raises(SettingsError) as told:
        variant_from_settings({"name": "a", "x\x1b[2Jy\nz": 1})
    assert str(told.value).isprintable()


@pytest.mark.parametrize("name", PRESETS)
def test_a_variant_is_a_profile_of_the_nearest_preset(name: str) -> None:
    """What was measured is written and read again as it was, from the preset that is nearest."""
    options = replace(preset_options(name), threads=1)
    variant = Variant(name="a", settings=replace(PRESETS[name], confidence=0.55), options=options)
    given = variant_configuration(variant, Configuration(max_megapixels=24))
    assert (given.preset, given.max_megapixels) == (name, 24)
    read = profile_from_bytes(profile_text(given).encode(), "a.toml")
    assert profile_variant(read, read.name) == variant
