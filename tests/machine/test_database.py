"""A real SQLite file: bounded, safe from kill -9, and in nobody's way whatever is wrong with it."""

from __future__ import annotations

import logging
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from facecore.machine import database as module
from facecore.machine.database import Database, Tables
from tests.conftest import REPOSITORY

TABLES = Tables(
    version=3,
    create="CREATE TABLE IF NOT EXISTS things (id INTEGER PRIMARY KEY, body BLOB);",
    prune=("DELETE FROM things WHERE id <= (SELECT min(id) + 20 FROM things)",),
)
ADD = "INSERT INTO things (body) VALUES (?)"
IDS = "SELECT id FROM things ORDER BY id"
MAX_BYTES = 2_000_000

_WRITER = """
import sys
from pathlib import Path
from tests.machine.test_database import ADD, MAX_BYTES, TABLES
from facecore.machine.database import Database
file = Database(Path(sys.argv[1]), TABLES, MAX_BYTES)
for number in range(10**9):
    file.write((ADD, (bytes(300),)))
    print(number + 1, file.problem, flush=True)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that is not there yet, in a folder that is not, either."""
    return tmp_path / "new" / "folder" / "things.sqlite3"


@pytest.fixture
def file(path: Path) -> Iterator[Database]:
    """A database of it."""
    database = Database(path, TABLES, MAX_BYTES)
    yield database
    database.close()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits before what could not be done is tried again."""
    monkeypatch.setattr(module, "_AGAIN_S", 0.0)


def _size(path: Path) -> int:
    return sum(one.stat().st_size for one in path.parent.iterdir())


def test_nothing_is_there_before_it_is_needed(file: Database, path: Path) -> None:
    """A new file answers with no rows, and only its owner may read it."""
    assert not path.exists()
    assert file.rows(IDS) == []
    assert file.problem == ""
    assert {one.stat().st_mode & 0o077 for one in path.parent.iterdir()} == {0}


def test_two_have_it_open(file: Database, path: Path) -> None:
    """What one writes the other reads, and goes on from there."""
    with closing(Database(path, TABLES, MAX_BYTES)) as other:
        file.write((ADD, (b"1",)))
        other.write((ADD, (b"2",)))
        file.write((ADD, (b"3",)))
        assert other.rows("SELECT body FROM things ORDER BY id") == [(b"1",), (b"2",), (b"3",)]


@pytest.mark.slow
def test_it_stays_within_its_bound(file: Database, path: Path) -> None:
    """The oldest rows make room before the file, its journal counted, is over the bound."""
    largest = 0
    for _ in range(60):
        file.write(*[(ADD, (bytes(1000),))] * 100)
        largest = max(largest, _size(path))
        assert file.problem == ""
    ids = [row[0] for row in file.rows(IDS)]
    assert largest <= MAX_BYTES
    assert len(ids) * 1000 > MAX_BYTES / 2
    assert ids == list(range(6001 - len(ids), 6001))


def test_a_smaller_bound_shrinks_it(file: Database, path: Path) -> None:
    """A file that was larger when it was written is cut down with the next row."""
    file.write(*[(ADD, (bytes(1000),))] * 1400)
    file.close()
    with closing(Database(path, TABLES, MAX_BYTES // 4)) as smaller:
        smaller.write((ADD, (b"",)))
        assert smaller.problem == ""
        assert _size(path) <= MAX_BYTES // 4
        assert smaller.rows("SELECT max(id) FROM things") == [(1401,)]


@pytest.mark.slow
def test_kill_9_loses_nothing_that_was_written(file: Database, path: Path) -> None:
    """A process that is killed in the middle leaves a whole file with all that it had told of."""
    command = [sys.executable, "-c", _WRITER, str(path)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        told = [writer.stdout.readline() for _ in range(300)][-1]
        writer.kill()
        told = [told, *writer.stdout.read().splitlines()][-1]
    assert file.rows("PRAGMA integrity_check") == [("ok",)]
    assert len(file.rows(IDS)) in (int(told.split()[0]), int(told.split()[0]) + 1)


def test_a_deleted_file_is_made_anew(file: Database, path: Path) -> None:
    """Whoever deletes it while it is open has a new one with the next row."""
    file.write((ADD, (b"",)))
    for one in path.parent.iterdir():
        one.unlink()
    file.write((ADD, (b"",)))
    assert file.rows(IDS) == [(1,)]
    assert path.exists()


def test_a_locked_file_costs_a_moment(
    file: Database, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """While another program has it, it is said once; what was to be written comes after."""
    file.write((ADD, (b"1",)))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for body in (b"2", b"3"):
            file.write((ADD, (body,)))
        assert "another program has locked it" in file.problem
        other.execute("ROLLBACK")
    (record,) = caplog.records
    assert str(path) in record.getMessage()
    file.write((ADD, (b"4",)))
    assert file.problem == ""
    assert file.rows(IDS) == [(1,), (2,), (3,), (4,)]


@pytest.mark.slow
def test_what_waits_for_a_locked_file_is_bounded(file: Database, path: Path) -> None:
    """The newest are written in the end, and no more than the journal has room for."""
    file.write((ADD, (b"first",)))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        for number in range(12):
            file.write((ADD, (bytes([number]) * 100_000,)))
        other.execute("ROLLBACK")
    file.write((ADD, (b"last",)))
    bodies = [row[0] for row in file.rows("SELECT body FROM things ORDER BY id")]
    assert [body[0] for body in bodies] == [ord("f"), 8, 9, 10, 11, ord("l")]


def test_whoever_reads_on_and_on_does_not_let_the_journal_grow(file: Database, path: Path) -> None:
    """Behind a reader that never ends, writing ends before the bound is reached."""
    file.write((ADD, (b"",)))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute(IDS).fetchall()
        for _ in range(40):
            file.write(*[(ADD, (bytes(1000),))] * 50)
        assert "keeps it open" in file.problem
        assert _size(path) <= MAX_BYTES
    file.write((ADD, (b"",)))
    assert file.problem == ""


@pytest.mark.parametrize("damage", [b"no database" * 1000, b"SQLite format 3\0" + bytes(5000)])
def test_a_damaged_file_is_left_alone(file: Database, path: Path, damage: bytes) -> None:
    """It is said that it is damaged; when it is deleted, all is well."""
    path.parent.mkdir(parents=True)
    path.write_bytes(damage)
    file.write((ADD, (b"",)))
    assert "damaged" in file.problem
    assert file.rows(IDS) == []
    assert path.read_bytes() == damage
    path.unlink()
    assert file.rows(IDS) == []
    assert file.problem == ""


def test_a_newer_file_is_left_alone(file: Database, path: Path) -> None:
    """What a later version wrote is neither read nor changed."""
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path)) as newer:
        newer.execute("PRAGMA user_version = 4")
    file.write((ADD, (b"",)))
    assert "newer version" in file.problem
    with closing(sqlite3.connect(path)) as newer:
        assert newer.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)


def test_a_folder_that_cannot_be_made_is_said(caplog: pytest.LogCaptureFixture) -> None:
    """Where there can be no folder, one sentence says so, once."""
    with caplog.at_level(logging.WARNING):
        file = Database(Path(os.devnull) / "folder" / "things.sqlite3", TABLES, MAX_BYTES)
        file.write((ADD, (b"",)))
        assert file.rows(IDS) == []
    assert "not a directory" in file.problem
    assert len(caplog.records) == 1


_TROUBLED = """
import os, resource, signal, sys
from pathlib import Path
from tests.machine.test_database import ADD, MAX_BYTES, TABLES
from facecore.machine import database
database._AGAIN_S = 0.0
file = database.Database(Path(sys.argv[1]), TABLES, MAX_BYTES)
file.write((ADD, (b"",)))
if sys.argv[2] == "full":
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
else:
    file.close()
    for one in (*file._path.parent.iterdir(), file._path.parent):
        one.chmod(0o555)
    if os.getuid() == 0:
        os.setuid(65534)
for _ in range(400):
    file.write((ADD, (bytes(1000),)))
print(file.problem)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's limits")
@pytest.mark.parametrize(
    ("trouble", "words"), [("full", "disk is full"), ("read-only", "permission denied")]
)
def test_a_disk_that_takes_nothing_stops_nobody(tmp_path: Path, trouble: str, words: str) -> None:
    """Where the disk is full or only read, all goes on, and a sentence says why."""
    # A user without rights must get there.
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(folder.stat().st_mode | 0o011)
    command = [sys.executable, "-c", _TROUBLED, str(tmp_path / "folder" / "a.sqlite3"), trouble]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert words in done.stdout
