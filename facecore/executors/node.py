"""A worker on a node of a cluster: networks of its own, one photo that it reads and one that waits.

It runs where the cluster says, in a process that ends with the batch.
"""

from __future__ import annotations

import threading

import facecore
from facecore.analysis.analyzer import FaceAnalyzer
from facecore.errors import WorkerError
from facecore.executors import messages
from facecore.settings import AnalysisSettings, RuntimeOptions
from facecore.sources.stores import Address


class NodeWorker:
    """Each answer is a message of a worker: `Answer` for what was read, `Failed`, else `Kept`.

    It is called by two threads: while one reads a photo, the other gets the next.
    """

    def __init__(self) -> None:
        self._analyzer: FaceAnalyzer | None = None
        self._settings = AnalysisSettings()
        self._turn = 0
        self._turn_changed = threading.Condition()

    def load(
        self, version: str, options: RuntimeOptions, max_pixels: int, settings: AnalysisSettings
    ) -> bytes:
        """Load the networks, for a driver of the same version of facecore, and how to read."""
        if version != facecore.__version__:
            return _failed(
                WorkerError(
                    "It has facecore {version}, and this is {ours}: install the same on "
                    "every node.",
                    version=facecore.__version__,
                    ours=version,
                )
            )
        try:
            self._analyzer = FaceAnalyzer.load(options, max_pixels=max_pixels)
        except Exception as error:  # noqa: BLE001 - told where the outcomes are taken
            return _failed(error)
        self._settings = settings
        return messages.encode(messages.Kept())

    def read(self, turn: int, photo: bytes | Address) -> bytes:
        """Read a photo, once those with a lower turn were read; the first has 0."""
        data, unread = b"", None
        try:
            data = photo if isinstance(photo, bytes) else photo.read()
        except Exception as error:  # noqa: BLE001 - one photo must not stop the others
            unread = _failed(error)
        with self._turn_changed:
            self._turn_changed.wait_for(lambda: self._turn == turn)
        try:
            return unread or self._read(data)
        finally:
            with self._turn_changed:
                self._turn += 1
                self._turn_changed.notify_all()

    def _read(self, data: bytes) -> bytes:
        try:
            if self._analyzer is None:
                raise WorkerError("A worker was asked to read before it had its networks.")
            photo = self._analyzer.memory(data)
            analysis = self._analyzer.read(photo, self._settings, annotate=False)
            return messages.encode(messages.Answer.of(analysis))
        except Exception as error:  # noqa: BLE001 - the next photo may go better
            return _failed(error)


def _failed(error: Exception) -> bytes:
    return messages.encode(messages.Failed.of(error))
