"""``python -m facecore analyze … --out FILE``: killed, stopped, gone on with, and complete."""

from __future__ import annotations

import gc
import json
import signal
import subprocess
import time
import tracemalloc
from pathlib import Path

import psutil
import pytest

from facecore.batch.journal import Journal
from facecore.export import Row
from tests.batch.conftest import grey_png
from tests.cli.batches import (
    HERE,
    ONE_WORKER,
    TWO_WORKERS,
    expect_complete,
    paths_of,
    rows_of,
    start,
    stopped_after,
    wait_for_halt,
)
from tests.cli.conftest import TIMEOUT_S, Argument, in_process
from tests.conftest import SAMPLES


@pytest.mark.parametrize(
    ("workers", "suffix"), [(HERE, ".jsonl"), (TWO_WORKERS, ".parquet")], ids=["here", "workers"]
)
def test_killed_half_way_it_goes_on(
    folder: Path, out: Path, workers: tuple[str, ...], suffix: str
) -> None:
    """After kill -9 half-way, the same command gives every row once, and reads no photo twice."""
    out = out.with_suffix(suffix)
    command: list[Argument] = [folder, "--out", out, *workers]
    first = start(*command, halts=[4])
    children = wait_for_halt(first).children()
    first.kill()
    first.communicate()
    assert not out.exists()
    journal = out.with_name(f"{out.name}.journal").read_bytes()
    before = journal[: journal.rindex(b"\n") + 1]
    rows_before = before.count(b"\n") - 1
    assert rows_before == 4
    second = in_process("analyze", folder, "--out", out)
    assert second.stderr == f"Going on: {rows_before} photos were done before.\n"
    assert second.returncode == 1
    expect_complete(out, folder)
    _gone, alive = psutil.wait_procs(children, timeout=TIMEOUT_S)
    assert alive == []
    # The times of a row tell whether it is the one that was made before the kill.
    if suffix == ".jsonl":
        rows = {row["path"]: row for row in rows_of(out)}
        for line in before.splitlines()[1:]:
            kept = json.loads(line)["row"]
            assert rows[kept["path"]] == kept


def test_killed_again_and_again_it_comes_to_an_end(folder: Path, out: Path) -> None:
    """Killed at any instant, also while it starts or ends, nothing is lost or doubled."""
    command: list[Argument] = [folder, "--out", out, *TWO_WORKERS]
    lives_s = [0.6, 1.6]
    for life_s in lives_s:
        process = start(*command)
        try:
            process.communicate(timeout=life_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
    if not out.exists():
        assert in_process("analyze", *command).returncode == 1
    expect_complete(out, folder)


def test_interrupted_it_says_what_is_kept(folder: Path, out: Path) -> None:
    """Ctrl-C ends it with one sentence and status 130, leaves no process, and is gone on from."""
    process = start(folder, "--out", out, *TWO_WORKERS, halts=[5])
    children = wait_for_halt(process).children()
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGCONT)
    stdout, stderr = process.communicate(timeout=TIMEOUT_S)
    assert (process.returncode, stdout) == (130, "")
    (line,) = stderr.strip().splitlines()
    assert line.startswith("Stopped: ")
    assert line.endswith(" photos are kept, and the same command goes on from there.")
    assert not any(child.is_running() for child in children)
    assert in_process("analyze", folder, "--out", out).returncode == 1
    expect_complete(out, folder)


def test_stop_before_the_first_photo_leaves_nothing(folder: Path, out: Path) -> None:
    """Interrupted while the networks load, it says so and leaves no journal."""
    process = start(folder, "--out", out, *ONE_WORKER)
    journal = out.with_name(f"{out.name}.journal")
    while not journal.exists():
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=TIMEOUT_S)
    if "before the first photo" in stderr:
        assert list(out.parent.iterdir()) == []
    assert process.returncode == 130


def test_photos_that_were_added_are_picked_up(folder: Path, out: Path, small_file: bytes) -> None:
    """Between two runs of an unfinished batch, new photos may come and read ones may go."""
    command: list[Argument] = [folder, "--out", out]
    assert stopped_after(5, *command).returncode == 130
    for name in ("000a.jpg", "zzz.jpg"):
        (folder / name).write_bytes(small_file)
    (folder / "000.png").unlink()
    assert in_process("analyze", *command).returncode == 1
    names = [Path(row["path"]).name for row in rows_of(out)]
    assert names == sorted({"000.png", *(path.name for path in folder.iterdir())})


def test_other_settings_are_refused_other_workers_are_not(folder: Path, out: Path) -> None:
    """What would mix answers of two kinds is refused; what changes the time only is not."""
    assert stopped_after(5, folder, "--out", out).returncode == 130
    for other in (
        ["--confidence=0.9"],
        ["--no-winograd"],
        ["--recursive"],
        [SAMPLES],
        ["--max-megapixels=1"],
    ):
        done = in_process("analyze", folder, *other, "--out", out)
        (line,) = done.stderr.splitlines()
        assert "was begun with other settings" in line
        assert (done.returncode, done.stdout) == (2, "")
    assert in_process("analyze", folder, "--out", out, "--threads", "1").returncode == 1
    expect_complete(out, folder)


def test_other_way_to_write_the_folder_is_refused(
    folder: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half the rows must not have names of another kind; what is done is not done again."""
    monkeypatch.chdir(folder.parent)
    command: list[Argument] = [folder.name, "--out", out]
    assert stopped_after(5, *command).returncode == 130
    for paths in ([folder], [folder.name, folder]):
        done = in_process("analyze", *paths, "--out", out)
        assert "was begun with other settings (" in done.stderr
        assert "spelling of the photos" in done.stderr
        assert (done.returncode, done.stdout) == (2, "")
    assert in_process("analyze", *command).stderr == "Going on: 5 photos were done before.\n"
    assert [row["path"] for row in rows_of(out)] == [
        f"{folder.name}/{Path(path).name}" for path in paths_of(folder)
    ]


def test_second_process_on_one_output_is_refused(folder: Path, out: Path) -> None:
    """While one writes, another with the same output is told in one sentence, and harms nothing."""
    first = start(folder, "--out", out, halts=[4])
    wait_for_halt(first)
    second = in_process("analyze", folder, "--out", out)
    first.send_signal(signal.SIGCONT)
    first.communicate(timeout=TIMEOUT_S)
    assert second.stderr.startswith("error: Another process is writing ")
    assert (second.returncode, second.stdout) == (2, "")
    expect_complete(out, folder)


def test_finished_output_is_left_alone(folder: Path, out: Path) -> None:
    """The same command once more says that the output is there; the status is 2."""
    command: list[Argument] = ["analyze", folder / "face0.jpg", "--out", out]
    assert in_process(*command).returncode == 0
    before = out.read_bytes()
    done = in_process(*command)
    assert done.stderr.startswith(f"error: {out} is there already, so nothing was read: ")
    assert (done.returncode, done.stdout, out.read_bytes()) == (2, "", before)
    assert list(out.parent.iterdir()) == [out]


def test_worker_that_is_killed_costs_nothing(folder: Path, out: Path) -> None:
    """When a worker is killed from outside, another takes its photo, and all rows are there."""
    process = start(folder, "--out", out, *TWO_WORKERS, halts=[2])
    halted = wait_for_halt(process)
    halted.children()[0].kill()
    halted.resume()
    process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 1
    expect_complete(out, folder)


def test_memory_does_not_grow_with_the_photos(
    tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After 35 photos the process holds no more than after 10."""
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(40):
        (photos / f"{number:04}.png").write_bytes(grey_png(level=number))
    grown_bytes: list[int] = []
    add = Journal.add

    def add_and_look(journal: Journal, name: str, row: Row, key: str) -> None:
        add(journal, name, row, key)
        if len(journal) == 10:
            tracemalloc.start()
        elif len(journal) == 35:
            gc.collect()
            grown_bytes.append(tracemalloc.get_traced_memory()[0])
            tracemalloc.stop()

    monkeypatch.setattr(Journal, "add", add_and_look)
    one_pass = ("--no-rescue", "--orientation", "never", "--closer-look", "never")
    done = in_process("analyze", photos, "--out", out, *one_pass, *ONE_WORKER)
    assert done.returncode == 0
    assert len(rows_of(out)) == 40
    # The answers alone would take 0.08 MB, with their candidates 1.4 MB.
    assert grown_bytes[0] < 40_000, grown_bytes
