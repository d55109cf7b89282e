"""``facecore analyze``: read the faces of files and folders."""

from __future__ import annotations

import argparse
import sys
from contextlib import closing
from functools import partial
from pathlib import Path

from facecore.cli.analyze_batch import count, finder, run_batch
from facecore.cli.copies import check_not_read, make_folder, write_copy
from facecore.cli.options import add_settings_options, add_video_options, settings_from
from facecore.cli.readers import add_reader_options, progress, read_all
from facecore.errors import SettingsError
from facecore.export import to_json_line
from facecore.results import Analysis
from facecore.sources.names import printable
from facecore.sources.sorting import PassedOver, in_words
from facecore.sources.stores import place
from facecore.wording import Text, _, counted


def add_parser(subcommands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe this subcommand and its options to the command line."""
    parser = subcommands.add_parser("analyze", help="read the faces of photos and videos")
    add = parser.add_argument
    add(
        "paths",
        nargs="+",
        type=place,
        metavar="PATH",
        help="a photo, a video, a folder or a ZIP file, here or in a store: s3://bucket/prefix, "
        "gs://, az://",
    )
    add("--recursive", action="store_true", help="look into the folders of a folder as well")
    add(
        "--zip-encoding",
        metavar="NAME",
        help="of the names in ZIP files that do not say theirs, such as gbk, shift_jis or cp437; "
        "without it, the likeliest",
    )
    add("--json", action="store_true", help="one line of JSON per file")
    add(
        "--out",
        type=place,
        metavar="FILE",
        help="write the answers there, as .parquet, .csv or .jsonl, here or in a store; after a "
        "stop, the same command goes on",
    )
    add("--annotate", type=Path, metavar="DIR", help="write photos with the faces drawn there")
    add_video_options(parser)
    add_reader_options(parser)
    add_settings_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Read every file and print or store its answer; 0 if all were read, 1 if some failed.

    Raises:
        FacecoreError: nothing could be read at all.
    """
    settings = settings_from(arguments)
    _make_folders(arguments)
    if arguments.out:
        return run_batch(arguments, settings)
    find = finder(arguments)
    passed_over = PassedOver()
    total = count(find(passed_over=passed_over))
    writer = partial(write_copy, arguments.annotate) if arguments.annotate else None
    failures = 0
    with (
        closing(read_all(arguments, find(), settings, writer)) as outcomes,
        progress(outcomes, total) as announced,
    ):
        for outcome in announced:
            photo = outcome.photo
            failures += outcome.analysis is None and not photo.passed_over
            if arguments.json:
                print(to_json_line(outcome.row()), flush=True)
            elif outcome.analysis is not None:
                _print_analysis(photo.name, outcome.analysis)
            elif not photo.passed_over:  # these are told of together
                message = f"{printable(photo.name)}: {_('error: {problem}', problem=outcome.error)}"
                print(message, file=sys.stderr, flush=True)
    if passed_over:
        print(printable(_(in_words(passed_over))), file=sys.stderr, flush=True)
    return 1 if failures else 0


def _make_folders(arguments: argparse.Namespace) -> None:
    """Make the folders for what is drawn, none of which may be read."""
    if arguments.annotate_videos and not arguments.out:
        raise SettingsError("--annotate-videos needs an --out, whose rows are drawn.")
    for folder in filter(None, (arguments.annotate, arguments.annotate_videos)):
        if arguments.out:
            check_not_read(folder, arguments.paths, recursive=arguments.recursive)
        make_folder(folder)


def _print_analysis(path: str, analysis: Analysis) -> None:
    name = printable(path)
    width, height = analysis.size_wh
    count = len(analysis.faces)
    turned = analysis.faces[0].detection.turned_degrees if count else 0
    how = Text(", read turned by {degrees}°", degrees=turned) if turned else ""
    print(
        _(
            "{name}: {width}×{height}, {faces}{how}, {time_ms:.0f} ms",
            name=name,
            width=width,
            height=height,
            faces=counted(count, "face"),
            how=how,
            time_ms=analysis.timings.total_ms,
        )
    )
    for number, face in enumerate(analysis.faces, start=1):
        age = face.age_group
        expected = Text("expected {years:.0f}, ", years=age.expected_age)
        years = Text("") if age.years is None else Text("{years:.0f} years, ", years=age.years)
        said = _(
            "{number}: {gender} {sure:.0%}, age {years}{age} {age_sure:.0%}, "
            "{expected}confidence {confidence:.0%}, box {box}",
            number=number,
            gender=Text(face.gender.label),
            sure=face.gender.probability,
            years=years,
            age=age.label,
            age_sure=age.probability,
            expected="" if years else expected,
            confidence=face.confidence,
            box=" ".join(map(str, face.box.xyxy)),
        )
        print(f"  {said}", flush=True)
