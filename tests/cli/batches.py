"""Batches of small photos, run by the real command line, and what they must come to."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psutil
import pyarrow.parquet as pq

from facecore.batch.journal import Journal
from facecore.export import Row
from tests.cli.conftest import COMMAND, Argument, environment, in_process, json_lines
from tests.conftest import REPOSITORY

FACES = 3
HERE: tuple[str, ...] = ()
TWO_WORKERS = ("--workers", "2")
ONE_WORKER = ("--workers", "1")
"""Half as many processes, where nothing depends on there being another."""


def paths_of(folder: Path) -> list[str]:
    """Return the names of a folder's photos in the order that their rows have."""
    return sorted(str(path) for path in folder.iterdir())


def rows_of(out: Path) -> list[dict[str, Any]]:
    """Read an output of any form: path, error, number of faces."""
    if out.suffix == ".parquet":
        rows: list[dict[str, Any]] = pq.read_table(out).to_pylist()
        return rows
    if out.suffix == ".csv":
        with out.open(encoding="utf-8-sig", newline="") as file:
            return [
                {**row, "faces": json.loads(row["faces"] or "[]")} for row in csv.DictReader(file)
            ]
    return json_lines(out.read_text(encoding="utf-8"))


def expect_complete(out: Path, folder: Path) -> None:
    """Every photo has one row, with what is known of it, and nothing else is left beside it."""
    rows = rows_of(out)
    assert [row["path"] for row in rows] == paths_of(folder)
    (failed,) = [row for row in rows if row.get("error")]
    assert "not a picture" in failed["error"]
    found = [Path(row["path"]).name for row in rows if row.get("faces")]
    assert found == [f"face{number}.jpg" for number in range(FACES)]
    assert [path.name for path in out.parent.iterdir() if path.name.startswith(out.name)] == [
        out.name
    ]
    assert not list(out.parent.glob(".*"))


_HELD = """
import os, signal, sys
from facecore.__main__ import main
from facecore.batch.journal import Journal

counts = [int(count) for count in sys.argv.pop(1).split(",")]
add = Journal.add

def add_and_halt(journal, name, row, key):
    add(journal, name, row, key)
    if counts and len(journal) == counts[0]:
        del counts[0]
        os.kill(os.getpid(), signal.SIGSTOP)

Journal.add = add_and_halt
sys.exit(main(sys.argv[1:]))
"""


def start(*arguments: Argument, halts: Sequence[int] = ()) -> subprocess.Popen[str]:
    """Start a batch without waiting for it; it halts when it has kept so many rows."""
    held = [sys.executable, "-c", _HELD, ",".join(map(str, halts))]
    return subprocess.Popen(
        [*(held if halts else COMMAND), "analyze", *arguments],
        cwd=REPOSITORY,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def wait_for_halt(process: subprocess.Popen[str]) -> psutil.Process:
    """Wait until a batch halts, to be killed or gone on with; fails where it ends instead."""
    seen = psutil.Process(process.pid)
    while seen.status() != psutil.STATUS_STOPPED:
        assert process.poll() is None
        time.sleep(0.01)
    return seen


def stopped_after(count: int, *arguments: Argument) -> subprocess.CompletedProcess[str]:
    """Run a batch in this process, and stop it as Ctrl-C does when so many rows are kept."""
    add = Journal.add

    def add_or_stop(journal: Journal, name: str, row: Row, key: str) -> None:
        add(journal, name, row, key)
        if len(journal) == count:
            raise KeyboardInterrupt

    with patch.object(Journal, "add", add_or_stop):
        return in_process("analyze", *arguments)
