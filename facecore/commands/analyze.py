"""``python -m facecore analyze``: read the faces of files and folders."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from facecore.analyzer import FaceAnalyzer
from facecore.errors import FacecoreError, ImageError, SettingsError, friendly_message
from facecore.export import analysis_to_dict, error_to_dict, to_json_line
from facecore.images import ACCEPTED_SUFFIXES, encode_png
from facecore.results import Analysis
from facecore.settings import (
    DEFAULT_MAX_PIXELS,
    AnalysisSettings,
    RuntimeOptions,
    max_pixels_from_environment,
    megapixels_to_limit,
)

_BAR_FROM_FILES = 4
_LONGEST_STEM_BYTES = 200
_DEFAULTS = AnalysisSettings()


def add_parser(subcommands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe this subcommand and its options to the command line."""
    parser = subcommands.add_parser("analyze", help="read the faces of photos")
    add = parser.add_argument
    add("paths", nargs="+", metavar="PATH", help="a photo, or a folder of photos")
    add("--json", action="store_true", help="one line of JSON per file")
    add("--annotate", type=Path, metavar="DIR", help="write photos with the faces drawn there")
    add("--confidence", type=float, metavar="F", default=_DEFAULTS.confidence)
    add(
        "--max-side",
        type=_side_or_none,
        metavar="N|none",
        default=_DEFAULTS.max_side_px,
        help="longest side in pixels of the copy that the detector sees (default: %(default)s)",
    )
    add("--crop-margin", type=float, metavar="F", default=_DEFAULTS.crop_margin_ratio)
    add("--crop-shape", choices=("square", "box"), default=_DEFAULTS.crop_shape)
    add("--max-faces", type=int, metavar="N", default=_DEFAULTS.max_faces)
    add(
        "--max-megapixels",
        type=float,
        metavar="F",
        help=f"refuse larger photos unread (default: {DEFAULT_MAX_PIXELS / 1e6:g})",
    )
    add("--threads", type=int, metavar="N", help="OpenCV's worker threads")
    add("--no-optimised", action="store_true", help="switch optimised code off")
    add("--no-winograd", action="store_true", help="switch Winograd convolutions off")
    add("--no-fusion", action="store_true", help="switch layer fusion off")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Read every file and print its answer; 0 if all were read, 1 if some failed.

    Raises:
        FacecoreError: nothing could be read at all.
    """
    settings = AnalysisSettings(
        confidence=arguments.confidence,
        max_side_px=arguments.max_side,
        crop_margin_ratio=arguments.crop_margin,
        crop_shape=arguments.crop_shape,
        max_faces=arguments.max_faces,
    )
    if arguments.annotate:
        _make_folder(arguments.annotate)
    files = _expand(arguments.paths)
    analyzer = _load(arguments)
    failures = 0
    with _progress(files) as announced:
        for path in announced:
            try:
                analysis = analyzer.analyze(
                    _read(path), settings, annotate=bool(arguments.annotate)
                )
                if arguments.annotate:
                    _write_annotated(arguments.annotate, path, analysis)
            except Exception as error:  # noqa: BLE001 - one file must not stop the others
                failures += 1
                _print_error(path, friendly_message(error), arguments.json)
            else:
                _print_analysis(path, analysis, arguments.json)
    return 1 if failures else 0


def _load(arguments: argparse.Namespace) -> FaceAnalyzer:
    if arguments.max_megapixels is None:
        max_pixels = max_pixels_from_environment()
    else:
        max_pixels = megapixels_to_limit(arguments.max_megapixels)
    options = RuntimeOptions(
        threads=arguments.threads,
        optimised=not arguments.no_optimised,
        winograd=not arguments.no_winograd,
        fusion=not arguments.no_fusion,
    )
    return FaceAnalyzer.load(options, max_pixels=max_pixels)


def _expand(paths: Iterable[str]) -> list[Path]:
    """Replace each folder by the photos right in it; one without any stays, to be reported."""
    return [file for path in map(Path, paths) for file in _photos_in(path) or [path]]


def _photos_in(path: Path) -> list[Path]:
    try:
        return sorted(p for p in path.iterdir() if p.suffix.lower() in ACCEPTED_SUFFIXES)
    except OSError:
        return []  # a file, or nothing that can be looked into: reading it tells


def _read(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise ImageError("This folder has no photos right in it: name another one.")
        if path.exists() and not path.is_file():
            raise ImageError("This is not a regular file: name a photo.")
        return path.read_bytes()
    except FileNotFoundError:
        raise ImageError("There is no such file: check the name.") from None
    except OSError as error:
        raise ImageError(
            f"The file cannot be read ({error.strerror or type(error).__name__}): "
            "check its permissions."
        ) from error


@contextmanager
def _progress(files: list[Path]) -> Iterator[Iterable[Path]]:
    """Show a bar on stderr for more than a few files, when somebody is there to see it."""
    hidden = len(files) < _BAR_FROM_FILES or not sys.stderr.isatty()
    with click.progressbar(files, label="Reading faces", file=sys.stderr, hidden=hidden) as bar:
        yield bar


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
        print(to_json_line(error_to_dict(_printable(path), message)), flush=True)
    else:
        print(f"{_printable(path)}: error: {message}", file=sys.stderr, flush=True)


def _print_analysis(path: Path, analysis: Analysis, as_json: bool) -> None:
    name = _printable(path)
    if as_json:
        print(to_json_line(analysis_to_dict(name, analysis)), flush=True)
        return
    width, height = analysis.size_wh
    count = len(analysis.faces)
    print(
        f"{name}: {width}×{height}, {count} {'face' if count == 1 else 'faces'}, "
        f"{analysis.timings.total_ms:.0f} ms"
    )
    for number, face in enumerate(analysis.faces, start=1):
        print(
            f"  {number}: {face.gender.label} {face.gender.probability:.0%}, age "
            f"{face.age_group.label} {face.age_group.probability:.0%}, confidence "
            f"{face.confidence:.0%}, box {' '.join(map(str, face.box.xyxy))}",
            flush=True,
        )


def _printable(path: Path) -> str:
    # A name that is no valid text must not stop the others.
    return str(path).encode("utf-8", "replace").decode("utf-8")


def _side_or_none(text: str) -> int | None:
    if text.lower() == "none":
        return None
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"a number of pixels or none, not {text!r}") from None
