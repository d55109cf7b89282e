"""``facecore models``: where the networks' files are and whether they are right."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from facecore.analysis.automatic import agrees
from facecore.engines import engine, engines, reference
from facecore.engines.graph.conversion import Conversion
from facecore.engines.graph.onnx import onnx_bytes
from facecore.machine.data_folder import DATA_DIR_VARIABLE
from facecore.models.catalogue import FileStatus, all_file_statuses, network_specs
from facecore.models.network import load_networks
from facecore.settings import RuntimeOptions
from facecore.wording import aligned

_HEADINGS = ("file", "found in", "size", "hash", "licence", "path")


def add_parser(subcommands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe this subcommand to the command line."""
    parser = subcommands.add_parser("models", help="check the files of the three networks")
    parser.set_defaults(run=run)
    convert = parser.add_subparsers(
        metavar="convert", help="make the files of other engines"
    ).add_parser(
        "convert",
        help="make the files that other engines take",
        description="Without an option, for every engine that is installed; they are kept in "
        f"{DATA_DIR_VARIABLE}, else in the cache folder of the platform.",
    )
    what = convert.add_mutually_exclusive_group()
    what.add_argument("--engine", metavar="NAME", help="for this engine alone")
    what.add_argument("--onnx", type=Path, metavar="DIR", help="write ONNX files into this folder")
    convert.set_defaults(run=run_convert)


def run(_: argparse.Namespace) -> int:
    """Print the table; 0 if every file is there and right, else 1.

    Raises:
        ModelError: the files cannot be looked up at all.
    """
    statuses = all_file_statuses()
    rows = [_HEADINGS, *(_row(status) for status in statuses)]
    print("\n".join(aligned(rows)))
    wrong = [status for status in statuses if not status.hash_ok]
    for status in wrong:
        print(f"error: {status.advice}", file=sys.stderr)
    return 1 if wrong else 0


def run_convert(arguments: argparse.Namespace) -> int:
    """Convert, and print what was made; 0 if all went well.

    Raises:
        ModelError: a file is missing or wrong, or an engine cannot load it.
        SettingsError: there is no such engine.
    """
    if arguments.onnx is not None:
        arguments.onnx.mkdir(parents=True, exist_ok=True)
        for spec in network_specs():
            path = arguments.onnx / f"{spec.role}.onnx"
            path.write_bytes(onnx_bytes(Conversion(spec).graph))
            print(path)
        return 0
    chosen = [engine(arguments.engine)] if arguments.engine else engines()
    for one in chosen:
        if one.available() or arguments.engine:
            load_networks(network_specs(), RuntimeOptions(engine=one.name))
            agreed = one is reference() or agrees(one.name)
            words = "are ready" if agreed else f"do not agree with {reference().title}: not used"
            print(f"{one.title}: {len(network_specs())} networks {words}")
    return 0


def _row(status: FileStatus) -> tuple[str, ...]:
    verdict = "ok" if status.hash_ok else "missing" if status.path is None else "WRONG"
    return (
        status.file.name,
        status.found_in or "-",
        "-" if status.size_bytes is None else f"{status.size_bytes:,} bytes",
        verdict,
        status.spec.licence,
        str(status.path or "-"),
    )
