"""The options that are settings, the same for every command that reads faces."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from facecore.analysis.automatic import settled
from facecore.errors import SettingsError
from facecore.evaluation.labels import PersonLabel, decode_table, read_labels
from facecore.models.catalogue import network_specs, set_spec
from facecore.models.files import verified_path
from facecore.profiles.configuration import SETTINGS_VARIABLE, Configuration, configuration
from facecore.profiles.profile import known_settings, read_profile, sections
from facecore.settings import (
    DEFAULT_MAX_PIXELS,
    MAX_MEGAPIXELS,
    AnalysisSettings,
    RuntimeOptions,
)
from facecore.settings.presets import PRESETS, RECOMMENDED
from facecore.settings.setting import Setting, declared
from facecore.sources.names import printable
from facecore.video.sampling import DEFAULT_FRAMES, Sampling
from facecore.wording import Text, _


def add_settings_options(parser: argparse.ArgumentParser, *, of_a_server: bool = False) -> None:
    """Add an option for each setting that a profile may have, and one for the profile itself.

    Those of a server's queue are for a server alone.
    """
    # Only what is given counts; the file and the preset say the rest.
    group = parser.add_argument_group("settings", argument_default=argparse.SUPPRESS)
    group.add_argument(
        "--settings",
        type=read_profile,
        default=None,
        metavar="FILE",
        help=Text(
            "a profile, as the pages give it for download (default: {variable})",
            variable=SETTINGS_VARIABLE,
        ),
    )
    group.add_argument(
        "--preset",
        metavar="NAME",
        help=Text("{names} (default: {preset})", names=", ".join(PRESETS), preset=RECOMMENDED),
    )
    reading, runtime, server = sections().values()
    for setting in declared(AnalysisSettings).values():
        add_option(group, setting)
    add_pixel_limit(parser)
    group = parser.add_argument_group("networks", argument_default=argparse.SUPPRESS)
    for name, setting in (reading | runtime).items():
        if name not in declared(AnalysisSettings):
            add_option(group, setting)
    if of_a_server:
        group = parser.add_argument_group("queue", argument_default=argparse.SUPPRESS)
        for name, setting in server.items():
            if name != MAX_MEGAPIXELS.name:
                add_option(group, setting)


def add_pixel_limit(parser: argparse.ArgumentParser) -> None:
    """Add the option that `max_pixels_from` reads."""
    parser.add_argument(
        MAX_MEGAPIXELS.flag,
        type=_reader(MAX_MEGAPIXELS),
        default=argparse.SUPPRESS,
        metavar="F",
        help=Text(
            "{what} (default: {variable} where it is set, else {megapixels:g}, and for a server "
            "what its memory holds)",
            what=_help(MAX_MEGAPIXELS),
            variable=MAX_MEGAPIXELS.environment_name,
            megapixels=DEFAULT_MAX_PIXELS / 1e6,
        ),
    )


def add_video_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which frames of videos are read, and that they are drawn."""
    parser.add_argument(
        "--frames",
        type=_sampling,
        metavar="2/s|1/10|key|scene",
        help=Text(
            "of a video: so many per second, every tenth, key frames, or one for each scene "
            "(default: {frames})",
            frames=DEFAULT_FRAMES,
        ),
    )
    parser.add_argument(
        "--annotate-videos",
        type=Path,
        metavar="DIR",
        help="with --out, write videos with the faces drawn there, as WebM (VP8)",
    )


def _sampling(text: str) -> str:
    try:
        Sampling.parse(text)
    except SettingsError as error:
        raise argparse.ArgumentTypeError(_(error)) from None
    return text


def flags_from(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the settings that were given as options, by their names."""
    names = {"preset", *known_settings()}
    return {name: value for name, value in vars(arguments).items() if name in names}


def configuration_from(arguments: argparse.Namespace) -> Configuration:
    """Return what holds: the options, else the environment, else the file, else the preset.

    Raises:
        SettingsError: a value is outside its range, or there is no such preset.
    """
    return configuration(flags_from(arguments), vars(arguments).get("settings"))


def settings_from(arguments: argparse.Namespace) -> AnalysisSettings:
    """Return the settings of the analysis.

    Raises:
        SettingsError: a value is outside its range, or there is no such preset.
    """
    return configuration_from(arguments).settings


def options_from(arguments: argparse.Namespace) -> RuntimeOptions:
    """Return how the networks are to be built.

    Raises:
        SettingsError: a value is outside its range.
        ModelError: the networks that find landmarks are to be used, and are not there.
    """
    given = configuration_from(arguments)
    # What there is not is told before anything is read.
    spec = set_spec(given.options.model_set)
    if spec.landmarks and given.settings.aligned:
        for file in network_specs(spec.landmarks)[0].files:
            verified_path(file)
    return settled(given.options)


def max_pixels_from(arguments: argparse.Namespace) -> int:
    """Return the pixel limit.

    Raises:
        SettingsError: it is no number, or outside its range.
    """
    return configuration_from(arguments).max_pixels(DEFAULT_MAX_PIXELS)


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
    limits, what = setting.limits, _(setting.help)
    if limits:
        low, high = limits
        what = _("{what} {low:g} to {high:g}.", what=what, low=low, high=high)
    return what.replace("%", "%%")


def _reader(setting: Setting) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        try:
            return setting.parse(text)
        except SettingsError as error:
            raise argparse.ArgumentTypeError(_(error)) from None

    return read


def table_text(path: Path) -> str:
    """Return the text of a CSV file that somebody named.

    Raises:
        SettingsError: it cannot be read.
    """
    try:
        return decode_table(path.read_bytes())
    except OSError as error:
        raise SettingsError(
            "{name} cannot be read ({reason}): name another table.",
            name=printable(path),
            reason=error.strerror,
        ) from error


def labels_from(path: Path | None) -> dict[str, PersonLabel]:
    """Return the labels of a table that somebody named; what is wrong in it goes to stderr.

    Raises:
        SettingsError: it cannot be read, or no label in it can be used.
    """
    if path is None:
        return {}
    labels, problems = read_labels(table_text(path))
    for problem in problems:
        print(printable(_("error: {problem}", problem=problem)), file=sys.stderr)
    if not labels:
        raise SettingsError("{name} has no label that can be used.", name=printable(path))
    return labels


def check_new(path: Path) -> None:
    """Check that a file can be written that is not there yet.

    Raises:
        SettingsError: it is there, or cannot be written.
    """
    try:
        if path.is_file() and path.stat().st_size:
            raise SettingsError(
                "{name} is there already, so nothing was measured: delete it, or "
                "name another file.",
                name=printable(path),
            )
        is_new = not path.exists()
        with path.open("ab"):
            pass
        if is_new:  # /dev/stdout is not
            path.unlink()
    except OSError as error:
        raise SettingsError(
            "{name} cannot be written ({reason}): name another file.",
            name=printable(path),
            reason=error.strerror,
        ) from error
