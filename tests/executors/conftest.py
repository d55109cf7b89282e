"""Real worker processes, and impostors that answer wrongly."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

TIMEOUT_S = 60


def is_gone(pid: int) -> bool:
    """Return whether a process has ended, waiting for it where it is about to."""
    try:
        psutil.Process(pid).wait(timeout=TIMEOUT_S)
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        return False
    return True


@pytest.fixture
def impostor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let workers be started as a script of ours, with ``link`` open to the parent."""
    python = sys.executable

    def put_in_place(script: str) -> None:
        path = tmp_path / "impostor"
        path.write_text(
            f"#!{python}\n"
            "import os, signal, sys\n"
            "from multiprocessing.connection import Connection\n"
            "link = Connection(int(sys.argv[4]))\n"
            f"{script}\n",
            encoding="utf-8",
        )
        path.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(path))

    return put_in_place
