"""OpenCV's ``dnn`` module, which reads Caffe's files as they are."""

from __future__ import annotations

import re
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from facecore.engines.base import Blob, FileKind, Knob, NetworkFiles, knob_values
from facecore.engines.facts import EngineFacts, LayerTime, NetworkProfile
from facecore.engines.opencv_switches import DEFAULT_THREADS, LINE, Switches
from facecore.errors import EngineError
from facecore.settings import RuntimeOptions

_PROFILE_PASSES = 5
_ENGINE_NAMES = {"OCV": "OpenCV"}


class OpenCv:
    """Caffe networks on the CPU.

    Its thread count and its switch for optimised code belong to the process: sessions
    with the same options run side by side, others take turns.
    """

    name = "opencv"
    title = "OpenCV DNN"
    reads_caffe = True
    article_stars = 3
    knobs = (
        Knob(
            name="optimised",
            label="optimised code",
            help="Code written for this processor's vector units.",
            default=True,
        ),
        Knob(
            name="winograd",
            label="Winograd",
            help="A method that needs fewer multiplications for 3×3 filters.",
            default=True,
        ),
        Knob(
            name="fusion",
            label="layer fusion",
            help="Merges layers that follow each other.",
            default=True,
        ),
    )

    def available(self) -> bool:
        """Return whether this OpenCV reads Caffe's files; version 5 does not."""
        return has_caffe_importer()

    def build(self, network: NetworkFiles, options: RuntimeOptions) -> OpenCvSession:
        """Check and load a network's files.

        Raises:
            ModelError: a file is missing or wrong, or OpenCV cannot load it.
            SettingsError: there are no such options.
        """
        if not network.outputs:
            require_caffe_importer()
        knobs = knob_values(self.knobs, options)
        switches = self._switches(options)
        # Some of them are latched at building, so they are set before.
        with LINE.hold(switches):
            net = _read_net(network)
            net.enableFusion(knobs["fusion"])
            net.enableWinograd(knobs["winograd"])
        return OpenCvSession(net, network.role, switches, network.outputs)

    def facts(self, options: RuntimeOptions) -> EngineFacts:
        """Ask OpenCV for the facts, as they are while a network with these options runs."""
        with LINE.hold(self._switches(options), alone=True):
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
            name=self.name,
        )

    def _switches(self, options: RuntimeOptions) -> Switches:
        optimised = knob_values(self.knobs, options)["optimised"]
        return Switches(options.threads or DEFAULT_THREADS, optimised)


ENGINE = OpenCv()


class OpenCvSession:
    """A loaded net. One Net answers wrongly when two threads use it."""

    thread_safe = False

    def __init__(
        self, net: cv2.dnn.Net, role: str, switches: Switches, outputs: tuple[str, ...] = ()
    ) -> None:
        self._net = net
        self._outputs = outputs
        self._role = role
        self._switches = switches

    def run(self, blob: Blob) -> tuple[NDArray[np.float32], ...]:
        """Return the outputs' arrays, float32, copies that later passes leave alone.

        Raises:
            EngineError: OpenCV refuses the blob.
        """
        # Decoding and resizing happen outside: their result does not depend on the switches.
        with LINE.hold(self._switches):
            try:
                self._net.setInput(blob)
                outputs = self._forward()
            except cv2.error as error:
                raise EngineError(
                    "OpenCV could not run the {role} network on this photo.", role=self._role
                ) from error
        return tuple(np.array(array, dtype=np.float32) for array in outputs)

    def layer_times(self, blob: Blob) -> NetworkProfile:
        """Run a few passes while no other net runs; return where the median one's time went."""
        with LINE.hold(self._switches, alone=True):
            passes = [self._timed_pass(blob) for _ in range(1 + _PROFILE_PASSES)][1:]
            names = self._net.getLayerNames()
            kinds = [self._net.getLayer(self._net.getLayerId(name)).type for name in names]
            flops = self._net.getFLOPS(blob.shape)
            weights_bytes, activations_bytes = self._net.getMemoryConsumption(blob.shape)
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

    def _timed_pass(self, blob: Blob) -> tuple[float, NDArray[np.float64]]:
        self._net.setInput(blob)
        self._forward()
        total_ticks, layer_ticks = self._net.getPerfProfile()
        return total_ticks, np.asarray(layer_ticks, dtype=np.float64).ravel()

    def _forward(self) -> Sequence[cv2.typing.MatLike]:
        return self._net.forward(self._outputs) if self._outputs else [self._net.forward()]


def has_caffe_importer() -> bool:
    """Return whether this OpenCV can load Caffe networks; OpenCV 5 dropped the importer."""
    return hasattr(cv2.dnn, "readNetFromCaffe")


def require_caffe_importer() -> None:
    """Check that this OpenCV can load Caffe networks.

    Raises:
        EngineError: it cannot; OpenCV 5 dropped the importer.
    """
    if not has_caffe_importer():
        raise EngineError(
            "OpenCV {version} cannot load Caffe networks: choose the engine opencv5 "
            "or onnxruntime, or run 'pip install \"opencv-python-headless<5\"' and "
            "start again.",
            version=cv2.__version__,
        )


_TARGET_NAMES = {
    getattr(cv2.dnn, name): name.removeprefix("DNN_TARGET_").replace("_", " ")
    for name in dir(cv2.dnn)
    if name.startswith("DNN_TARGET_")
}


def _parallel_framework() -> str:
    found = re.search(r"Parallel framework:\s*(.+)", cv2.getBuildInformation())
    return found.group(1).strip() if found else "none"


def _read_net(network: NetworkFiles) -> cv2.dnn.Net:
    kinds: tuple[FileKind, ...] = ("onnx",) if network.outputs else ("architecture", "weights")
    paths = [str(network.path(kind)) for kind in kinds]
    try:
        # It knows the format by the names of the files.
        net = cv2.dnn.readNet(*paths)
    except cv2.error as error:
        if "nsufficient memory" in str(error) or "bad_alloc" in str(error):
            raise EngineError(
                "There is not enough memory to load the networks: close something, or give the "
                "process or container more."
            ) from error
        raise EngineError(
            "OpenCV {version} could not load the {role} network: install the "
            "versions that requirements.txt names.",
            version=cv2.__version__,
            role=network.role,
        ) from error
    net.setPreferableBackend(cv2.dnn.DNN_BACKEND_OPENCV)
    net.setPreferableTarget(cv2.dnn.DNN_TARGET_CPU)
    return net
