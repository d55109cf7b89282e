"""``facecore serve`` and ``dashboard``: what is checked before they start, and how they end."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import urllib.request
from itertools import product
from pathlib import Path

import pytest

from tests.cli.conftest import COMMAND, environment, facecore, in_process
from tests.conftest import REPOSITORY
from tests.server import free_port


@pytest.fixture
def nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command fail where it would become the server."""

    def refuse(*command: object) -> None:
        pytest.fail(f"the server was started: {command}")

    monkeypatch.setattr("os.execve", refuse)


@pytest.mark.usefixtures("nothing_starts")
def test_a_port_that_is_none_is_refused() -> None:
    """A port outside the range ends it before anything starts."""
    commands = ("serve", "dashboard")
    for command, port in product(commands, ("0", "65536", "-1", "http", "8501.5")):
        done = in_process(command, f"--port={port}")
        assert done.returncode == 2
        assert "a number from 1 to 65535" in done.stderr


@pytest.mark.usefixtures("nothing_starts")
def test_a_wrong_variable_is_told_at_once() -> None:
    """What the environment says is checked at the start, in one sentence."""
    for variable, value in (
        ("FACECORE_QUEUE", "many"),
        ("FACECORE_REPLICAS", "0"),
        ("FACECORE_MIN_INTERVAL_MS", "-1"),
        ("FACECORE_MAX_MEGAPIXELS", "huge"),
        ("FACECORE_ORIENTATION", "sideways"),
    ):
        done = in_process("serve", env={variable: value})
        assert done.returncode == 2
        (line,) = done.stderr.splitlines()
        assert line.startswith("error: ")
        assert value in line


def test_a_port_in_use_ends_it() -> None:
    """A server that finds somebody else at its port says so and ends."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = facecore("serve", "--host=127.0.0.1", f"--port={port}")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert f"port {port} (Address already in use)" in line


def test_a_signal_ends_the_server(tmp_path: Path) -> None:
    """The command and the server are one process, which a signal ends without a traceback."""
    free = str(free_port())
    log = tmp_path / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [*COMMAND, "serve", "--port", free, "--confidence", "0.5"],
            cwd=REPOSITORY,
            env=environment(),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            for _ in range(600):
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{free}/healthz", timeout=1):
                        break
                except OSError:
                    assert server.poll() is None, log.read_text()
                    with pytest.raises(subprocess.TimeoutExpired):
                        server.wait(0.1)
            server.send_signal(signal.SIGINT)
            server.wait(30)
        finally:
            server.kill()
            server.wait()
    assert "Traceback" not in log.read_text()
    # What is not the default is told at the start, and who said it.
    assert re.search(r"(?m)^confidence +0\.5 +flag$", log.read_text())
