"""MNN, the fastest here: Winograd for 5×5 filters as well, and batches that pay."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from facecore.engines.base import Blob
from facecore.engines.facts import LayerTime
from facecore.engines.graph.conversion import Conversion
from facecore.engines.graph.session import Arrays, GraphEngine, Passes

# Its command mnnconvert would report each conversion to its authors, and install what it
# needs for that: the compiled converter beneath it does neither.
_CONVERT = "import sys, _tools; _tools.mnnconvert(sys.argv)"
_TIMEOUT_S = 120

_IMPORTING = threading.Lock()


class Mnn(GraphEngine):
    """Runs what its own converter makes of the ONNX file."""

    name = "mnn"
    title = "MNN"
    package = "MNN"
    distribution = "MNN"
    oldest = "3.0"
    below = "4"

    def load(self, conversion: Conversion, threads: int, knobs: dict[str, Any]) -> Passes:
        """Make a session of the converted file."""
        del knobs
        kind = f"{self.version()}.mnn"
        file = conversion.file(kind, lambda: _converted(conversion.onnx()))
        with _as_file(file) as path:
            return _Session(_imported().Interpreter(str(path)), conversion.outputs, threads)


ENGINE = Mnn()


class _Session(Passes):
    def __init__(self, interpreter: Any, outputs: tuple[str, ...], threads: int) -> None:
        self._interpreter = interpreter
        self._outputs = outputs
        # This way of running leaves Python's lock; its modules (MNN.nn) do not.
        self._session = interpreter.createSession({"backend": "CPU", "numThread": threads})
        self._input = interpreter.getSessionInput(self._session)

    def run(self, blob: Blob) -> Arrays:
        self._feed(blob)
        self._interpreter.runSession(self._session)
        return [self._output(name) for name in self._outputs]

    def layer_times(self, blob: Blob) -> tuple[LayerTime, ...]:
        self.run(blob)
        layers: list[LayerTime] = []
        began = [0.0]

        def before(_tensors: object, _info: object) -> bool:
            began[0] = time.perf_counter()
            return True

        def after(_tensors: object, info: Any) -> bool:
            passed_ms = (time.perf_counter() - began[0]) * 1e3
            layers.append(LayerTime(info.getName(), info.getType(), passed_ms))
            return True

        self._interpreter.runSessionWithCallBackInfo(self._session, before, after)
        return tuple(layers)

    def _feed(self, blob: Blob) -> None:
        mnn = _imported()
        if self._input.getShape() != blob.shape:
            self._interpreter.resizeTensor(self._input, blob.shape)
            self._interpreter.resizeSession(self._session)
        host = mnn.Tensor(
            blob.shape,
            mnn.Halide_Type_Float,
            np.ascontiguousarray(blob),
            mnn.Tensor_DimensionType_Caffe,
        )
        self._input.copyFrom(host)

    def _output(self, name: str) -> Any:
        mnn = _imported()
        tensor = self._interpreter.getSessionOutput(self._session, name)
        shape = tensor.getShape()
        host = mnn.Tensor(
            shape,
            mnn.Halide_Type_Float,
            np.empty(shape, np.float32),
            mnn.Tensor_DimensionType_Caffe,
        )
        tensor.copyToHostTensor(host)
        return np.array(host.getNumpyData(), dtype=np.float32)


def _imported() -> Any:
    # Its first import writes to the standard output, which belongs to the answers.
    if "MNN" not in sys.modules:
        with _IMPORTING, _stdout_to_stderr():
            import MNN  # noqa: PLC0415, F401
    return sys.modules["MNN"]


@contextlib.contextmanager
def _stdout_to_stderr() -> Iterator[None]:
    sys.stdout.flush()
    kept = os.dup(1)
    try:
        os.dup2(2, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def _converted(onnx: Path | bytes) -> bytes:
    with tempfile.TemporaryDirectory() as folder, _as_file(onnx) as source:
        target = Path(folder) / "network.mnn"
        words = ["-f", "ONNX", "--modelFile", str(source.absolute()), "--MNNModel", str(target)]
        said = subprocess.run(
            [sys.executable, "-P", "-c", _CONVERT, *words, "--bizCode", "facecore"],
            # It keeps the weights in a file of a fixed name in its folder meanwhile: two
            # conversions in one folder would take each other's.
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
        if not target.is_file():
            lines = (said.stdout + said.stderr).strip().splitlines()
            raise RuntimeError(lines[-1] if lines else "its converter made no file")
        return target.read_bytes()


@contextlib.contextmanager
def _as_file(content: Path | bytes) -> Iterator[Path]:
    if isinstance(content, Path):
        yield content
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network"
        path.write_bytes(content)
        yield path
