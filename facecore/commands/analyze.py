"""``python -m facecore analyze``: read the faces of files and folders."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from facecore.analyzer import FaceAnalyzer
from facecore.commands.options import (
    add_settings_options,
    max_pixels_from,
    options_from,
    settings_from,
)
from facecore.commands.photos import photos_in, printable, read_photo, valid_text
from facecore.commands.progress import progress
from facecore.errors import FacecoreError, SettingsError, friendly_message
from facecore.export import analysis_to_dict, error_to_dict, to_json_line
from facecore.images import encode_png
from facecore.results import Analysis

_LONGEST_STEM_BYTES = 200


def add_parser(subcommands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe this subcommand and its options to the command line."""
    parser = subcommands.add_parser("analyze", help="read the faces of photos")
    add = parser.add_argument
    add("paths", nargs="+", metavar="PATH", help="a photo, or a folder of photos")
    add("--json", action="store_true", help="one line of JSON per file")
    add("--annotate", type=Path, metavar="DIR", help="write photos with the faces drawn there")
    add_settings_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Read every file and print its answer; 0 if all were read, 1 if some failed.

    Raises:
        FacecoreError: nothing could be read at all.
    """
    settings = settings_from(arguments)
    if arguments.annotate:
        _make_folder(arguments.annotate)
    files = photos_in(arguments.paths)
    analyzer = FaceAnalyzer.load(options_from(arguments), max_pixels=max_pixels_from(arguments))
    failures = 0
    with progress(files) as announced:
        for path in announced:
            try:
                analysis = analyzer.analyze(
                    read_photo(path), settings, annotate=bool(arguments.annotate)
                )
                if arguments.annotate:
                    _write_annotated(arguments.annotate, path, analysis)
            except Exception as error:  # noqa: BLE001 - one file must not stop the others
                failures += 1
                _print_error(path, friendly_message(error), arguments.json)
            else:
                _print_analysis(path, analysis, arguments.json)
    return 1 if failures else 0


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"{folder} cannot be made a folder ({error.strerror}): name another one."
        ) from error
    if not os.access(folder, os.W_OK):
        raise SettingsError(f"{folder} cannot be written to: name another folder.")


def _write_annotated(folder: Path, path: Path, analysis: Analysis) -> None:
    if analysis.annotated is None:
        return
    # With what is added, a name must fit into 255 bytes.
    stem = os.fsencode(path.stem)[:_LONGEST_STEM_BYTES].decode("utf-8", "ignore")
    target = folder / f"{stem}.annotated.png"
    number = 2
    while target.exists():
        target = folder / f"{stem}.annotated-{number}.png"
        number += 1
    aside = folder / f".{target.name}.{os.getpid()}.part"
    try:
        with aside.open("xb") as file:
            file.write(encode_png(analysis.annotated))
        aside.replace(target)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise FacecoreError(
            f"{target} cannot be written ({error.strerror}): free some space or name "
            "another folder."
        ) from error


def _print_error(path: Path, message: str, as_json: bool) -> None:
    if as_json:
        print(to_json_line(error_to_dict(valid_text(path), message)), flush=True)
    else:
        print(f"{printable(path)}: error: {message}", file=sys.stderr, flush=True)


def _print_analysis(path: Path, analysis: Analysis, as_json: bool) -> None:
    if as_json:
        print(to_json_line(analysis_to_dict(valid_text(path), analysis)), flush=True)
        return
    name = printable(path)
    width, height = analysis.size_wh
    count = len(analysis.faces)
    print(
        f"{name}: {width}×{height}, {count} {'face' if count == 1 else 'faces'}, "
        f"{analysis.timings.total_ms:.0f} ms"
    )
    for number, face in enumerate(analysis.faces, start=1):
        print(
            f"  {number}: {face.gender.label} {face.gender.probability:.0%}, age "
            f"{face.age_group.label} {face.age_group.probability:.0%}, expected "
            f"{face.age_group.expected_age:.0f}, confidence "
            f"{face.confidence:.0%}, box {' '.join(map(str, face.box.xyxy))}",
            flush=True,
        )
