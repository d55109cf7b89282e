"""What the web server writes in its log."""

from __future__ import annotations

import logging
import socket

import pytest
import uvicorn

from facecore.http.connections import ConnectionLimits
from facecore.http.web_server import LONGEST_LOG_LETTERS, serve


def test_a_line_of_the_log_is_one_and_short(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever's words are in it, they neither begin a line of their own nor fill the disk."""
    logger = logging.getLogger("somebody")

    def run(_: object, sockets: object) -> None:
        logger.warning("They said %s", "x\r\n2030-01-01 \x1b[31mforged\x7f" + "y" * 10**6)
        logger.warning("They said %s", "")

    monkeypatch.setattr(uvicorn.Server, "run", run)
    before = logging.getLogRecordFactory()
    try:
        with socket.socket() as listening, caplog.at_level("WARNING"):
            serve(lambda *_: None, listening, ConnectionLimits())  # type: ignore[arg-type]
    finally:
        logging.setLogRecordFactory(before)
    long, short = (record.getMessage() for record in caplog.records)
    assert long.startswith("They said x  2030-01-01  [31mforged yyy")
    assert (len(long), long[-2:]) == (LONGEST_LOG_LETTERS + 1, "y…")
    assert short == "They said "
