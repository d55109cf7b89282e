"""``facecore models``: where the networks' files are and whether they are right."""

from __future__ import annotations

import argparse
import sys

from facecore.models.catalogue import FileStatus, all_file_statuses

_HEADINGS = ("file", "found in", "size", "hash", "licence", "path")


def add_parser(subcommands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe this subcommand to the command line."""
    parser = subcommands.add_parser("models", help="check the files of the three networks")
    parser.set_defaults(run=run)


def run(_: argparse.Namespace) -> int:
    """Print the table; 0 if every file is there and right, else 1.

    Raises:
        ModelError: the files cannot be looked up at all.
    """
    statuses = all_file_statuses()
    rows = [_HEADINGS, *(_row(status) for status in statuses)]
    # The last column, the path, may be long and is not padded.
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS) - 1)]
    for row in rows:
        padded = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        print("  ".join([*padded, row[-1]]))
    wrong = [status for status in statuses if not status.hash_ok]
    for status in wrong:
        print(f"error: {status.advice}", file=sys.stderr)
    return 1 if wrong else 0


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
