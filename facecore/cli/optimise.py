"""``facecore optimise``: the settings that serve an aim best on this machine."""

from __future__ import annotations

import argparse
import math
import shlex
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import get_args

from facecore.analysis.automatic import settled
from facecore.cli.options import add_pixel_limit, check_new, labels_from, max_pixels_from
from facecore.cli.readers import photos_to_measure
from facecore.errors import FacecoreError, SettingsError
from facecore.machine.new_file import replace_file
from facecore.optimise.record import Constraints, Figure, Objective, Result, result_to_json
from facecore.optimise.report import html_report
from facecore.optimise.search import BackgroundSearch
from facecore.optimise.space import KNOBS, USUAL, variable_settings
from facecore.optimise.task import Progress, Task
from facecore.profiles.configuration import SETTINGS_VARIABLE, configuration
from facecore.profiles.profile import read_profile
from facecore.sources.names import printable
from facecore.wording import Text, _, aligned, left_in_words, listed

_TEXT_WIDTH = 100
_LOOK_EVERY_S = 0.2
_LINE_EVERY_S = 10.0
_MIN_AGREEMENT_PERCENT = 99.0
"""Where nothing is said of the answers: else the fastest is whatever reads nothing."""


def add_parser(subcommands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe this subcommand and its options to the command line."""
    parser = subcommands.add_parser(
        "optimise",
        help="find the settings that serve an aim best here",
        description="Tries settings in worker processes beside the baseline, drops clear losers, "
        "and measures the best once more. Ctrl-C ends it with what is known by then.",
    )
    add = parser.add_argument
    add("paths", nargs="+", metavar="PHOTOS", help="a photo, a folder or a ZIP file; 100 at most")
    add("--objective", choices=get_args(Objective), default="latency", help="default: latency")
    add("--seconds", type=float, default=300.0, metavar="N", help="how long (default: 300)")
    add("--seed", type=int, default=1, metavar="N", help="of the order (default: 1)")
    add(
        "--settings",
        type=read_profile,
        metavar="FILE",
        help=Text(
            "a profile as the baseline (default: {variable}, else the defaults)",
            variable=SETTINGS_VARIABLE,
        ),
    )
    _add_constraints(parser)
    add(
        "--vary",
        type=lambda text: text.replace(",", " ").split(),
        default=[],
        metavar="A,B,C",
        help=Text(
            "what may vary, of {names} (default: {usual}, and for throughput replicas)",
            names=", ".join([*variable_settings(), KNOBS]),
            usual=", ".join(USUAL),
        ),
    )
    add_pixel_limit(parser)
    add("--resume", action="store_true", help="go on with the same search, for --seconds more")
    add("--out", type=Path, metavar="FILE", help="write what is recommended as a profile, TOML")
    add("--report", type=Path, metavar="FILE", help="write a report, one HTML file")
    add("--json", action="store_true", help="print everything as JSON")
    parser.set_defaults(run=run)


def _add_constraints(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("constraints").add_argument
    for flag, what in (
        ("--max-latency-ms", Text("95 of 100 photos are to take at most so long")),
        ("--max-memory-mb", Text("the most memory of its processes")),
        (
            "--min-agreement",
            Text(
                "in percent: so many faces are to get the baseline's answers (default: "
                "{default:g}, unless --min-accuracy is given or is the objective)",
                default=_MIN_AGREEMENT_PERCENT,
            ),
        ),
        (
            "--min-accuracy",
            Text("in percent: so many answers about labelled people are to be right"),
        ),
    ):
        add(flag, type=float, metavar="F", help=what)
    add("--cores", type=int, metavar="N", help="measure on so many processors")
    add("--labels", type=Path, metavar="CSV", help="file, age or age_range, gender")


def run(arguments: argparse.Namespace) -> int:
    """Search and print what was found; 1 where nothing can be recommended.

    Raises:
        FacecoreError: nothing could be measured at all.
    """
    task = _task(arguments)
    photos = photos_to_measure(arguments.paths)
    for path in filter(None, (arguments.out, arguments.report)):
        if not arguments.resume:
            # Not after an hour of measuring.
            check_new(path)
    result = _search(task, photos, arguments.resume)
    if arguments.json:
        print(result_to_json(result).decode())
    else:
        print("\n".join(_lines(result)))
    _write(arguments, result)
    return 1 if result.recommended is None else 0


def _task(arguments: argparse.Namespace) -> Task:
    baseline = configuration(profile=arguments.settings)
    min_agreement = arguments.min_agreement
    if min_agreement is None and arguments.min_accuracy is None:
        is_free = arguments.objective == "accuracy"
        min_agreement = None if is_free else _MIN_AGREEMENT_PERCENT
    return Task(
        # An engine that agrees with OpenCV here, and has a name.
        baseline=replace(baseline, options=settled(baseline.options)),
        objective=arguments.objective,
        constraints=Constraints(
            max_latency_ms=arguments.max_latency_ms,
            max_memory_mb=arguments.max_memory_mb,
            min_agreement_percent=min_agreement,
            min_accuracy_percent=arguments.min_accuracy,
            cores=arguments.cores,
        ),
        vary=tuple(arguments.vary),
        seed=arguments.seed,
        budget_s=arguments.seconds,
        labels=labels_from(arguments.labels),
        command=_command(),
        max_pixels=max_pixels_from(arguments),
    )


def _command() -> str:
    """Return the words of this command, as a shell takes them."""
    return shlex.join(["facecore", *(one for one in sys.argv[1:] if one != "--resume")])


def _search(task: Task, photos: dict[str, bytes], resume: bool) -> Result:
    """Search in the background, so that Ctrl-C stops it and keeps what was measured."""
    running = BackgroundSearch(task, photos, resume=resume, abandoned_after_s=math.inf)
    is_seen, told_s, is_over = sys.stderr.isatty(), 0.0, False
    while not is_over:
        try:
            is_over = running.wait(_LOOK_EVERY_S)
            now = running.progress
            if is_seen:
                line = "" if is_over else _in_words(now)
                print(f"\r\x1b[2K{line}", end="", file=sys.stderr, flush=True)
            elif now.spent_s - told_s >= _LINE_EVERY_S:
                told_s = now.spent_s
                print(_in_words(now), file=sys.stderr, flush=True)
        except KeyboardInterrupt:
            running.stop()
    if running.result is None:
        raise FacecoreError(running.error or Text("It was stopped before anything was measured."))
    return running.result


def _in_words(now: Progress) -> str:
    best = Text("; best: {best}", best=now.best) if now.best else ""
    left = left_in_words(max(0.0, now.budget_s - now.spent_s))
    words = Text("{n} tried{best}{left}", n=now.tried, best=best, left=left)
    return printable(_(listed([now.phase, words])))


def _write(arguments: argparse.Namespace, result: Result) -> None:
    point = result.recommended_point
    contents: list[tuple[Path, bytes]] = []
    if arguments.out and point is not None:
        contents.append((arguments.out, point.profile_text().encode()))
    if arguments.report:
        contents.append((arguments.report, html_report(result).encode()))
    for path, content in contents:
        try:
            replace_file(path, content)
        except OSError as error:
            raise SettingsError(
                "{name} cannot be written ({reason}): name another file.",
                name=printable(path),
                reason=error.strerror,
            ) from error


def _lines(result: Result) -> Iterator[str]:
    yield textwrap.fill(printable(_(result.sentence)), _TEXT_WIDTH)
    yield ""
    heading = [
        "",
        "p50 ms",
        "p95 ms",
        "MB",
        _("same %"),
        _("right %"),
        _("× as fast"),
        _("rounds"),
        _("differs in"),
    ]
    rows = [
        [
            f"{'*' if point.number == result.recommended else ' '} {_(point.name)}",
            _cell(point.latency_p50_ms, 0),
            _cell(point.latency_p95_ms, 0),
            "-" if point.peak_memory_mb is None else f"{point.peak_memory_mb:.0f}",
            _cell(point.agreement_percent, 1),
            _cell(point.accuracy_percent, 1),
            _cell(point.speed, 2),
            str(point.rounds),
            _(point.changes),
        ]
        for point in result.points
    ]
    yield from aligned([heading, *rows], right=range(1, 8))
    whys = [listed([point.name, point.why], ": ") for point in result.points if point.why]
    mattered = [
        Text("{setting} {share:.0%}", setting=one.label, share=one.share)
        for one in result.importance
        if one.share >= 0.01
    ]
    said = [Text("What mattered: {settings}.", settings=listed(mattered))] if mattered else []
    count, spent_s = len(result.points) - 1, result.spent_s
    spent = Text("{count} candidates in {spent_s:.0f} s.", count=count, spent_s=spent_s)
    for sentence in (*whys, *said, *result.left_out, *result.warnings, spent):
        yield textwrap.fill(printable(_(sentence)), _TEXT_WIDTH)


def _cell(figure: Figure, digits: int) -> str:
    return "-" if figure.value is None else f"{figure.value:.{digits}f}"
