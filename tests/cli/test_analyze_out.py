"""``python -m facecore analyze`` with ``--out`` and ``--workers``: what the outputs hold."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from facecore.imaging.decoding import decode_image
from tests.batch.conftest import grey_png
from tests.cli.batches import HERE, ONE_WORKER, TWO_WORKERS, expect_complete, paths_of, rows_of
from tests.cli.conftest import (
    COMMAND,
    TIMEOUT_S,
    Argument,
    environment,
    in_process,
    json_lines,
)
from tests.conftest import REPOSITORY
from tests.sources.crafted import STORED, Entry, archive


@pytest.mark.parametrize("workers", [HERE, ONE_WORKER], ids=["here", "workers"])
def test_no_photo_is_one_line_and_leaves_nothing(
    tmp_path: Path, out: Path, workers: tuple[str, ...]
) -> None:
    """Where there is nothing to read, one sentence says so; the status is 2."""
    done = in_process("analyze", tmp_path, tmp_path / "missing.png", "--out", out, *workers)
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: There are no photos to read in ")
    assert (done.returncode, done.stdout) == (2, "")
    assert list(out.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("workers", "suffix"), [(HERE, ".jsonl"), (TWO_WORKERS, ".parquet"), (HERE, ".csv")]
)
def test_every_form_has_a_row_per_photo(
    tmp_path: Path, folder: Path, out: Path, workers: tuple[str, ...], suffix: str
) -> None:
    """All photos are there, the broken one with its error; the status says that one failed.

    With ``--annotate`` each photo that was read has its copy, whoever read it.
    """
    out, copies = out.with_suffix(suffix), tmp_path / "copies"
    annotate: list[Argument] = [] if suffix == ".csv" else ["--annotate", copies]
    done = in_process("analyze", folder, "--out", out, *annotate, *workers)
    expect_complete(out, folder)
    if annotate:
        _expect_copies(folder, copies)
    assert done.stdout.startswith(f"{out}: 8 photos, 1 of which could not be read; 3 faces; 0:00:")
    assert done.returncode == 1
    # Where it takes ten seconds it says how far it is.
    assert all(line.startswith("Reading faces: ") for line in done.stderr.splitlines())


def test_json_lines_are_those_of_json(folder: Path, out: Path) -> None:
    """The lines are what ``--json`` prints, but for times and memory, which differ each time."""
    out = out.with_suffix(".jsonl")
    paths = [folder / "face0.jpg", folder / "broken.jpg"]
    assert in_process("analyze", *paths, "--out", out).returncode == 1
    broken, face = rows_of(out)
    known_face, known_broken = json_lines(in_process("analyze", *paths, "--json").stdout)
    assert broken == known_broken
    assert list(face) == list(known_face)
    for part in ("path", "size_wh", "faces", "settings"):
        assert face[part] == known_face[part]


def test_recursive_reads_folders_below(folder: Path, out: Path, small_file: bytes) -> None:
    """With ``--recursive`` the photos of all levels have a row, without it those right there."""
    (folder / "below" / "deep").mkdir(parents=True)
    (folder / "below" / "deep" / "one.jpg").write_bytes(small_file)
    for path in folder.glob("0*.png"):
        path.unlink()
    assert in_process("analyze", folder, "--out", out, "--recursive").returncode == 1
    assert sum("deep" in row["path"] for row in rows_of(out)) == 1
    lines = in_process("analyze", folder, "--json", "--recursive").stdout
    assert sum("deep" in line["path"] for line in json_lines(lines)) == 1
    assert "deep" not in in_process("analyze", folder, "--json").stdout


def test_photo_that_is_named_twice_has_one_row(folder: Path, out: Path) -> None:
    """A photo that two arguments name is in the output once."""
    face = folder / "face0.jpg"
    done = in_process("analyze", face, folder, face, "--out", out)
    assert done.returncode == 1
    expect_complete(out, folder)


def test_photo_that_is_reached_in_two_ways_is_read_once(
    folder: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that is named from here and from the root gives each photo one row and one copy."""
    monkeypatch.chdir(folder.parent)
    copies = out.parent / "copies"
    done = in_process("analyze", folder.name, folder, "--out", out, "--annotate", copies)
    assert done.stdout.startswith(f"{out}: 8 photos, ")
    rows = rows_of(out)
    assert sorted(row["path"] for row in rows) == sorted(
        f"{folder.name}/{path.name}" for path in folder.iterdir()
    )
    assert len(list(copies.iterdir())) == len(rows) - 1


def test_workers_print_a_line_per_photo_too(folder: Path) -> None:
    """Without an output, workers answer on the terminal, as they are done."""
    done = in_process("analyze", folder, "--json", *ONE_WORKER)
    assert sorted(entry["path"] for entry in json_lines(done.stdout)) == paths_of(folder)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--out", "out.txt"], "must end in .csv, .jsonl, .parquet"),
        (["--out", "out.csv", "--json"], "--json and --out do not go together"),
        (["--out", "missing/out.csv"], "cannot be written (No such file or directory)"),
        (["--out", "out.csv", "--workers", "0"], "number of workers must be from 1 to 64"),
        (["--workers", "2", "--photo-timeout", "0"], "time for one photo must be from 1"),
        (["--out", "out.csv", "--workers", "2", "--confidence", "2"], '"confidence" must be'),
        (["--out", "out.csv", "--workers", "2", "--threads", "0"], '"threads" must be'),
    ],
)
def test_wrong_option_is_one_line_and_leaves_nothing(
    tmp_path: Path, folder: Path, options: list[str], says: str
) -> None:
    """What cannot be done is told before any photo is read; the status is 2."""
    placed = [str(tmp_path / word) if "out." in word else word for word in options]
    done = in_process("analyze", folder, *placed)
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert says in line
    assert (done.returncode, done.stdout) == (2, "")
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


@pytest.mark.parametrize("workers", [HERE, ONE_WORKER], ids=["here", "workers"])
def test_missing_networks_are_one_line(
    tmp_path: Path, folder: Path, out: Path, workers: tuple[str, ...]
) -> None:
    """Where the networks cannot be loaded, nothing is written; the status is 2."""
    env = {"FACECORE_MODELS_DIR": str(tmp_path / "nothing")}
    done = in_process("analyze", folder, "--out", out, *workers, env=env)
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: FACECORE_MODELS_DIR")
    assert done.returncode == 2
    assert list(out.parent.iterdir()) == []


def test_progress_with_the_time_left_is_shown_on_a_terminal(
    tmp_path: Path, out: Path, small_file: bytes
) -> None:
    """Who waits for seconds, here for a worker, sees how many are done and how long it takes."""
    pty = pytest.importorskip("pty", reason="needs pseudo terminals")
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(6):
        (photos / f"{number}.jpg").write_bytes(small_file)
    reader, writer = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "analyze", photos, "--out", out, "--workers", "1"],
        cwd=REPOSITORY,
        env=environment({"TERM": "xterm", "COLUMNS": "100"}),
        stdout=subprocess.DEVNULL,
        stderr=writer,
    )
    os.close(writer)
    chunks = _chunks(reader)
    told = next(chunks)
    while b"2/6" not in told:
        told += next(chunks)
    (worker,) = psutil.Process(process.pid).children()
    worker.suspend()
    threading.Timer(2.5, worker.resume).start()
    told += b"".join(chunks)
    assert process.wait(timeout=TIMEOUT_S) == 0
    assert b"Reading faces" in told
    assert b"6/6" in told
    assert any(f"  00:00:{seconds:02}".encode() in told for seconds in range(60))


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl"])
def test_odd_name_has_its_row(tmp_path: Path, out: Path, suffix: str) -> None:
    """Whatever a file is called, it has a row in every form."""
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in (b"=cmd.png", b"\xff\xfe.png", "élève 東京.png".encode()):
        try:
            (photos / os.fsdecode(name)).write_bytes(grey_png())
        except OSError:
            pytest.skip("this file system does not take such a name")
    out = out.with_suffix(suffix)
    assert in_process("analyze", photos, "--out", out).returncode == 0
    rows = rows_of(out)
    assert len(rows) == 3
    assert all(row["path"].endswith(".png") for row in rows)


def test_photos_of_an_archive_have_their_rows(folder: Path, out: Path) -> None:
    """A ZIP file gives a row per photo in it, and its broken entries an error each."""
    entries = [
        Entry(name=path.name, data=path.read_bytes(), method=STORED)
        for path in (folder / "face0.jpg", folder / "broken.jpg", folder / "000.png")
    ]
    path = folder / "photos.zip"
    path.write_bytes(archive([*entries, Entry(name="secret.jpg", flags=1)]))
    done = in_process("analyze", path, "--out", out, *ONE_WORKER)
    rows = rows_of(out)
    assert done.returncode == 1
    names = ["000.png", "broken.jpg", "face0.jpg", "secret.jpg"]
    assert [row["path"] for row in rows] == [f"{path}/{name}" for name in names]
    assert [row["face_count"] for row in rows] == [0, None, 1, None]
    assert "encrypted" in rows[3]["error"]


def test_archive_that_is_an_attack_is_one_line(tmp_path: Path, out: Path) -> None:
    """A bomb is refused in a sentence; with an output, nothing is written."""
    path = tmp_path / "bomb.zip"
    path.write_bytes(archive([Entry(name="bomb.jpg", data=bytes(20_000_000))]))
    done = in_process("analyze", path)
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"{path}: error: The ZIP file is a bomb: ")
    assert (done.returncode, done.stdout) == (1, "")
    done = in_process("analyze", path, "--out", out)
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: There are no photos to read in ")
    assert "The ZIP file is a bomb" in line
    assert (done.returncode, list(out.parent.iterdir())) == (2, [])


def _expect_copies(folder: Path, copies: Path) -> None:
    """Each photo that can be read has a copy, on which its faces are drawn."""
    read = {path.stem for path in folder.iterdir() if path.name != "broken.jpg"}
    assert {path.name for path in copies.iterdir()} == {f"{stem}.annotated.png" for stem in read}
    plain = decode_image((folder / "face0.jpg").read_bytes())
    drawn = decode_image((copies / "face0.annotated.png").read_bytes())
    assert drawn.shape == plain.shape
    assert np.any(drawn != plain)


def _chunks(descriptor: int) -> Iterator[bytes]:
    """Return what is read until the other side is closed, which a terminal tells as an error."""
    try:
        while chunk := os.read(descriptor, 4096):
            yield chunk
    except OSError:
        return
    finally:
        os.close(descriptor)
