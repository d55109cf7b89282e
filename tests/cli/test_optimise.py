"""``python -m facecore optimise``: killed, gone on with, and what it leaves behind."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from collections import Counter
from pathlib import Path

import psutil
import pytest

from facecore.optimise.record import result_from_json
from facecore.profiles.profile import read_profile
from tests.cli.conftest import COMMAND, environment, facecore
from tests.conftest import REPOSITORY, SAMPLES
from tests.experiment.conftest import is_gone, wait_until, worker_processes

ASKED = (
    *("optimise", SAMPLES / "grace_hopper.jpg", SAMPLES / "astronaut.png"),
    *("--vary", "batch_faces", "--min-agreement", "90"),
)


def _readings(folder: Path) -> Counter[int]:
    try:
        file = sqlite3.connect(f"file:{folder / 'optimise.sqlite3'}?mode=ro", uri=True)
        found = Counter(row[0] for row in file.execute("SELECT candidate FROM readings"))
        file.close()
    except sqlite3.Error:
        return Counter()
    return found


@pytest.mark.slow
def test_a_killed_search_goes_on_and_ends_in_files(tmp_path: Path) -> None:
    """Killed and resumed, no reading is lost; the profile, the report and the JSON say the same."""
    # The engine that needs no converted networks, of which the new folder has none.
    variables = {"FACECORE_DATA_DIR": str(tmp_path), "FACECORE_ENGINE": "opencv"}
    killed = subprocess.Popen(
        [*COMMAND, *map(str, ASKED), "--seconds", "600"],
        cwd=REPOSITORY,
        env=environment(variables),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert wait_until(lambda: sum(_readings(tmp_path).values()) >= 4)
        workers = worker_processes(psutil.Process(killed.pid))
    finally:
        killed.kill()
        killed.wait()
    assert workers
    assert wait_until(lambda: all(is_gone(one.pid) for one in workers))
    before = _readings(tmp_path)
    out, report = tmp_path / "best.toml", tmp_path / "report.html"
    done = facecore(
        *ASKED,
        "--resume",
        "--seconds",
        "12",
        "--json",
        "--out",
        out,
        "--report",
        report,
        env=variables,
    )
    assert done.returncode == 0, done.stderr
    result = result_from_json(done.stdout.encode())
    for point in result.points:
        assert point.rounds >= before[point.number]
    assert sum(point.rounds for point in result.points) > sum(before.values())
    # Which is better is the machine's to say; but never one whose answers are others.
    best = result.recommended_point
    assert best is not None
    assert not best.violations
    assert json.loads(done.stdout)["command"].startswith("facecore optimise ")
    read = read_profile(out)
    assert read.values["engine"] == best.engine
    assert read.values.get("batch_faces", True) == best.profile["batch_faces"]
    assert result.sentence.split(":")[0] in report.read_text(encoding="utf-8")
