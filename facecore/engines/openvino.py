"""OpenVINO, which reads the ONNX file; it has code for the newest processors first."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from facecore.engines.base import Blob
from facecore.engines.facts import LayerTime
from facecore.engines.graph.conversion import Conversion
from facecore.engines.graph.session import Arrays, GraphEngine, Passes


class OpenVino(GraphEngine):
    """Runs the converted ONNX file."""

    name = "openvino"
    title = "OpenVINO"
    package = "openvino"
    distribution = "openvino"
    oldest = "2024.4"
    below = "2027"

    def load(self, conversion: Conversion, threads: int, knobs: dict[str, Any]) -> Passes:
        """Compile the file for this processor."""
        del knobs
        import openvino  # noqa: PLC0415 - only once it is chosen

        core = openvino.Core()
        config = {
            "INFERENCE_NUM_THREADS": threads,
            # By itself it takes bf16 where the processor has that, and gives other answers.
            "INFERENCE_PRECISION_HINT": "f32",
            "PERFORMANCE_HINT": "LATENCY",
            # A thread that is tied to one processor waits for whoever runs there.
            "ENABLE_CPU_PINNING": False,
        }
        model = core.read_model(conversion.onnx())
        return _Compiled(core, model, conversion.outputs, config)


ENGINE = OpenVino()


class _Compiled(Passes):
    thread_safe = True

    def __init__(
        self, core: Any, model: Any, outputs: tuple[str, ...], config: dict[str, Any]
    ) -> None:
        self._core = core
        self._model = model
        self._config = config
        self._outputs = outputs
        self._compiled = core.compile_model(model, "CPU", config)
        # A request is for one thread; the weights belong to what all of them share.
        self._of_thread = threading.local()

    def run(self, blob: Blob) -> Arrays:
        if not hasattr(self._of_thread, "request"):
            self._of_thread.request = self._compiled.create_infer_request()
        results = self._of_thread.request.infer({0: blob}, share_inputs=True)
        return [np.asarray(results[name]) for name in self._outputs]

    def layer_times(self, blob: Blob) -> tuple[LayerTime, ...]:
        # Counting costs time, so this is a second compilation.
        config = {**self._config, "PERF_COUNT": True}
        request = self._core.compile_model(self._model, "CPU", config).create_infer_request()
        for _ in range(2):
            request.infer({0: blob})
        times = [
            LayerTime(info.node_name, info.node_type, info.real_time.total_seconds() * 1e3)
            for info in request.get_profiling_info()
        ]
        return tuple(layer for layer in times if layer.time_ms > 0)
