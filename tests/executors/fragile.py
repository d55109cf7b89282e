"""A worker on a node that some photos end, and over others of which it never answers."""

from __future__ import annotations

import os
import signal
import time

from facecore.executors.node import NodeWorker
from facecore.settings import AnalysisSettings

KILLS, HANGS = b"kills", b"hangs"
"""What such photos begin with."""


class FragileWorker(NodeWorker):
    """Its process ends in the middle of a photo, as by an error of a decoder."""

    def read(self, key: str, settings: AnalysisSettings) -> bytes:
        """Read it, unless it is such a photo."""
        if self._photos[key].startswith(KILLS):
            os.kill(os.getpid(), signal.SIGKILL)
        if self._photos[key].startswith(HANGS):
            time.sleep(1000)
        return super().read(key, settings)
