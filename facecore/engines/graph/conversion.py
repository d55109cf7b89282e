"""A network on its way to an engine: its graph, and the files that are made of it once."""

from __future__ import annotations

import functools
import hashlib
import mmap
from collections.abc import Callable
from pathlib import Path

from facecore.engines.base import NetworkFiles
from facecore.engines.graph.caffe import read_caffe
from facecore.engines.graph.layers import Graph
from facecore.engines.graph.onnx import onnx_bytes, with_any_size
from facecore.errors import EngineError
from facecore.machine.data_folder import made_once


class Conversion:
    """A network's graph, read from its checked files.

    Raises:
        ModelError: a file is missing or wrong, or cannot be converted.
    """

    def __init__(self, network: NetworkFiles) -> None:
        self.role = network.role
        self.file_bytes = 0  # of the file asked for last
        self._source = f"{network.role}-{network.fingerprint}-{converter()}"
        self.outputs = network.outputs
        if self.outputs:
            self._onnx: Path | None = network.path("onnx")
            return
        self._onnx = None
        architecture, weights = network.path("architecture"), network.path("weights")
        try:
            with weights.open("rb") as stream:
                # The arrays are views into the file, so that it needs no memory of its own.
                content = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
            self._graph = read_caffe(architecture.read_text(encoding="utf-8"), content)
        except (OSError, ValueError, LookupError) as error:
            raise EngineError(
                "The {role} network cannot be converted ({error}): use the OpenCV engine.",
                role=network.role,
                error=error,
            ) from error
        self.outputs = self._graph.outputs

    @property
    def graph(self) -> Graph:
        """The layers of Caffe's files.

        Raises:
            EngineError: the network is an ONNX file, which is for engines that read those.
        """
        if self._onnx:
            raise EngineError("it takes no ONNX file")
        return self._graph

    @property
    def has_graph(self) -> bool:
        """Whether there is a `graph`: the network's files are Caffe's."""
        return self._onnx is None

    def onnx(self, *, batch_norms: bool = True) -> Path | bytes:
        """Return an ONNX file's path, or its bytes where the data folder cannot be written."""
        if self._onnx:
            source = self._onnx
            if self.role == "detector":  # which is asked about pictures of all sizes
                return self.file("any-size.onnx", lambda: with_any_size(source.read_bytes()))
            self.file_bytes = source.stat().st_size
            return source
        kind = "onnx" if batch_norms else "onnx-plain"
        return self.file(kind, lambda: onnx_bytes(self.graph, batch_norms=batch_norms))

    def file(self, kind: str, make: Callable[[], bytes]) -> Path | bytes:
        """Return what ``make`` makes of the graph, kept in the data folder.

        Args:
            kind: the file's extension, and the engine's version where that matters.
            make: called where there is no whole file of these sources, this kind and
                this converter.
        """
        made = made_once(self._source, f".{kind}", make)
        self.file_bytes = len(made) if isinstance(made, bytes) else made.stat().st_size
        return made


@functools.cache
def converter() -> str:
    """Return what changes with this package's code, so that no file of an older one is used."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    code = b"".join(path.read_bytes() for path in sources)
    return hashlib.sha256(code).hexdigest()[:8]
