"""A worker on a node of a cluster: networks of its own, one photo that it reads and one that waits.

It runs where the cluster says, in a process that ends with the batch.
"""

from __future__ import annotations

import facecore
from facecore.analysis.analyzer import FaceAnalyzer
from facecore.errors import WorkerError
from facecore.executors import messages
from facecore.settings import AnalysisSettings, RuntimeOptions
from facecore.sources.stores import Address


class NodeWorker:
    """Each answer is a message of a worker: `Answer` for what was read, `Failed`, else `Kept`."""

    def __init__(self) -> None:
        self._analyzer: FaceAnalyzer | None = None
        self._photos: dict[str, bytes] = {}

    def load(self, version: str, options: RuntimeOptions, max_pixels: int) -> bytes:
        """Load the networks, for a driver of the same version of facecore."""
        if version != facecore.__version__:
            return _failed(
                WorkerError(
                    f"It has facecore {facecore.__version__}, and this is {version}: install the "
                    "same on every node."
                )
            )
        try:
            self._analyzer = FaceAnalyzer.load(options, max_pixels=max_pixels)
        except Exception as error:  # noqa: BLE001 - told where the outcomes are taken
            return _failed(error)
        return messages.encode(messages.Kept())

    def keep(self, key: str, photo: bytes | Address) -> bytes:
        """Take a photo, or get it from its store, to be read later under its key."""
        try:
            self._photos[key] = photo if isinstance(photo, bytes) else photo.read()
        except Exception as error:  # noqa: BLE001 - one photo must not stop the others
            return _failed(error)
        return messages.encode(messages.Kept())

    def read(self, key: str, settings: AnalysisSettings) -> bytes:
        """Read a kept photo, which is not kept any longer."""
        try:
            if self._analyzer is None:
                raise WorkerError("A worker was asked to read before it had its networks.")
            photo = self._analyzer.memory(self._photos.pop(key))
            analysis = self._analyzer.read(photo, settings, annotate=False)
            return messages.encode(messages.Answer.of(analysis))
        except Exception as error:  # noqa: BLE001 - the next photo may go better
            return _failed(error)


def _failed(error: Exception) -> bytes:
    return messages.encode(messages.Failed.of(error))
