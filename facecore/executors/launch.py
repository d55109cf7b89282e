"""What a worker process is started with: its command, its environment, its link to the parent."""

from __future__ import annotations

import os
import socket
import struct
import sys
from multiprocessing.connection import Connection
from pathlib import Path

import facecore
from facecore.settings import ProcessOptions

TRANSFER_TIMEOUT_S = 30
"""For the next piece of a message to pass; whole seconds. A worker that is well always listens."""

_DISABLE_VARIABLE = "OPENCV_CPU_DISABLE"


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
