"""The real server as a process, with its log, on a free port; its gates where it has some."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import psutil
import requests

from tests.conftest import REPOSITORY

Kind = Literal["serve", "dashboard", "held"]

START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers: its address, its process, its log, its gRPC port if it has one."""

    address: str
    pid: int
    log: Path
    grpc_port: int | None = None

    def rss_bytes(self) -> int:
        """Memory that its process holds; 0 when it is gone."""
        try:
            return int(psutil.Process(self.pid).memory_info().rss)
        except psutil.NoSuchProcess:
            return 0

    @contextmanager
    def held(self, gate: str, *, after: int = 0) -> Iterator[None]:
        """Keep a gate of ``tests/held_server.py`` closed while the block runs.

        Args:
            gate: "queue", of which somebody else has the slot once it is free, "trials", or
                "fresh", with which the next page is opened as the first of a server is.
            after: how many photos an experiment's workers get before it waits.
        """
        place = f"{self.address}/held/{gate}"
        requests.put(place, params={"after": after}, timeout=START_TIMEOUT_S).raise_for_status()
        try:
            yield
        finally:
            requests.delete(place, timeout=START_TIMEOUT_S).raise_for_status()

    def queue_figures(self) -> dict[str, float]:
        """Return what the server says of its queue, by the end of each figure's name."""
        text = requests.get(f"{self.address}/metrics", timeout=START_TIMEOUT_S).text
        lines = (line for line in text.splitlines() if line.startswith("facecore_queue_"))
        figures = (line.removeprefix("facecore_queue_").rsplit(" ", 1) for line in lines)
        return {name: float(figure) for name, figure in figures}

    def is_alive(self) -> bool:
        """Return whether its process still runs."""
        return psutil.pid_exists(self.pid) and (
            psutil.Process(self.pid).status() != psutil.STATUS_ZOMBIE
        )


@contextmanager
def running_server(log: Path) -> Iterator[str]:
    """Serve the dashboard alone; gives the address. The server's output goes to ``log``."""
    with server_process(log, kind="dashboard") as server:
        yield server.address


@contextmanager
def server_process(
    log: Path,
    *,
    kind: Kind = "serve",
    inside: Callable[[Sequence[str]], list[str]] = list,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """Serve until the block ends, on a port of this machine alone.

    Args:
        log: where its output goes.
        kind: the dashboard beside the HTTP API, the dashboard alone, or the former with gates.
        inside: wraps the command, as `ControlGroup.command` does.
        environment: what it is told besides what this process has.

    Raises:
        RuntimeError: it ends or does not answer; the message has its log.
    """
    port = free_port()
    grpc_port = free_port() if kind != "dashboard" and find_spec("grpc") else None
    with log.open("wb") as output:
        process = subprocess.Popen(
            inside(_command(port, kind) + ([f"--grpc-port={grpc_port}"] if grpc_port else [])),
            cwd=REPOSITORY,
            env={**os.environ, **(environment or {})},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        address = f"http://127.0.0.1:{port}"
        path = (environment or {}).get("STREAMLIT_SERVER_BASE_URL_PATH", "")
        wait_until_healthy(f"{address}/{path}".rstrip("/"), process, log)
        yield Server(address, process.pid, log, grpc_port)
    finally:
        process.terminate()
        try:
            process.wait(timeout=STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _command(port: int, kind: Kind) -> list[str]:
    if kind == "serve":
        return [sys.executable, "-m", "facecore", "serve", f"--port={port}"]
    if kind == "held":
        command = [sys.executable, "-m", "tests.held_server", "streamlit_app.py", "--with-api"]
        return [*command, "--host=127.0.0.1", f"--port={port}"]
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py"]
    return [
        *command,
        "--server.headless=true",
        "--server.address=127.0.0.1",
        f"--server.port={port}",
    ]


def wait_until_healthy(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a server that was just started answers.

    Raises:
        RuntimeError: it ended or does not answer; the message has its log.
    """
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the server did not come up:\n{log.read_text(errors='replace')}")
