"""The server's log as lines of JSON, each run one of them; see ``FACECORE_LOG``."""

from __future__ import annotations

import json
import logging
import sys
import threading
from datetime import UTC, datetime
from typing import Any

from facecore.serving.history import RunOutcome
from facecore.serving.traces import TRACE_ID

_FIELDS = "facecore_fields"
_RUNS = logging.getLogger("facecore.runs")
_LOGGER = logging.getLogger(__name__)


def log_in_json() -> None:
    """Have every logger of the process, and what nobody catches, write lines of JSON on stderr."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(handlers=[handler], force=True)
    logging.getLogger().setLevel(logging.WARNING)
    logging.getLogger("facecore").setLevel(logging.INFO)
    # Those of a web server that was there before have a form of their own.
    for name in ("uvicorn", "uvicorn.access", "uvicorn.error"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = lambda arguments: _uncaught(*arguments[:3])


def said(sentence: str, form: str, level: str = "INFO") -> str:
    """Return a sentence in the log's form, "json" or "text", for what is told before its start."""
    return sentence if form == "text" else _line(sentence, level, "facecore", datetime.now(UTC))


def with_fields(**fields: Any) -> dict[str, dict[str, Any]]:
    """Return what has a logger add fields to its line of JSON; for its ``extra``."""
    return {_FIELDS: fields}


class JsonLines(logging.Formatter):
    """Writes a record as one line: time, level, logger, message, trace, fields, exception."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        fields = {"trace_id": TRACE_ID.get()} if TRACE_ID.get() else {}
        fields |= getattr(record, _FIELDS, {})
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        at = datetime.fromtimestamp(record.created, UTC)
        return _line(record.getMessage(), record.levelname, record.name, at, **fields)


def log_run(run: RunOutcome, trace_id: str) -> None:
    """Write the line of a run that is over; its photo's name is not in it."""
    if not _RUNS.isEnabledFor(logging.INFO):
        return
    fields: dict[str, Any] = {"trace_id": trace_id} if trace_id else {}
    fields |= {"origin": run.origin, "status": run.error_kind or "ok"}
    fields["waited_ms"] = round(run.waited_ms, 3)
    if (analysis := run.analysis) is not None:
        timings, used = analysis.timings, analysis.resources
        fields |= {
            "engine": analysis.engine,
            "model_set": analysis.model_set,
            "size_wh": analysis.size_wh,
            "faces": len(analysis.faces),
            "stages_ms": {name: round(ms, 3) for name, ms in timings.by_stage().items()},
            "total_ms": round(timings.total_ms, 3),
            "reused": analysis.reused,
            "cpu_time_ms": round(used.cpu_time_s * 1e3, 3),
            "rss_bytes": used.rss_after_bytes,
        }
    _RUNS.info("run", extra=with_fields(**fields))


def _line(message: str, level: str, logger: str, at: datetime, **fields: Any) -> str:
    head = {"time": at.isoformat(timespec="milliseconds"), "level": level, "logger": logger}
    # In ASCII, which no terminal and no half letter can break.
    return json.dumps({**head, "message": message, **fields}, default=str)


def _uncaught(kind: Any, error: Any, trace: Any) -> None:
    if issubclass(kind, Exception):  # else somebody wanted the end
        _LOGGER.critical("unexpected end", exc_info=(kind, error, trace))
