"""One network behind a small protocol: a blob in, an array out.

This is the only module that knows which engine runs a network (OpenCV's
``dnn`` today), and how a picture becomes the blob that the engine takes.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from facecore.engines.facts import EngineFacts, LayerTime, NetworkProfile
from facecore.engines.opencv_switches import DEFAULT_THREADS, LINE, Switches
from facecore.errors import EngineError
from facecore.imaging.decoding import BgrImage
from facecore.models.catalogue import NetworkSpec, verified_path
from facecore.settings import RuntimeOptions

Blob = NDArray[np.float32]
"""A batch of pictures: shape (N, 3, height, width), float32, BGR."""

_PROFILE_PASSES = 5
_ENGINE_NAMES = {"OCV": "OpenCV"}


class Network(Protocol):
    """A loaded network of any engine; safe to share between threads."""

    spec: NetworkSpec
    options: RuntimeOptions
    load_time_ms: float

    @property
    def forward_count(self) -> int:
        """How many forward passes were asked for since it was loaded."""

    def forward(self, blob: Blob) -> NDArray[np.float32]:
        """Run the network; the answer is the caller's own copy."""

    def profile(self) -> NetworkProfile:
        """Run a few passes over an empty picture; tell where the time of the median one went."""


class OpenCvNetwork:
    """A Caffe network run by ``cv2.dnn`` on the CPU.

    OpenCV's thread count and optimisation switch belong to the process: networks
    with the same options run side by side, others take turns. One Net answers
    wrongly when two threads use it, so each runs one pass at a time.
    """

    def __init__(self, spec: NetworkSpec, options: RuntimeOptions) -> None:
        """Check and load the network's files; `load_networks` is the way to call this.

        Raises:
            ModelError: a file is missing or wrong, or OpenCV cannot load it.
        """
        started = time.perf_counter()
        self.spec = spec
        self.options = options
        self._forward_count = 0
        # Taken before the switches, so that nobody holds those while waiting for a pass.
        self._one_pass = threading.Lock()
        self._net = _read_net(spec, options)
        self.load_time_ms = (time.perf_counter() - started) * 1e3

    def warm_up(self) -> None:
        """Run the network once, uncounted: the engine picks its code for good on this pass."""
        started = time.perf_counter()
        self._net.setInput(self._empty_blob())
        self._net.forward()
        self.load_time_ms += (time.perf_counter() - started) * 1e3

    @property
    def forward_count(self) -> int:
        """How many forward passes were asked for since it was loaded."""
        return self._forward_count

    def forward(self, blob: Blob) -> NDArray[np.float32]:
        """Run the network on a blob of shape (N, 3, height, width), float32.

        Returns:
            The output layer's array, float32, a copy that later passes leave alone.

        Raises:
            EngineError: OpenCV refuses the blob.
        """
        with self._one_pass, _engine(self.options):
            self._forward_count += 1
            try:
                self._net.setInput(blob)
                return np.array(self._net.forward(), dtype=np.float32)
            except cv2.error as error:
                raise EngineError(
                    f"OpenCV could not run the {self.spec.role} network on this photo."
                ) from error

    def profile(self) -> NetworkProfile:
        """Run a few passes over an empty picture; tell where the time of the median one went.

        They are not counted in ``forward_count``, and no other network runs meanwhile.
        """
        width, height = self.spec.input_wh
        shape = (1, 3, height, width)
        with self._one_pass, _engine(self.options, alone=True):
            passes = [self._timed_pass() for _ in range(1 + _PROFILE_PASSES)][1:]
            names = self._net.getLayerNames()
            kinds = [self._net.getLayer(self._net.getLayerId(name)).type for name in names]
            flops = self._net.getFLOPS(shape)
            weights_bytes, activations_bytes = self._net.getMemoryConsumption(shape)
            effective = re.findall(r"\\l([A-Z0-9]+)/([A-Z0-9_]+)\\n", self._net.dump())
        total_ticks, layer_ticks = sorted(passes, key=lambda one: one[0])[_PROFILE_PASSES // 2]
        per_ms = cv2.getTickFrequency() / 1e3
        times_ms = layer_ticks / per_ms
        layers = tuple(
            LayerTime(name, kind, float(time_ms))
            for name, kind, time_ms in zip(names, kinds, times_ms, strict=False)
            if time_ms > 0
        )
        return NetworkProfile(
            gflops=flops / 1e9,
            weights_bytes=int(weights_bytes),
            activations_bytes=int(activations_bytes),
            forward_ms=total_ticks / per_ms,
            layers=layers,
            backend=", ".join(
                dict.fromkeys(_ENGINE_NAMES.get(backend, backend) for backend, _ in effective)
            ),
            target=", ".join(dict.fromkeys(target for _, target in effective)),
        )

    def _timed_pass(self) -> tuple[float, NDArray[np.float64]]:
        self._net.setInput(self._empty_blob())
        self._net.forward()
        total_ticks, layer_ticks = self._net.getPerfProfile()
        return total_ticks, np.asarray(layer_ticks, dtype=np.float64).ravel()

    def _empty_blob(self) -> Blob:
        width, height = self.spec.input_wh
        return np.zeros((1, 3, height, width), dtype=np.float32)


def load_networks(
    specs: Sequence[NetworkSpec], options: RuntimeOptions
) -> tuple[OpenCvNetwork, ...]:
    """Load networks side by side and run each once, under these options.

    Raises:
        ModelError: a file is missing or wrong, or OpenCV cannot load it.
    """
    require_caffe_importer()
    # The switches that are latched at building or at the first pass are set before,
    # and nobody else may turn them meanwhile.
    with _engine(options):
        # Hashing and parsing leave Python's lock, so that threads halve the wait.
        with ThreadPoolExecutor(len(specs)) as pool:
            networks = tuple(pool.map(lambda spec: OpenCvNetwork(spec, options), specs))
        for network in networks:
            network.warm_up()
    return networks


def blob_from_images(
    images: Sequence[BgrImage], spec: NetworkSpec, size_wh: tuple[int, int] | None = None
) -> Blob:
    """Stretch pictures to the input size and subtract the network's mean.

    Args:
        images: at least one BGR picture; their sizes may differ.
        spec: says the mean, and the size where none is given.
        size_wh: input size in pixels.

    Returns:
        Shape (N, 3, height, width), float32, BGR order, minus the mean.
    """
    size_wh = size_wh or spec.input_wh
    # OpenCV cannot take a view that runs backwards.
    forwards = [np.ascontiguousarray(i) if min(i.strides) < 0 else i for i in images]
    return np.asarray(
        cv2.dnn.blobFromImages(forwards, 1.0, size_wh, spec.mean_bgr, swapRB=False),
        dtype=np.float32,
    )


def require_caffe_importer() -> None:
    """Check that this OpenCV can load Caffe networks.

    Raises:
        EngineError: it cannot; OpenCV 5 dropped the importer.
    """
    if not hasattr(cv2.dnn, "readNetFromCaffe"):
        raise EngineError(
            f"OpenCV {cv2.__version__} cannot load Caffe networks: "
            "run 'pip install \"opencv-python-headless<5\"' and start again."
        )


def engine_facts(options: RuntimeOptions) -> EngineFacts:
    """Ask OpenCV for the facts, as they are while a network with these options runs."""
    with _engine(options, alone=True):
        threads, optimised = cv2.getNumThreads(), cv2.useOptimized()
        # While it is off, OpenCV says that the processor lacks everything.
        cv2.setUseOptimized(True)
        features = cv2.getCPUFeaturesLine().split()
    return EngineFacts(
        version=cv2.__version__,
        threads=threads,
        cpus_seen=cv2.getNumberOfCPUs(),
        optimised=optimised,
        parallel_framework=_parallel_framework(),
        # OpenCV marks what it dispatches at run time with * and lacks with ?.
        cpu_features=tuple(name.lstrip("*") for name in features if "?" not in name),
        usable_targets=tuple(
            _TARGET_NAMES.get(target, f"target {target}")
            for target in cv2.dnn.getAvailableTargets(cv2.dnn.DNN_BACKEND_OPENCV)
        ),
    )


_TARGET_NAMES = {
    getattr(cv2.dnn, name): name.removeprefix("DNN_TARGET_").replace("_", " ")
    for name in dir(cv2.dnn)
    if name.startswith("DNN_TARGET_")
}


def _parallel_framework() -> str:
    found = re.search(r"Parallel framework:\s*(.+)", cv2.getBuildInformation())
    return found.group(1).strip() if found else "none"


def _read_net(spec: NetworkSpec, options: RuntimeOptions) -> cv2.dnn.Net:
    architecture = verified_path(spec.file("architecture"))
    weights = verified_path(spec.file("weights"))
    try:
        net = cv2.dnn.readNetFromCaffe(str(architecture), str(weights))
    except cv2.error as error:
        raise EngineError(
            f"OpenCV {cv2.__version__} could not load the {spec.role} network: "
            "install the versions that requirements.txt names."
        ) from error
    net.setPreferableBackend(cv2.dnn.DNN_BACKEND_OPENCV)
    net.setPreferableTarget(cv2.dnn.DNN_TARGET_CPU)
    net.enableFusion(options.fusion)
    net.enableWinograd(options.winograd)
    return net


def _engine(options: RuntimeOptions, *, alone: bool = False) -> AbstractContextManager[None]:
    """Hold the engine's switches as these options say; the last who leaves sets them back.

    Decoding and resizing happen outside: their result does not depend on the switches.
    """
    return LINE.hold(Switches(options.threads or DEFAULT_THREADS, options.optimised), alone=alone)
