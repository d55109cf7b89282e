"""OpenCV from version 5 on, which has no importer for Caffe's files and runs the ONNX file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from facecore.engines.base import Blob
from facecore.engines.facts import EngineFacts
from facecore.engines.graph.conversion import Conversion
from facecore.engines.graph.session import Arrays, GraphEngine, Passes
from facecore.engines.opencv import OpenCv, has_caffe_importer
from facecore.engines.opencv_switches import LINE, Switches
from facecore.settings import RuntimeOptions


class OpenCv5(GraphEngine):
    """ONNX networks on the CPU; as of `OpenCv`, its threads belong to the process."""

    name = "opencv5"
    title = "OpenCV 5 DNN"
    package = "cv2"
    distribution = "opencv-python-headless"
    oldest = "5"
    below = "6"

    def available(self) -> bool:
        """Return whether the OpenCV that runs is one without the importer."""
        return not has_caffe_importer()

    def version(self) -> str:
        """Return the version of the OpenCV that runs, whatever pip calls it."""
        return cv2.__version__

    def facts(self, options: RuntimeOptions) -> EngineFacts:
        """Ask OpenCV for the facts, as they are while a network with these options runs."""
        return replace(OpenCv().facts(options), name=self.name)

    def load(self, conversion: Conversion, threads: int, knobs: dict[str, Any]) -> Passes:
        """Read the ONNX file."""
        del knobs
        # Behind a batch norm, 5.0 loses the layout of what a detector's norm divides.
        return _Net(conversion.onnx(batch_norms=False), conversion.outputs, Switches(threads, True))


ENGINE = OpenCv5()


class _Net(Passes):
    def __init__(self, file: Path | bytes, outputs: tuple[str, ...], switches: Switches) -> None:
        self._outputs = outputs
        self._switches = switches
        content = file if isinstance(file, bytes) else file.read_bytes()
        with LINE.hold(switches):
            self._net = cv2.dnn.readNetFromONNX(np.frombuffer(content, dtype=np.uint8))

    def run(self, blob: Blob) -> Arrays:
        with LINE.hold(self._switches):
            self._net.setInput(blob)
            return [np.array(array) for array in self._net.forward(list(self._outputs))]
