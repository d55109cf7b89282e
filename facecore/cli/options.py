"""The options that are settings, the same for every command that reads faces."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from facecore.analysis.automatic import settled
from facecore.engines import engines, options_from_values
from facecore.errors import SettingsError
from facecore.models.catalogue import network_specs, set_spec
from facecore.models.files import verified_path
from facecore.settings import (
    DEFAULT_MAX_PIXELS,
    MAX_MEGAPIXELS,
    AnalysisSettings,
    RuntimeOptions,
    max_pixels_from_environment,
    megapixels_to_limit,
)
from facecore.settings.presets import PRESETS, RECOMMENDED, check_together, preset, preset_options
from facecore.settings.setting import Setting, declared


def add_settings_options(parser: argparse.ArgumentParser) -> None:
    """Add an option for each setting of the analysis, of the networks and of the pixel limit."""
    # Only what is given counts; the preset says the rest.
    group = parser.add_argument_group("settings", argument_default=argparse.SUPPRESS)
    group.add_argument(
        "--preset", metavar="NAME", help=f"{', '.join(PRESETS)} (default: {RECOMMENDED})"
    )
    for setting in declared(AnalysisSettings).values():
        add_option(group, setting)
    add_pixel_limit(parser)
    group = parser.add_argument_group("networks", argument_default=argparse.SUPPRESS)
    for setting in _of_the_networks().values():
        add_option(group, setting)


def add_pixel_limit(parser: argparse.ArgumentParser) -> None:
    """Add the option that `max_pixels_from` reads."""
    parser.add_argument(
        MAX_MEGAPIXELS.flag,
        type=_reader(MAX_MEGAPIXELS),
        metavar="F",
        help=f"{_help(MAX_MEGAPIXELS)} (default: {MAX_MEGAPIXELS.variable} where it is set, "
        f"else {DEFAULT_MAX_PIXELS / 1e6:g})",
    )


def settings_from(arguments: argparse.Namespace) -> AnalysisSettings:
    """Return the settings of the analysis: those that were given, the rest from the preset.

    Raises:
        SettingsError: a value is outside its range, or there is no such preset.
    """
    base = preset(vars(arguments).get("preset", RECOMMENDED))
    return replace(base, **_those(declared(AnalysisSettings), arguments))


def options_from(arguments: argparse.Namespace) -> RuntimeOptions:
    """Return how the networks are to be built.

    Raises:
        SettingsError: a value is outside its range.
        ModelError: the networks that find landmarks are to be used, and are not there.
    """
    given = _those(_of_the_networks(), arguments)
    name = vars(arguments).get("preset", RECOMMENDED)
    options = options_from_values(given, preset_options(name))
    check_together(name, options)
    # What there is not is told before anything is read.
    spec = set_spec(options.model_set)
    if spec.landmarks and settings_from(arguments).aligned:
        for file in network_specs(spec.landmarks)[0].files:
            verified_path(file)
    return settled(options)


def max_pixels_from(arguments: argparse.Namespace) -> int:
    """Return the pixel limit: the option, else the environment's, else the default.

    Raises:
        SettingsError: it is no number, or outside its range.
    """
    if arguments.max_megapixels is None:
        return max_pixels_from_environment()
    return megapixels_to_limit(arguments.max_megapixels)


def _those(settings: Mapping[str, Setting], arguments: argparse.Namespace) -> dict[str, Any]:
    return {name: value for name, value in vars(arguments).items() if name in settings}


def _of_the_networks() -> dict[str, Setting]:
    return declared(RuntimeOptions) | {knob.name: knob for one in engines() for knob in one.knobs}


def add_option(group: argparse._ActionsContainer, setting: Setting) -> None:
    """Add the option that a setting is in a command."""
    facts: dict[str, Any] = {"dest": setting.name, "help": _help(setting)}
    if setting.is_switch:
        facts["action"] = argparse.BooleanOptionalAction
    elif setting.choices:
        facts |= {"type": type(setting.default), "choices": setting.choices}
    else:
        word = "NAME" if setting.pattern else "F" if isinstance(setting.default, float) else "N"
        facts["metavar"] = f"{word}|{setting.none}" if setting.none else word
        facts["type"] = _reader(setting)
    group.add_argument(setting.flag, **facts)


def _help(setting: Setting) -> str:
    limits = setting.limits
    return setting.help.replace("%", "%%") + (f" {limits[0]:g} to {limits[1]:g}." if limits else "")


def _reader(setting: Setting) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        try:
            return setting.parse(text)
        except SettingsError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return read
