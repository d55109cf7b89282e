"""The options that are settings, the same for every command that reads faces."""

from __future__ import annotations

import argparse
from dataclasses import fields, replace
from typing import get_args

from facecore.engines import engine, options_from_values
from facecore.engines.base import Knob
from facecore.settings import (
    DEFAULT_MAX_PIXELS,
    DETECTOR_SIZES_PX,
    MAX_CROP_MARGIN_RATIO,
    MAX_MEGAPIXELS_VARIABLE,
    AnalysisSettings,
    CropShape,
    CropSource,
    InputShape,
    RuntimeOptions,
    max_pixels_from_environment,
    megapixels_to_limit,
)
from facecore.settings.presets import PRESETS, RECOMMENDED, preset

_SETTINGS = {field.name for field in fields(AnalysisSettings)}


def add_settings_options(parser: argparse.ArgumentParser) -> None:
    """Add an option for each setting of the analysis, of the networks and of the pixel limit."""
    _add_analysis_options(parser)
    _add_network_options(parser)


def add_pixel_limit(parser: argparse.ArgumentParser) -> None:
    """Add the option that `max_pixels_from` reads."""
    parser.add_argument(
        "--max-megapixels",
        type=float,
        metavar="F",
        help=f"refuse larger photos unread (default: {MAX_MEGAPIXELS_VARIABLE} where it is set, "
        f"else {DEFAULT_MAX_PIXELS / 1e6:g})",
    )


def _add_analysis_options(parser: argparse.ArgumentParser) -> None:
    # Only what is given counts; the preset says the rest.
    group = parser.add_argument_group("settings", argument_default=argparse.SUPPRESS)
    group.add_argument(
        "--preset", metavar="NAME", help=f"{', '.join(PRESETS)} (default: {RECOMMENDED})"
    )
    _add_finding_options(group)
    _add_reading_options(group)
    boolean = argparse.BooleanOptionalAction
    add = group.add_argument
    add("--reduced-decode", action=boolean, help="decode large JPEGs no finer than needed")
    add("--batch-faces", action=boolean, help="read all faces of a photo in one pass")


def _add_finding_options(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--confidence", type=float, metavar="F", help="a face from here on, 0 to 1")
    add(
        "--max-side",
        dest="max_side_px",
        type=_side_or_none,
        metavar="N|none",
        help="longest side in pixels of the copy that the detector sees",
    )
    add("--input-shape", choices=get_args(InputShape), help="of the detector's input")
    add(
        "--input-size",
        dest="input_size_px",
        type=int,
        choices=DETECTOR_SIZES_PX,
        help="of the detector's input in pixels; larger finds smaller faces, and takes longer",
    )
    boolean = argparse.BooleanOptionalAction
    add("--drop-outside", action=boolean, help="drop boxes that leave the photo")
    add("--rescue", action=boolean, help="look again where the first look shows a close-up")


def _add_reading_options(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    boolean = argparse.BooleanOptionalAction
    add("--careful", action=boolean, help="read each face six times and average")
    add(
        "--crop-margin",
        dest="crop_margin_ratio",
        type=float,
        metavar="F",
        help="what gender and age see around a face, as a part of its size on each side, "
        f"0 to {MAX_CROP_MARGIN_RATIO:g}",
    )
    add(
        "--crop-shape",
        choices=get_args(CropShape),
        help="square widens a face's box to a square, box stretches what is in it",
    )
    add(
        "--crop-source",
        choices=get_args(CropSource),
        help="cut faces out of the full photo, or out of the detector's copy",
    )
    add("--unsure-below", type=float, metavar="F", help="mark answers less probable than this")
    add("--max-faces", type=int, metavar="N", help="read only the surest so many")


def _add_network_options(parser: argparse.ArgumentParser) -> None:
    add_pixel_limit(parser)
    add = parser.add_argument
    add("--threads", type=int, metavar="N", help="OpenCV's worker threads")
    for knob in _switches():
        add(f"--no-{knob.name}", action="store_true", help=f"switch {knob.label} off")


def settings_from(arguments: argparse.Namespace) -> AnalysisSettings:
    """Return the settings of the analysis: those that were given, the rest from the preset.

    Raises:
        SettingsError: a value is outside its range, or there is no such preset.
    """
    given = vars(arguments)
    base = preset(given.get("preset", RECOMMENDED))
    return replace(base, **{name: given[name] for name in _SETTINGS & given.keys()})


def options_from(arguments: argparse.Namespace) -> RuntimeOptions:
    """Return how the networks are to be built.

    Raises:
        SettingsError: a value is outside its range.
    """
    given = vars(arguments)
    off = {knob.name: False for knob in _switches() if given[f"no_{knob.name}"]}
    return options_from_values({"threads": arguments.threads, **off})


def _switches() -> list[Knob]:
    return [knob for knob in engine().knobs if knob.default is True]


def max_pixels_from(arguments: argparse.Namespace) -> int:
    """Return the pixel limit: the option, else the environment's, else the default.

    Raises:
        SettingsError: it is no number, or outside its range.
    """
    if arguments.max_megapixels is None:
        return max_pixels_from_environment()
    return megapixels_to_limit(arguments.max_megapixels)


def _side_or_none(text: str) -> int | None:
    if text.lower() == "none":
        return None
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"a number of pixels or none, not {text!r}") from None
