"""LiteRT, TensorFlow Lite's successor: the shortest start-up; batches do not pay."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np

from facecore.engines.base import Blob
from facecore.engines.graph.conversion import Conversion
from facecore.engines.graph.session import Arrays, GraphEngine, Passes

_SIZES_KEPT = 3


class LiteRt(GraphEngine):
    """Runs a TensorFlow Lite file that is made by the schema of its own wheel."""

    name = "litert"
    title = "LiteRT"
    package = "ai_edge_litert"
    module = "ai_edge_litert.interpreter"
    distribution = "ai-edge-litert"
    oldest = "1.2"
    below = "3"
    article_stars = 2

    def load(self, conversion: Conversion, threads: int, knobs: dict[str, Any]) -> Passes:
        """Make an interpreter of the file."""
        del knobs

        def make() -> bytes:
            from facecore.engines.graph.tflite import tflite_bytes  # noqa: PLC0415

            return tflite_bytes(conversion.graph)

        file = conversion.file(f"{self.version()}.tflite", make)
        return _Interpreters(file, threads, len(conversion.graph.outputs))


ENGINE = LiteRt()


class _Interpreters(Passes):
    """One interpreter for each size of the input, for as many sizes as were asked for last.

    Another size would have it pack its weights anew. A batch is run one by one, which
    takes no longer.
    """

    def __init__(self, file: Path | bytes, threads: int, outputs: int) -> None:
        self._model: dict[str, Any] = (
            {"model_content": file} if isinstance(file, bytes) else {"model_path": str(file)}
        )
        self._threads = threads
        self._outputs = outputs
        self._of_size: OrderedDict[tuple[int, int], Any] = OrderedDict()

    def run(self, blob: Blob) -> Arrays:
        height, width = blob.shape[2:]
        interpreter = self._interpreter((height, width))
        channels_last = np.ascontiguousarray(blob.transpose(0, 2, 3, 1))
        (entry,) = interpreter.get_input_details()
        places = [output["index"] for output in interpreter.get_output_details()]
        pictures = []
        for picture in channels_last:
            interpreter.set_tensor(entry["index"], picture[None])
            interpreter.invoke()
            pictures.append([interpreter.get_tensor(place) for place in places])
        return [
            np.moveaxis(np.concatenate(arrays), -1, 1) for arrays in zip(*pictures, strict=True)
        ]

    def _interpreter(self, size_hw: tuple[int, int]) -> Any:
        if size_hw not in self._of_size:
            from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415

            while len(self._of_size) >= _SIZES_KEPT:
                self._of_size.popitem(last=False)
            interpreter = Interpreter(**self._model, num_threads=self._threads)
            (entry,) = interpreter.get_input_details()
            interpreter.resize_tensor_input(entry["index"], (1, *size_hw, 3))
            interpreter.allocate_tensors()
            self._of_size[size_hw] = interpreter
        self._of_size.move_to_end(size_hw)
        return self._of_size[size_hw]
