"""An SQLite file that is bounded in size and never in anybody's way."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from facecore.wording import Text

Statement = tuple[str, Sequence[Any]]
"""SQL with question marks, and what stands for them."""

JOURNAL_SHARE = 0.2
"""Of a file's bound what its journal may take."""

_LOGGER = logging.getLogger(__name__)
_BUSY_S = 0.1
_AGAIN_S = 10.0
_MOST_PENDING = 2000
_PAGE_BYTES = 4096
_FREE_SHARE = 0.03
_T = TypeVar("_T")


class _UnusableError(Exception):
    """The file is not to be used now; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """What is in a file.

    Attributes:
        version: of the tables; a file of a newer one is left alone.
        create: SQL that makes them where they are not.
        prune: SQL that deletes the oldest few per cent.
        title: what sentences call it.
    """

    version: int
    create: str
    prune: Sequence[str]
    title: str = Text("history")


class Database:
    """A file that several processes may have open; safe to share between threads.

    It is opened when it is first needed. Where it cannot be used, a sentence goes into the
    log, whoever asked goes on at once, and it is tried again after a while.
    """

    def __init__(self, path: Path, tables: Tables, max_bytes: int) -> None:
        """Open nothing yet; with its journal the file takes at most so many bytes."""
        self.problem = ""
        """Why it cannot be used at the moment, as a sentence; empty where all is well."""
        self._path = path
        self._tables = tables
        self._journal_bytes = int(max_bytes * JOURNAL_SHARE)
        self._most_pages = (max_bytes - self._journal_bytes) // _PAGE_BYTES
        self._pending: deque[Statement] = deque(maxlen=_MOST_PENDING)
        self._connection: sqlite3.Connection | None = None
        self._inode = 0
        self._lock = threading.Lock()
        self._again_at_s = 0.0

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """Return the rows that a query finds; none where the file cannot be used."""
        return self._ask(lambda file: file.execute(sql, values).fetchall()) or []

    def write(self, *statements: Statement) -> None:
        """Write in one transaction; what cannot be written now is tried again with the next.

        Of what waits the oldest are let go, so that it takes no more memory than the journal may.
        """
        with self._lock:
            self._pending.extend(statements)
        self._ask(self._write_pending)
        with self._lock:
            while sum(map(_content_bytes, self._pending)) > self._journal_bytes:
                self._pending.popleft()

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        with self._lock:
            self._close()

    def _ask(self, ask: Callable[[sqlite3.Connection], _T]) -> _T | None:
        with self._lock:
            if time.monotonic() < self._again_at_s:
                return None
            try:
                answer = ask(self._opened())
            except (sqlite3.Error, OSError, _UnusableError) as error:
                self._close()
                self._again_at_s = time.monotonic() + _AGAIN_S
                self._tell(_reason(error))
                return None
            self.problem = ""
            return answer

    def _tell(self, reason: str) -> None:
        problem = Text(
            "The {title} cannot be used at the moment: {reason}.",
            title=self._tables.title,
            reason=reason,
        )
        if problem != self.problem:
            _LOGGER.warning("%s Everything else goes on. The file is %s.", problem, self._path)
        self.problem = problem

    def _opened(self) -> sqlite3.Connection:
        path = self._path
        # Somebody may have deleted it, and SQLite would write on where nobody looks.
        if self._connection is not None and path.exists() and path.stat().st_ino == self._inode:
            return self._connection
        self._close()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Made here, as SQLite would let everybody read it.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self._inode = path.stat().st_ino
        file = sqlite3.connect(path, _BUSY_S, isolation_level=None, check_same_thread=False)
        self._connection = file
        version = _number(file, "user_version")
        if version > self._tables.version:
            raise _UnusableError("it was written by a newer version of this program")
        file.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
        file.execute("PRAGMA auto_vacuum = INCREMENTAL")
        file.execute("PRAGMA journal_mode = WAL")
        # With a write-ahead log a killed process loses nothing that was written, and a power cut
        # the newest alone, never the file. In return nobody waits for the disk at each commit.
        file.execute("PRAGMA synchronous = NORMAL")
        pages = min(1000, self._journal_bytes // _PAGE_BYTES // 4)
        file.execute(f"PRAGMA wal_autocheckpoint = {pages}")
        if version < self._tables.version:
            number = f"PRAGMA user_version = {self._tables.version};"
            file.executescript(f"BEGIN IMMEDIATE; {self._tables.create} {number} COMMIT;")
        return file

    def _close(self) -> None:
        if self._connection is not None:
            with closing(self._connection):
                self._connection = None

    def _write_pending(self, file: sqlite3.Connection) -> None:
        self._bound_journal(file)
        pending = list(self._pending)
        with _transaction(file):
            for sql, values in pending:
                file.execute(sql, values)
        for _ in pending:
            self._pending.popleft()
        self._make_room(file)

    def _bound_journal(self, file: sqlite3.Connection) -> None:
        """Empty the journal where it has grown.

        Raises:
            _UnusableError: somebody reads on and on, so that it cannot be emptied.
        """
        journal = Path(f"{self._path}-wal")
        if not journal.exists() or journal.stat().st_size < self._journal_bytes // 2:
            return
        if file.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            raise _UnusableError("another program keeps it open")

    def _make_room(self, file: sqlite3.Connection) -> None:
        """Delete the oldest, a little at a time, until the file is within its bound."""
        while (pages := _number(file, "page_count")) > self._most_pages:
            used = pages - _number(file, "freelist_count")
            before = file.total_changes
            with _transaction(file):
                if used > self._most_pages * (1 - _FREE_SHARE):
                    for sql in self._tables.prune:
                        file.execute(sql)
                file.execute("PRAGMA incremental_vacuum").fetchall()
            self._bound_journal(file)
            if file.total_changes == before and _number(file, "page_count") >= pages:
                raise _UnusableError("there is no room left within its bound")


def _content_bytes(statement: Statement) -> int:
    return sum(len(value) for value in statement[1] if isinstance(value, str | bytes))


def _number(file: sqlite3.Connection, pragma: str) -> int:
    return int(file.execute(f"PRAGMA {pragma}").fetchone()[0])


@contextmanager
def _transaction(file: sqlite3.Connection) -> Iterator[None]:
    file.execute("BEGIN IMMEDIATE")
    try:
        yield
        file.execute("COMMIT")
    finally:
        # A full disk has ended it already.
        if file.in_transaction:
            file.execute("ROLLBACK")


_REASONS = {
    "SQLITE_BUSY": Text("another program has locked it"),
    "SQLITE_LOCKED": Text("another program has locked it"),
    "SQLITE_FULL": Text("the disk is full"),
    "SQLITE_IOERR": Text("the disk is full or broken"),
    "SQLITE_READONLY": Text("it may only be read"),
    "SQLITE_CANTOPEN": Text("its folder cannot be written"),
    "SQLITE_CORRUPT": Text("it is damaged (delete it, and a new one is made)"),
    "SQLITE_NOTADB": Text("it is damaged (delete it, and a new one is made)"),
}


def _reason(error: Exception) -> str:
    """Return why a file cannot be used, as the end of a sentence."""
    name = getattr(error, "sqlite_errorname", "")
    known = next((why for start, why in _REASONS.items() if name.startswith(start)), "")
    if isinstance(error, OSError):
        known = (error.strerror or str(error)).lower()
    return known or str(error)
