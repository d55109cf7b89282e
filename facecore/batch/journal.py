"""The answers of a batch while it runs: a file that no kill can spoil.

One line of JSON per photo, written in one piece as soon as the photo is done, and
one before it where a drawn copy of it is written. What a kill left of a last line is
dropped when the file is opened again. While it is open it is locked, so that two
processes never write the same answers.
"""

from __future__ import annotations

import errno
import io
import json
import os
import re
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from facecore.errors import BatchError
from facecore.export import Row, row_of
from facecore.settings import DEFAULT_MODEL_SET, ONE_LOOK
from facecore.wording import Text, listed, plain

try:
    import fcntl
except ImportError:  # not Unix: two processes on one output are not noticed
    fcntl = None  # type: ignore[assignment]

_VERSION = 1
_BEFORE = {**ONE_LOOK, "model_set": DEFAULT_MODEL_SET}
_NONE = object()
_MOMENT = re.compile(r"(?<=#t=)(0|[1-9][0-9]{0,15})(\.[0-9]{3})\Z")
_IN_USE = (errno.EACCES, errno.EAGAIN)

Entry = dict[str, Any]
"""What a line holds."""


class Journal:
    """The rows that are done, each once, by the photo's name; one thread writes, any may ask.

    Neither names nor answers are in memory: where each row is, is in a database on the disk.
    """

    def __init__(self, path: Path, settings: Mapping[str, Any]) -> None:
        """Open the file, or begin it; ``close`` or ``remove`` must follow.

        Args:
            path: where it is.
            settings: plain values that the rows depend on.

        Raises:
            BatchError: another process has it open, it was begun with other
                settings, it is none of ours, or it cannot be written.
        """
        self._path = path
        # SQLite's own for a file that is gone with the process, of which it caches 2 MB.
        self._index = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._lock = threading.Lock()
        self._asked(
            "CREATE TABLE rows (name BLOB PRIMARY KEY, key TEXT, offset INTEGER) WITHOUT ROWID"
        )
        self._copies: dict[str, str] = {}
        self.is_complete = False
        self._file = _opened(path)
        try:
            self._read(json.loads(json.dumps(settings)))
        except BaseException:
            self._close()
            raise

    def __len__(self) -> int:
        return int(self._asked("SELECT COUNT(*) FROM rows")[0])

    def has(self, name: str, key: str = "") -> bool:
        """Return whether a photo has a row, of this content where its key is told."""
        found = self._asked("SELECT key FROM rows WHERE name = ?", _blob(name))
        return found is not None and key in ("", found[0])

    def add(self, name: str, row: Row, key: str = "") -> None:
        """Keep a photo's row, in the place of one of other content; else the first one stays."""
        if not self.has(name, key):
            entry = {"photo": name, "key": key, "row": msgspec.to_builtins(row, enc_hook=plain)}
            self._note(name, key, self._write(entry))

    def note_copy(self, name: str, path: str) -> None:
        """Note, before it is written, where the drawn copy of a photo without a row goes."""
        self._write({"photo": name, "copy": path})
        self._copies[name] = path

    def copy_of(self, name: str) -> str | None:
        """Return the path that was noted last for a photo that has no row yet."""
        return self._copies.get(name)

    def mark_complete(self) -> None:
        """Note that all rows are there and go to the output next."""
        if not self.is_complete:
            self._write({"complete": True})
            self.is_complete = True

    def rows(self) -> Iterator[tuple[str, Row]]:
        """Return names and rows in the order of the names, one at a time from the file."""
        with self._path.open("rb") as file:
            # The order of UTF-8 is that of the letters.
            for (offset,) in self._index.execute("SELECT offset FROM rows ORDER BY name"):
                file.seek(offset)
                entry = json.loads(file.readline())
                yield entry["photo"], row_of(entry["row"])

    def remove(self) -> None:
        """Delete the file; nobody may use it after that."""
        self._path.unlink(missing_ok=True)
        self._close()

    def close(self) -> None:
        """Leave the file for another time; one without a row is deleted."""
        if not self._file.closed and not len(self):
            self._path.unlink(missing_ok=True)
        self._close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _close(self) -> None:
        self._file.close()
        self._index.close()

    def _asked(self, question: str, *values: object) -> Any:
        try:
            with self._lock:
                return self._index.execute(question, values).fetchone()
        except sqlite3.Error as error:
            raise BatchError(
                "What is done cannot be looked up in the folder for temporary files "
                "({error}): free some space there, and give the same command again.",
                error=error,
            ) from error

    def _read(self, settings: Entry) -> None:
        header = _line({"facecore_batch": _VERSION, "settings": settings})
        end = 0
        with self._path.open("rb") as file:
            first = file.readline()
            if not first.endswith(b"\n"):
                if not header.startswith(first):
                    raise self._not_ours()
            else:
                self._check(_parsed(first), settings)
                end = file.tell()
                while self._take(line := file.readline(), end):
                    end += len(line)
        # What follows is what a kill, or a failing disk, left of a line.
        self._file.truncate(end)
        self._file.seek(end)
        if end == 0:
            self._write({"facecore_batch": _VERSION, "settings": settings})

    def _take(self, line: bytes, offset: int) -> bool:
        entry = _parsed(line) if line.endswith(b"\n") else None
        if entry is None:
            return False
        if entry.get("complete"):
            self.is_complete = True
        elif isinstance(entry.get("photo"), str) and isinstance(entry.get("row"), dict):
            self._note(entry["photo"], str(entry.get("key", "")), offset)
        elif isinstance(entry.get("photo"), str) and isinstance(entry.get("copy"), str):
            self._copies[entry["photo"]] = entry["copy"]
        else:
            return False
        return True

    def _note(self, name: str, key: str, offset: int) -> None:
        self._asked("INSERT OR REPLACE INTO rows VALUES (?, ?, ?)", _blob(name), key, offset)
        self._copies.pop(name, None)

    def _check(self, header: Entry | None, settings: Entry) -> None:
        if (
            header is None
            or header.get("facecore_batch") != _VERSION
            or not isinstance(header.get("settings"), dict)
        ):
            raise self._not_ours()
        # Nothing is said of what there was one way of.
        before = {k: v for k, v in _BEFORE.items() if k in settings} | header["settings"]
        names = [
            name
            for name in {**before, **settings}
            if before.get(name, _NONE) != settings.get(name, _NONE)
        ]
        if names:
            words = listed([name.replace("_", " ") for name in names], Text(" and "))
            raise BatchError(
                "{path} was begun with other settings ({words}): give the same ones to "
                "go on with it, name another --out, or delete that file to begin anew.",
                path=self._path,
                words=words,
            )

    def _not_ours(self) -> BatchError:
        return BatchError(
            "{path} is not what a batch leaves when it is stopped: move it away, or "
            "name another --out.",
            path=self._path,
        )

    def _write(self, entry: Entry) -> int:
        offset = self._file.tell()
        line = _line(entry)
        try:
            # One call, so that a kill comes before or after it; a full disk may cut it short.
            written = self._file.write(line)
        except OSError as error:
            raise self._cut_short() from error
        if written != len(line):
            raise self._cut_short()
        return offset

    def _cut_short(self) -> BatchError:
        return BatchError(
            "{path} cannot be written to its end: free some space, and give the same "
            "command again.",
            path=self._path,
        )


def _blob(name: str) -> bytes:
    """Return a name so that names are in the order of their letters, and frames in that of time."""
    found = _MOMENT.search(name)
    # No name has this byte. The number of digits comes before them: 9 s before 10 s.
    moment = (
        b"" if found is None else b"\xff%c%s" % (found.end(1) - found.start(1), found[1].encode())
    )
    end = len(name) if found is None else found.start(1)
    rest = "" if found is None else found[2]
    return b"".join([name[:end].encode("utf-8", "surrogatepass"), moment, rest.encode("ascii")])


def _line(entry: Entry) -> bytes:
    # ASCII, so that names that are no valid text are kept as they are.
    return json.dumps(entry, allow_nan=False).encode("ascii") + b"\n"


def _parsed(line: bytes) -> Entry | None:
    try:
        entry = json.loads(line)
    except (RecursionError, ValueError):
        return None
    return entry if isinstance(entry, dict) else None


def _opened(path: Path) -> io.FileIO:
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            file = io.FileIO(descriptor, "r+")
        except OSError as error:
            raise BatchError(
                "{path} cannot be written ({reason}): name another --out.",
                path=path,
                reason=error.strerror,
            ) from error
        try:
            _lock(file, path)
            # Whoever had it before may have deleted it meanwhile.
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return file
        except FileNotFoundError:
            pass
        except BaseException:
            file.close()
            raise
        file.close()


def _lock(file: io.FileIO, path: Path) -> None:
    if fcntl is None:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in _IN_USE:
            raise BatchError(
                "{path} cannot be locked ({reason}): name an --out on another disk.",
                path=path,
                reason=error.strerror,
            ) from error
        raise BatchError(
            "Another process is writing {path} now: wait until it is done, or name another --out.",
            path=path,
        ) from None
