"""ONNX Runtime: exact, safe to share between threads, with little memory."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from facecore.engines.base import Blob, Knob
from facecore.engines.facts import LayerTime
from facecore.engines.graph.conversion import Conversion
from facecore.engines.graph.session import Arrays, GraphEngine, Passes


class OnnxRuntime(GraphEngine):
    """Runs the converted ONNX file."""

    name = "onnxruntime"
    title = "ONNX Runtime"
    package = "onnxruntime"
    distribution = "onnxruntime"
    oldest = "1.20"
    below = "2"
    article_stars = 3
    knobs = (
        Knob(
            name="graph_optimisation",
            label="graph optimisation",
            help="Merges layers and chooses the layout of the data before the first pass.",
            default=True,
        ),
    )

    def load(self, conversion: Conversion, threads: int, knobs: dict[str, Any]) -> Passes:
        """Make a session of the file."""
        return _Session(conversion.onnx(), conversion.outputs, threads, knobs["graph_optimisation"])


ENGINE = OnnxRuntime()


class _Session(Passes):
    thread_safe = True

    def __init__(
        self, file: Path | bytes, outputs: tuple[str, ...], threads: int, optimise: bool
    ) -> None:
        self._file = file
        self._outputs = outputs
        self._threads = threads
        self._optimise = optimise
        self._session = self._make()
        self._input = self._session.get_inputs()[0].name

    def run(self, blob: Blob) -> Arrays:
        arrays: Arrays = self._session.run(self._outputs, {self._input: blob})
        return arrays

    def layer_times(self, blob: Blob) -> tuple[LayerTime, ...]:
        # Profiling is for the life of a session, so this is a second one.
        with tempfile.TemporaryDirectory() as folder:
            session = self._make(profile_to=str(Path(folder) / "profile"))
            for _ in range(2):
                session.run(None, {self._input: blob})
            events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
        kernels = [e for e in events if e.get("name", "").endswith("_kernel_time")]
        last = kernels[len(kernels) // 2 :]
        return tuple(
            LayerTime(
                event["name"].removesuffix("_kernel_time"),
                event["args"]["op_name"],
                event["dur"] / 1e3,
            )
            for event in last
        )

    def _make(self, profile_to: str | None = None) -> Any:
        # From its import on it would send what it does to its makers, and write a number for
        # this device into the user's folder for caches. Nobody was asked, so nothing is sent.
        os.environ["ORT_DISABLE_TELEMETRY"] = "1"
        import onnxruntime  # noqa: PLC0415 - only once it is chosen

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.log_severity_level = 3
        # Threads that wait for work by spinning take it from everybody else.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if not self._optimise:
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        if profile_to:
            options.enable_profiling = True
            options.profile_file_prefix = profile_to
        return onnxruntime.InferenceSession(
            self._file if isinstance(self._file, bytes) else str(self._file),
            options,
            providers=["CPUExecutionProvider"],
        )
