"""What the engines share that run a converted network: finding, loading, running, timing."""

from __future__ import annotations

import importlib.util
import statistics
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facecore.engines.base import Blob, Knob, NetworkFiles, knob_values
from facecore.engines.facts import EngineFacts, LayerTime, NetworkProfile
from facecore.engines.graph.conversion import Conversion
from facecore.errors import EngineError
from facecore.machine.container import read_limits, threads_within_quota, usable_cores
from facecore.settings import RuntimeOptions
from facecore.wording import Text

Arrays = Sequence[NDArray[np.float32]]

_PROFILE_PASSES = 5


class Passes(ABC):
    """A network as one engine has loaded it."""

    thread_safe = False

    @abstractmethod
    def run(self, blob: Blob) -> Arrays:
        """Return the graph's outputs in order, copies, channels before rows and columns."""

    def layer_times(self, blob: Blob) -> tuple[LayerTime, ...]:
        """Run a pass and return its layers' times; none where the engine does not tell."""
        del blob
        return ()


class GraphEngine(ABC):
    """An engine that takes what is made of the graph.

    Attributes:
        name: the key in settings and files.
        title: what a page calls it.
        package: the name that is imported.
        module: the one in it that does the work, where it is not the package itself.
        distribution: the name that pip knows.
        oldest: the first version that is known to work.
        below: the first that is not.
        knobs: its own options.
        article_stars: for speed in the article's table, 1 to 3; None where it is not in it.
    """

    name: str
    title: str
    package: str
    module: str = ""
    distribution: str
    oldest: str
    below: str
    knobs: tuple[Knob, ...] = ()
    article_stars: int | None = None

    @property
    def install(self) -> str:
        """The command that installs it."""
        return f'pip install "{self.distribution}>={self.oldest},<{self.below}"'

    def available(self) -> bool:
        """Return whether it is installed; imports nothing."""
        return importlib.util.find_spec(self.package) is not None

    def version(self) -> str:
        """Return the installed version; imports nothing.

        Raises:
            EngineError: it is not installed, or it is older than what is known to work.
        """
        try:
            installed = version(self.distribution)
        except PackageNotFoundError:
            raise EngineError(
                "{engine} is not installed: run '{install}'.",
                engine=self.title,
                install=self.install,
            ) from None
        if _numbers(installed) < _numbers(self.oldest):
            raise EngineError(
                "{engine} {installed} is too old for these networks: run '{install}'.",
                engine=self.title,
                installed=installed,
                install=self.install,
            )
        return installed

    def facts(self, options: RuntimeOptions) -> EngineFacts:
        """Return what bears on speed, without loading a network."""
        knob_values(self.knobs, options)
        features = cv2.getCPUFeaturesLine().split()
        return EngineFacts(
            version=self.version(),
            threads=_threads(options),
            cpus_seen=usable_cores(),
            optimised=True,
            parallel_framework=Text("{engine}'s own", engine=self.title),
            cpu_features=tuple(name.lstrip("*") for name in features if "?" not in name),
            usable_targets=("CPU",),
            name=self.name,
        )

    def build(self, network: NetworkFiles, options: RuntimeOptions) -> GraphSession:
        """Check, convert and load a network.

        Raises:
            ModelError: a file is missing or wrong, or the engine cannot load it.
            SettingsError: it has no such options.
        """
        knobs = knob_values(self.knobs, options)
        installed = self.version()
        conversion = Conversion(network)
        try:
            passes = self.load(conversion, _threads(options), knobs)
        except Exception as error:
            raise EngineError(
                "{engine} {installed} could not load the {role} network ({reason}): "
                "run '{install}', or choose another engine.",
                engine=self.title,
                installed=installed,
                role=network.role,
                reason=_first_line(error),
                install=self.install,
            ) from error
        return GraphSession(passes, conversion, self.title)

    @abstractmethod
    def load(self, conversion: Conversion, threads: int, knobs: dict[str, Any]) -> Passes:
        """Import the engine and load a network; whatever it raises means that it cannot."""


class GraphSession:
    """A converted network in an engine, a detector's boxes included."""

    def __init__(self, passes: Passes, conversion: Conversion, title: str) -> None:
        self.thread_safe = passes.thread_safe
        self.model_bytes = conversion.file_bytes
        self._passes = passes
        self._detection = conversion.graph.detection if conversion.has_graph else None
        self._role = conversion.role
        self._title = title
        # Nothing is counted of an ONNX file.
        costs = conversion.graph.costs() if conversion.has_graph else ()
        self._gflops = sum(cost.flops for cost in costs) / 1e9
        self._weights_bytes = sum(cost.weights_bytes for cost in costs) or self.model_bytes
        self._activations_bytes = sum(cost.output_bytes for cost in costs)

    def run(self, blob: Blob) -> tuple[NDArray[np.float32], ...]:
        """Return the network's outputs as OpenCV gives them; a detector's are its rows.

        Raises:
            EngineError: the engine refuses the blob.
        """
        try:
            outputs = self._passes.run(blob)
        except Exception as error:
            raise EngineError(
                "{engine} could not run the {role} network on this photo.",
                engine=self._title,
                role=self._role,
            ) from error
        if self._detection is None:
            return tuple(outputs)
        return (self._detection.rows(outputs, (blob.shape[3], blob.shape[2])),)

    def layer_times(self, blob: Blob) -> NetworkProfile:
        """Run a few passes; the layers are those of one pass more, where the engine tells."""
        times_ms = []
        for _ in range(1 + _PROFILE_PASSES):
            started = time.perf_counter()
            self.run(blob)
            times_ms.append((time.perf_counter() - started) * 1e3)
        return NetworkProfile(
            gflops=self._gflops,
            weights_bytes=self._weights_bytes,
            activations_bytes=self._activations_bytes,
            forward_ms=statistics.median(times_ms[1:]),
            layers=self._passes.layer_times(blob),
            backend=self._title,
            target="CPU",
        )


def _threads(options: RuntimeOptions) -> int:
    return options.threads or threads_within_quota(read_limits())


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.partition("+")[0].split(".") if part.isdigit())


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120]
