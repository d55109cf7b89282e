"""What a worker process is started with: its command, its environment, its link to the parent."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO, Protocol

import facecore
from facecore.settings import ProcessOptions

TRANSFER_TIMEOUT_S = 30
"""For the next piece of a message to pass; whole seconds. A worker that is well always listens."""

_DISABLE_VARIABLE = "OPENCV_CPU_DISABLE"


class Child(Protocol):
    """A process as `subprocess.Popen` shows it, whoever has started it."""

    pid: int

    def kill(self) -> None:
        """End it at once."""

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait for its end, seconds; return its status, None where nobody knows it.

        Raises:
            subprocess.TimeoutExpired: it has not ended.
        """

    def poll(self) -> int | None:
        """Return its status; None where it has not ended or nobody knows."""


Start = Callable[[ProcessOptions, int, IO[bytes]], Child]
"""Starts a worker with these options, this end of a link, and a file for what it complains of."""


def start(options: ProcessOptions, file_descriptor: int, stderr: IO[bytes]) -> Child:
    """Start a worker as a new program.

    Raises:
        OSError: the system gives no process.
    """
    return run(command(options, file_descriptor), environment(options), file_descriptor, stderr)


def start_fork_server(options: ProcessOptions, file_descriptor: int, stderr: IO[bytes]) -> Child:
    """Start a worker that forks others before it reads.

    Raises:
        OSError: the system gives no process.
    """
    words = [*command(options, file_descriptor), "forks"]
    # numpy's and OpenCV's matrix library has its threads from the import on.
    alone = {**environment(options), "OPENBLAS_NUM_THREADS": "1"}
    return run(words, alone, file_descriptor, stderr)


def run(words: list[str], env: dict[str, str], file_descriptor: int, stderr: IO[bytes]) -> Child:
    """Start a program that owns this end of a link, and ends with it.

    Raises:
        OSError: the system gives no process.
    """
    return subprocess.Popen(
        words,
        env=env,
        pass_fds=(file_descriptor,),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=stderr,
        # Ctrl-C on the terminal is for the parent, which then stops us.
        start_new_session=True,
    )


def linked() -> tuple[Connection, Connection]:
    """Return both ends of a link, ours first; ours raises BlockingIOError where nothing passes."""
    ours, theirs = socket.socketpair()
    for direction in (socket.SO_SNDTIMEO, socket.SO_RCVTIMEO):
        # socket(7): a timeval
        ours.setsockopt(socket.SOL_SOCKET, direction, struct.pack("ll", TRANSFER_TIMEOUT_S, 0))
    return Connection(ours.detach()), Connection(theirs.detach())


def command(options: ProcessOptions, file_descriptor: int) -> list[str]:
    """Return the command of a worker that owns this end of a link."""
    # -P: a folder of photos may hold a json.py, and it is no part of this program.
    words = [sys.executable, "-P", "-m", "facecore.executors", str(file_descriptor)]
    return words if options.cores is None else [*words, str(options.cores)]


def environment(options: ProcessOptions) -> dict[str, str]:
    """Return this environment as a worker needs it."""
    changed = dict(os.environ)
    # The same facecore as this one, wherever it was started from.
    paths = [str(Path(facecore.__file__).parents[1]), changed.get("PYTHONPATH", "")]
    changed["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    if options.cpu_features_off:
        changed[_DISABLE_VARIABLE] = ",".join(options.cpu_features_off)
    return changed
