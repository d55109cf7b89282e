"""What a server keeps over a restart: its runs, and its visitors' finished work."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Sequence
from dataclasses import asdict, astuple, fields
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from facecore.engines import option_values, options_from_values
from facecore.errors import SettingsError
from facecore.machine.data_folder import state_folder
from facecore.machine.database import Database, Tables
from facecore.results import STAGES, ResourceUsage, StageTimings
from facecore.serving.history import MAX_RECORDS, LiveFigures, RunRecord
from facecore.settings import AnalysisSettings, RuntimeOptions
from facecore.settings.server import ServerSettings
from facecore.settings.setting import from_values
from facecore.sources.names import valid_text

FILE_NAME = "history.sqlite3"

MOST_KEPT = 10
"""Finished pieces of work of one kind that one visitor has."""

KEPT_FOR_S = 30 * 24 * 3600.0
"""For so long finished work is kept."""

KEPT_SHARE, ONE_SHARE = 0.3, 0.05
"""Of the file's bound what all finished work may take, and one piece of it."""

_LOGGER = logging.getLogger(__name__)
_COLUMNS = (
    *("source", "name", "width_px", "height_px", "faces", "engine", "waited_ms"),
    *(f"{stage}_ms" for stage in (*STAGES, "total")),
    *("reused", "started_at", "wall_time_s", "cpu_time_s", "rss_before_bytes"),
    *("rss_after_bytes", "peak_rss_bytes", "other_runs", "cpu_percent_of_allowed"),
)
# In a table of their own: few runs are a camera's, and an older file has none.
_LIVE = tuple(one.name for one in fields(LiveFigures))
_TABLES = Tables(
    version=2,
    create=f"""
    CREATE TABLE IF NOT EXISTS settings (id INTEGER PRIMARY KEY, content TEXT UNIQUE NOT NULL);
    CREATE TABLE IF NOT EXISTS runs
        (id INTEGER PRIMARY KEY, {", ".join(_COLUMNS)}, settings INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS live (run INTEGER PRIMARY KEY, {", ".join(_LIVE)});
    CREATE TABLE IF NOT EXISTS kept
        (owner TEXT, kind TEXT, key TEXT, at REAL, body BLOB, UNIQUE (owner, kind, key));
    """,
    prune=(
        "DELETE FROM runs WHERE id <= (SELECT min(id) + (max(id) - min(id)) / 32 FROM runs)",
        "DELETE FROM settings WHERE id NOT IN (SELECT settings FROM runs)",
        "DELETE FROM live WHERE run NOT IN (SELECT id FROM runs)",
    ),
)
# Only names and numbers of ours are put into these; what comes from outside is bound to a "?".
_ADD_SETTINGS = "INSERT OR IGNORE INTO settings (content) VALUES (?)"
_ADD_RUN = (
    f"INSERT INTO runs ({', '.join(_COLUMNS)}, settings) "  # nosec B608
    f"SELECT {', '.join('?' * len(_COLUMNS))}, id FROM settings WHERE content = ?"
)
# Right after a run, in the same transaction.
_ADD_LIVE = (
    f"INSERT OR IGNORE INTO live VALUES (last_insert_rowid(), {', '.join('?' * len(_LIVE))})"  # nosec B608
)
_RUNS = (
    f"SELECT runs.id, {', '.join((*_COLUMNS, *_LIVE))}, content FROM runs "  # nosec B608
    "JOIN settings ON settings.id = runs.settings LEFT JOIN live ON live.run = runs.id "
    "WHERE started_at >= ? "
    "ORDER BY runs.id DESC LIMIT ?"
)
_FORGET_MORE = (
    "DELETE FROM kept WHERE rowid IN (SELECT rowid FROM kept WHERE owner = ? AND kind = ? "  # nosec B608
    f"ORDER BY rowid DESC LIMIT -1 OFFSET {MOST_KEPT})"
)
_FORGET_LARGE = (
    "DELETE FROM kept WHERE rowid IN (SELECT rowid FROM (SELECT rowid, sum(length(body)) "
    "OVER (ORDER BY rowid DESC) AS total FROM kept) WHERE total > ?)"
)


class ServerStore:
    """The runs and the finished work in one file, or nothing; safe to share between threads."""

    def __init__(
        self, path: Path | None, *, max_bytes: int = 50_000_000, with_names: bool = False
    ) -> None:
        """Open nothing yet.

        Args:
            path: the file, made where there is none; None stores nothing.
            max_bytes: what it may take with its journal; the oldest runs make room.
            with_names: whether photos' names are stored.
        """
        self.with_names = with_names
        self._max_bytes = max_bytes
        self._file = None if path is None else Database(path, _TABLES, max_bytes)

    @classmethod
    def of(cls, settings: ServerSettings) -> ServerStore:
        """Return the store that a server's settings name."""
        path: Path | None = None
        if settings.history.lower() != "off":
            try:
                folder = Path(settings.history) if settings.history else state_folder() / "history"
                path = folder / FILE_NAME
            except OSError as error:
                _LOGGER.warning("The history is not stored: %s.", error)
        max_bytes = settings.history_mb * 10**6
        return cls(path, max_bytes=max_bytes, with_names=settings.history_names)

    @property
    def is_on(self) -> bool:
        """Whether it is to store anything."""
        return self._file is not None

    @property
    def problem(self) -> str:
        """Why it cannot be used at the moment, as a sentence; empty where all is well."""
        return "" if self._file is None else self._file.problem

    def add_run(self, record: RunRecord) -> None:
        """Store a run; in the file it gets a number of its own."""
        if self._file is not None:
            content = _content_of(record.settings, record.runtime)
            # SQLite takes no half letters, of which a file's name may have some.
            flat = _flat(record, valid_text(record.name) if self.with_names else "")
            live = [(_ADD_LIVE, astuple(record.live))] if record.live else []
            self._file.write((_ADD_SETTINGS, (content,)), (_ADD_RUN, (*flat, content)), *live)

    def runs(self, since: datetime, most: int = MAX_RECORDS) -> tuple[RunRecord, ...]:
        """Return the newest runs that began at a time or later, oldest first.

        Those whose settings this version does not know are left out.
        """
        rows = self._file.rows(_RUNS, (since.timestamp(), most)) if self._file else []
        known = {content: _settings_of(content) for content in {row[-1] for row in rows}}
        pairs = ((row, known[row[-1]]) for row in reversed(rows))
        return tuple(_record_of(row, *found) for row, found in pairs if found)

    def count_runs(self, since: datetime) -> int:
        """Return how many runs are stored that began at a time or later."""
        asked = "SELECT count(*) FROM runs WHERE started_at >= ?"
        rows = self._file.rows(asked, (since.timestamp(),)) if self._file else []
        return int(rows[0][0]) if rows else 0

    def keep(self, owner: str, kind: str, key: str, body: bytes) -> None:
        """Store a finished piece of work in place of the one with its key, unless it is large.

        The oldest of its owner and kind, and of all, make room. It is deleted after 30 days.
        """
        if self._file is None or not owner or len(body) > self._max_bytes * ONE_SHARE:
            return
        added = "REPLACE INTO kept (owner, kind, key, at, body) VALUES (?, ?, ?, ?, ?)"
        now_s = time.time()
        self._file.write(
            (added, (owner, kind, key, now_s, body)),
            ("DELETE FROM kept WHERE at < ?", (now_s - KEPT_FOR_S,)),
            (_FORGET_MORE, (owner, kind)),
            (_FORGET_LARGE, (self._max_bytes * KEPT_SHARE,)),
        )

    def kept(self, owner: str, kind: str) -> list[bytes]:
        """Return what is kept of a kind for an owner, oldest first."""
        asked = "SELECT body FROM kept WHERE owner = ? AND kind = ? AND at > ? ORDER BY rowid"
        given = (owner, kind, time.time() - KEPT_FOR_S)
        return [row[0] for row in self._file.rows(asked, given)] if self._file and owner else []

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        if self._file is not None:
            self._file.close()


def _flat(record: RunRecord, name: str) -> tuple[Any, ...]:
    used = record.used
    return (
        *(record.source, name, *record.size_wh, record.faces, record.engine, record.waited_ms),
        *record.timings.by_stage().values(),
        *(record.timings.total_ms, " ".join(record.reused), used.started_at.timestamp()),
        *(used.wall_time_s, used.cpu_time_s, used.rss_before_bytes, used.rss_after_bytes),
        *(used.peak_rss_bytes, used.other_runs, record.cpu_percent_of_allowed),
    )


def _record_of(
    row: Sequence[Any], settings: AnalysisSettings, runtime: RuntimeOptions
) -> RunRecord:
    values = dict(zip((*_COLUMNS, *_LIVE), row[1:-1], strict=True))
    live = {name: values[name] for name in _LIVE}
    values["started_at"] = datetime.fromtimestamp(values["started_at"], UTC)
    return RunRecord(
        number=row[0],
        source=values["source"],
        name=values["name"],
        size_wh=(values["width_px"], values["height_px"]),
        faces=values["faces"],
        settings=settings,
        runtime=runtime,
        engine=values["engine"],
        timings=StageTimings(**{one.name: values[one.name] for one in fields(StageTimings)}),
        reused=tuple(values["reused"].split()),
        used=ResourceUsage(**{one.name: values[one.name] for one in fields(ResourceUsage)}),
        cpu_percent_of_allowed=values["cpu_percent_of_allowed"],
        waited_ms=values["waited_ms"],
        live=None if live["frames_read"] is None else LiveFigures(**live),
    )


@lru_cache(maxsize=64)
def _content_of(settings: AnalysisSettings, runtime: RuntimeOptions) -> str:
    values = {"settings": asdict(settings), "options": option_values(runtime)}
    return json.dumps(values, sort_keys=True)


def _settings_of(content: str) -> tuple[AnalysisSettings, RuntimeOptions] | None:
    try:
        values = json.loads(content)
        settings = from_values(AnalysisSettings, values["settings"])
        return settings, options_from_values(values["options"])
    except (SettingsError, ValueError, LookupError, TypeError):
        return None
