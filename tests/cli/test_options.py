"""The options that are settings, read from a command line without running anything."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from facecore.analysis.automatic import settled
from facecore.cli import analyze, compare, evaluate, models, serve, settings
from facecore.cli.options import add_settings_options, options_from, settings_from
from facecore.errors import ModelMissingError, SettingsError
from facecore.machine.data_folder import DATA_DIR_VARIABLE
from facecore.models import files
from facecore.settings import AnalysisSettings, RuntimeOptions
from facecore.settings.presets import PRESETS

ARTICLE = PRESETS["Article"]
# Options of the article's preset, and what overrides it one by one.
OVERRIDES: dict[str, tuple[list[str], object]] = {
    "confidence": (["--confidence", "0.5"], 0.5),
    "max_side_px": (["--max-side", "none"], None),
    "input_shape": (["--input-shape", "aspect"], "aspect"),
    "input_size_px": (["--input-size", "1200"], 1200),
    "drop_outside": (["--drop-outside"], True),
    "rescue": (["--rescue"], True),
    "crop_margin_ratio": (["--crop-margin", "0.25"], 0.25),
    "crop_shape": (["--crop-shape", "square"], "square"),
    "crop_source": (["--crop-source", "full"], "full"),
    "careful": (["--careful"], True),
    "unsure_below": (["--unsure-below", "0"], 0.0),
    "max_faces": (["--max-faces", "7"], 7),
    "reduced_decode": (["--reduced-decode"], True),
    "batch_faces": (["--batch-faces"], True),
}


def _parsed(*options: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_settings_options(parser)
    return parser.parse_args(options)


@pytest.mark.parametrize("command", [analyze, compare, evaluate, models, serve, settings])
def test_help_says_what_each_option_is(command: ModuleType) -> None:
    """No option is listed by its name alone, and the pixel limit's default is the true one."""
    commands = argparse.ArgumentParser().add_subparsers()
    command.add_parser(commands)
    for parser in commands.choices.values():
        assert [action.dest for action in parser._actions if not action.help] == []
        shown = " ".join(parser.format_help().split())
        assert ("--max-megapixels" in shown) == (
            "(default: FACECORE_MAX_MEGAPIXELS where it is set, else 100, and for a" in shown
        )


def test_no_options_are_the_defaults() -> None:
    """Who gives no option gets the defaults of the library."""
    assert settings_from(_parsed()) == AnalysisSettings()
    assert options_from(_parsed()) == settled(RuntimeOptions())


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_taken_whole(name: str) -> None:
    """With a preset and nothing else, the settings are the preset's."""
    assert settings_from(_parsed("--preset", name.lower())) == PRESETS[name]


def test_options_of_the_networks_are_taken() -> None:
    """Threads and each knob of the engine have an option, "auto" leaves threads to the engine."""
    off = (("fusion", False), ("winograd", False))
    expected = RuntimeOptions(engine="opencv", threads=2, engine_options=off)
    assert options_from(_parsed("--threads", "2", "--no-winograd", "--no-fusion")) == expected
    plain = RuntimeOptions(engine="opencv")
    assert options_from(_parsed("--threads", "auto", "--optimised")) == plain


@pytest.mark.parametrize(("name", "override"), OVERRIDES.items(), ids=list(OVERRIDES))
def test_an_option_overrides_the_preset(name: str, override: tuple[list[str], object]) -> None:
    """What is given counts, before the preset or behind it, and the preset says the rest."""
    options, value = override
    expected = replace(ARTICLE, **{name: value})  # type: ignore[arg-type]
    assert expected != ARTICLE
    assert settings_from(_parsed("--preset", "Article", *options)) == expected
    assert settings_from(_parsed(*options, "--preset", "Article")) == expected


@pytest.mark.parametrize(
    "name", ["drop-outside", "rescue", "careful", "reduced-decode", "batch-faces"]
)
def test_a_switch_can_be_turned_either_way(name: str) -> None:
    """A switch has an option for on and one for off, whatever the preset says."""
    setting = name.replace("-", "_")
    for preset in PRESETS:
        for option, value in ((f"--{name}", True), (f"--no-{name}", False)):
            settings = settings_from(_parsed("--preset", preset, option))
            assert getattr(settings, setting) is value


def test_a_setting_at_its_default_still_overrides() -> None:
    """Giving a default's value by name counts against a preset that says otherwise."""
    settings = settings_from(_parsed("--preset", "Crowd", "--input-size", "300"))
    assert settings == replace(PRESETS["Crowd"], input_size_px=300)


def test_aligned_without_landmarks_is_told_before_anything_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The preset Aligned needs the modern set's detector: a batch must not fail photo by photo."""
    monkeypatch.setenv(DATA_DIR_VARIABLE, str(tmp_path))
    monkeypatch.setattr(files, "REPOSITORY_MODELS_DIR", tmp_path)
    with pytest.raises(ModelMissingError, match=r"face_detection_yunet.* models install"):
        options_from(_parsed("--preset", "Aligned", "--engine", "opencv"))
    assert options_from(_parsed("--engine", "opencv")).engine == "opencv"


def test_an_unknown_preset_is_an_error_of_ours() -> None:
    """A preset that there is not is refused when the settings are made."""
    with pytest.raises(SettingsError, match="no preset 'best'"):
        settings_from(_parsed("--preset", "best"))
