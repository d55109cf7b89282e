"""A worker on a node that some photos end, and over others of which it never answers."""

from __future__ import annotations

import os
import signal
import time

from facecore.executors.node import NodeWorker

KILLS, HANGS = b"kills", b"hangs"
"""What such photos begin with."""


class FragileWorker(NodeWorker):
    """Its process ends in the middle of a photo, as by an error of a decoder."""

    def _read(self, data: bytes) -> bytes:
        if data.startswith(KILLS):
            os.kill(os.getpid(), signal.SIGKILL)
        if data.startswith(HANGS):
            time.sleep(1000)
        return super()._read(data)
