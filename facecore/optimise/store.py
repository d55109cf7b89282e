"""What a search measured, in the data folder: a killed one loses the reading under way alone."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from facecore.executors.messages import PlainFace, Said
from facecore.machine.data_folder import state_folder
from facecore.machine.database import Database, Tables
from facecore.optimise.bench import Reading
from facecore.optimise.judging import Tried
from facecore.optimise.record import Fate
from facecore.optimise.space import Space
from facecore.results import Face
from facecore.wording import Text, plain

FILE_NAME = "optimise.sqlite3"
MAX_BYTES = 100_000_000

_TABLES = Tables(
    version=1,
    title="study",
    create="""
    CREATE TABLE IF NOT EXISTS studies (key TEXT PRIMARY KEY, at REAL, started REAL, spent_s REAL);
    CREATE TABLE IF NOT EXISTS candidates
        (study TEXT, number INTEGER, body BLOB, PRIMARY KEY (study, number));
    CREATE TABLE IF NOT EXISTS readings
        (study TEXT, candidate INTEGER, body BLOB);
    CREATE INDEX IF NOT EXISTS readings_of ON readings (study);
    """,
    prune=(
        "DELETE FROM studies WHERE key = (SELECT key FROM studies ORDER BY at LIMIT 1)",
        "DELETE FROM readings WHERE study NOT IN (SELECT key FROM studies)",
        "DELETE FROM candidates WHERE study NOT IN (SELECT key FROM studies)",
    ),
)


class StoredCandidate(Struct, kw_only=True):
    """What is kept of a way of reading that was tried, but for its readings."""

    number: int
    choice: dict[str, Any]
    engine: str = ""
    engine_version: str = ""
    threads: int | None = None
    answers: dict[str, tuple[PlainFace, ...]] = {}
    fate: Fate = "under way"
    why: Said | str = ""

    @classmethod
    def of(cls, one: Tried) -> StoredCandidate:
        """Return what is kept of a candidate."""
        return cls(
            number=one.number,
            choice=one.choice,
            engine=one.engine,
            engine_version=one.engine_version,
            threads=one.threads,
            answers={name: tuple(map(PlainFace.of, faces)) for name, faces in one.answers.items()},
            fate=one.fate,
            why=Said.of(Text(one.why)),
        )

    def faces(self) -> dict[str, tuple[Face, ...]]:
        """Return the answers as faces."""
        return {name: tuple(one.face() for one in faces) for name, faces in self.answers.items()}


class Stored(Struct, kw_only=True):
    """All that is kept of a study; what is not there yet is empty."""

    started_s: float
    spent_s: float = 0.0
    candidates: list[StoredCandidate] = []
    readings: dict[int, list[Reading]] = {}


class StudyStore:
    """One study in the file; nothing is raised where the file cannot be used."""

    def __init__(self, key: str) -> None:
        """Open nothing yet.

        Args:
            key: as `study_key`.
        """
        self._key = key
        self._file = Database(state_folder() / FILE_NAME, _TABLES, MAX_BYTES)

    @property
    def problem(self) -> str:
        """Why nothing is kept at the moment, as a sentence; empty where all is well."""
        return self._file.problem

    def load(self) -> Stored | None:
        """Return what is kept of the study; None where nothing is."""
        found = self._file.rows("SELECT started, spent_s FROM studies WHERE key = ?", (self._key,))
        if not found:
            return None
        asked = "SELECT body FROM candidates WHERE study = ? ORDER BY number"
        candidates = [
            msgspec.json.decode(row[0], type=StoredCandidate)
            for row in self._file.rows(asked, (self._key,))
        ]
        readings: dict[int, list[Reading]] = {}
        asked = "SELECT candidate, body FROM readings WHERE study = ? ORDER BY rowid"
        for number, body in self._file.rows(asked, (self._key,)):
            readings.setdefault(number, []).append(msgspec.json.decode(body, type=Reading))
        started_s, spent_s = found[0]
        return Stored(
            started_s=started_s, spent_s=spent_s, candidates=candidates, readings=readings
        )

    def begin(self) -> Stored:
        """Forget what is kept of the study, and begin it anew."""
        now_s = time.time()
        self._file.write(
            ("DELETE FROM readings WHERE study = ?", (self._key,)),
            ("DELETE FROM candidates WHERE study = ?", (self._key,)),
            (
                "REPLACE INTO studies (key, at, started, spent_s) VALUES (?, ?, ?, 0)",
                (self._key, now_s, now_s),
            ),
        )
        return Stored(started_s=now_s)

    def keep(self, candidate: StoredCandidate) -> None:
        """Keep a candidate in place of what was kept of it."""
        added = "REPLACE INTO candidates (study, number, body) VALUES (?, ?, ?)"
        self._file.write((added, (self._key, candidate.number, _encoded(candidate))))

    def add(self, candidate: int, reading: Reading, spent_s: float) -> None:
        """Keep a reading, and how long the search has taken by now."""
        added = "INSERT INTO readings (study, candidate, body) VALUES (?, ?, ?)"
        self._file.write(
            (added, (self._key, candidate, _encoded(reading))),
            (
                "UPDATE studies SET spent_s = ?, at = ? WHERE key = ?",
                (spent_s, time.time(), self._key),
            ),
        )

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def study_key(what: Mapping[str, Any]) -> str:
    """Return letters and digits that are others as soon as a value of ``what`` is."""
    return hashlib.sha256(_encoded(what)).hexdigest()[:32]


def known_from(stored: Stored, space: Space) -> list[Tried]:
    """Return what was tried before, in its order; the baseline at least."""
    start = space.start()
    found = [
        Tried(
            number=one.number,
            choice=one.choice,
            given=space.configuration(one.choice),
            answers=one.faces(),
            readings=stored.readings.get(one.number, []),
            engine=one.engine,
            engine_version=one.engine_version,
            threads=one.threads,
            fate=one.fate,
            why=one.why.text() if isinstance(one.why, Said) else one.why,
        )
        for one in stored.candidates
    ]
    return found or [Tried(number=0, choice=start, given=space.configuration(start))]


_encoded = msgspec.json.Encoder(enc_hook=plain, order="deterministic").encode
