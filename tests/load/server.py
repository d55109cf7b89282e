"""The real server as a process, with its log, on a free port; inside a group where one is given."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import requests

from tests.conftest import REPOSITORY

START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers: its address, its process, its log."""

    address: str
    pid: int
    log: Path

    def rss_bytes(self) -> int:
        """Memory that its process holds; 0 when it is gone."""
        try:
            return int(psutil.Process(self.pid).memory_info().rss)
        except psutil.NoSuchProcess:
            return 0

    def is_alive(self) -> bool:
        """Tell whether its process still runs."""
        return psutil.pid_exists(self.pid) and (
            psutil.Process(self.pid).status() != psutil.STATUS_ZOMBIE
        )


def serve_command(port: int) -> list[str]:
    """Give the command that serves page and API on a port of this machine alone."""
    return [sys.executable, "-m", "facecore", "serve", "--host", "127.0.0.1", "--port", str(port)]


@contextmanager
def running_server(
    log: Path,
    *,
    inside: Callable[[Sequence[str]], list[str]] = list,
    environment: Mapping[str, str] | None = None,
    folder: Path = REPOSITORY,
) -> Iterator[Server]:
    """Serve until the block ends.

    Args:
        log: where its output goes.
        inside: wraps the command, as `ControlGroup.command` does.
        environment: instead of this process's.
        folder: where it is started, with the project in it.

    Raises:
        RuntimeError: it ends or does not answer; the message has its log.
    """
    port = free_port()
    with log.open("wb") as output:
        process = subprocess.Popen(
            inside(serve_command(port)),
            cwd=folder,
            env=dict(environment or os.environ),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_until_healthy(address, process, log)
        yield Server(address, process.pid, log)
    finally:
        process.terminate()
        try:
            process.wait(timeout=STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """Give a port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_healthy(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            if requests.get(f"{address}/_stcore/health", timeout=5).ok:
                return
        except requests.RequestException:
            time.sleep(0.2)
    raise RuntimeError(f"the server did not come up:\n{log.read_text(errors='replace')}")
