"""``facecore engines``: the article's table of engines, measured on this machine."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from typing import Any

from facecore.experiment.engine_rows import advice_in_words, warnings
from facecore.experiment.engines import FACES, ROUNDS, EngineProgress, measure_engines
from facecore.wording import _, aligned

_COLUMNS = {
    "title": "engine",
    "version": "version",
    "import_ms": "import ms",
    "load_ms": "load ms",
    "first_ms": "first ms",
    "face_ms": "face ms",
    "face_ms_of_8": "of 8",
    "detector_ms": "detector ms",
    "cpu_s": "CPU s",
    "rss_mb": "RSS MB",
    "wheel_mb": "disk MB",
    "model_mb": "models MB",
    "caffe": "Caffe",
    "agreement": "agreement",
    "max_difference": "difference",
    "article": "article",
}


def add_parser(subcommands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe this subcommand and its options to the command line."""
    parser = subcommands.add_parser(
        "engines",
        help="measure every inference engine that is installed",
        description="Each engine gets processes of its own, for one thread and for all; "
        "passes alternate between them. Times are medians with one thread.",
    )
    add = parser.add_argument
    add("--json", action="store_true", help="print everything that was measured as JSON")
    add(
        "--engine",
        action="append",
        default=[],
        metavar="NAME",
        help="measure this one and OpenCV alone; can be given again",
    )
    add("--rounds", type=int, default=ROUNDS, metavar="N", help="default: %(default)s")
    add(
        "--faces",
        type=int,
        default=FACES,
        metavar="N",
        help="crops of the samples' faces whose labels are compared (default: %(default)s)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Measure and print; 0 if every installed engine could be measured, else 1."""
    measured = measure_engines(
        names=arguments.engine,
        rounds=max(1, arguments.rounds),
        faces=max(1, arguments.faces),
        on_progress=_teller(),
    )
    rows = measured["engines"]
    if arguments.json:
        print(json.dumps(measured, indent=2))
    else:
        _print_table(rows)
    for row in rows:
        if row["problem"]:
            problem = f"{row['title']}: {_(row['problem'])}"
            print(_("error: {problem}", problem=problem), file=sys.stderr)
    for sentence in warnings(measured):
        print(_("warning: {sentence}", sentence=sentence), file=sys.stderr)
    return 1 if any(row["problem"] for row in rows) else 0


def _teller() -> Callable[[EngineProgress], None]:
    told = ""

    def tell(now: EngineProgress) -> None:
        nonlocal told
        if now.phase != told:
            told = now.phase
            print(f"{now.share:4.0%} {_(told)}", file=sys.stderr)

    return tell


def _print_table(rows: list[dict[str, Any]]) -> None:
    measured = [row for row in rows if row["version"] or row["problem"]]
    cells = [
        list(map(_, _COLUMNS.values())),
        *([_cell(row, key) for key in _COLUMNS] for row in measured),
    ]
    print("\n".join(aligned(cells)))
    for row in rows:
        if not row["installed"] and row["install"]:
            engine, how = row["title"], row["install"]
            print(_("{engine} is not installed: {how}", engine=engine, how=how))
    print(_(advice_in_words(rows)))


def _cell(row: dict[str, Any], key: str) -> str:
    if key == "article":
        stars = "*" * (row["article_stars"] or 0)
        fails = row["article_holds"] is False
        return _("{stars} does not hold", stars=stars) if fails else stars or "-"
    value = row[key]
    if value is None:
        return "-"
    if isinstance(value, str):
        return _(value)
    if key == "agreement":
        return f"{value:.1%}"
    if key == "max_difference":
        return f"{value:.1g}"
    return f"{value:.3f}" if key == "cpu_s" else f"{value:.1f}"
