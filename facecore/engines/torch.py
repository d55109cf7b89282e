"""PyTorch, whose graph is traced once: faster than layer by layer, the slowest to start."""

from __future__ import annotations

import threading
import warnings
from typing import Any

import numpy as np

from facecore.engines.base import Blob, Knob
from facecore.engines.facts import LayerTime
from facecore.engines.graph.conversion import Conversion
from facecore.engines.graph.layers import INPUT, Graph, Layer
from facecore.engines.graph.session import Arrays, GraphEngine, Passes


class Torch(GraphEngine):
    """Runs the graph itself: no file is made of it."""

    name = "torch"
    title = "PyTorch"
    package = "torch"
    distribution = "torch"
    oldest = "2.4"
    below = "3"
    article_stars = 1
    knobs = (
        Knob(
            name="traced",
            label="traced",
            help="Runs a frozen trace (TorchScript) instead of one layer after the other.",
            default=True,
        ),
    )

    def load(self, conversion: Conversion, threads: int, knobs: dict[str, Any]) -> Passes:
        """Copy the weights into PyTorch's tensors, and trace them."""
        return _Module(conversion.graph, threads, traced=knobs["traced"])


ENGINE = Torch()

# The number of threads belongs to the process, and so do the filters of warnings.
_THREADS = threading.Lock()


class _Module(Passes):
    def __init__(self, graph: Graph, threads: int, *, traced: bool) -> None:
        import torch  # noqa: PLC0415 - only once it is chosen

        self._torch = torch
        self._threads = threads
        module = _module(torch, graph)
        if traced:
            width, height = graph.input_wh
            with _THREADS, warnings.catch_warnings(), torch.inference_mode():
                warnings.simplefilter("ignore", DeprecationWarning)
                example = torch.zeros(1, 3, height, width)
                frozen = torch.jit.freeze(torch.jit.trace(module, example, check_trace=False))
                module = torch.jit.optimize_for_inference(frozen)
        self._module = module

    def layer_times(self, blob: Blob) -> tuple[LayerTime, ...]:
        self.run(blob)
        with self._torch.profiler.profile() as profile:
            self.run(blob)
        return tuple(
            LayerTime(
                f"{place}", event.name.removeprefix("aten::"), event.self_cpu_time_total / 1e3
            )
            for place, event in enumerate(profile.events())
            if event.name.startswith("aten::") and event.self_cpu_time_total > 0
        )

    def run(self, blob: Blob) -> Arrays:
        torch = self._torch
        with _THREADS, torch.inference_mode():
            if torch.get_num_threads() != self._threads:
                torch.set_num_threads(self._threads)
            return [np.array(output.numpy()) for output in self._module(torch.from_numpy(blob))]


def _module(torch: Any, graph: Graph) -> Any:
    class Layers(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            for place, layer in enumerate(graph.layers):
                for kind, array in (("weights", layer.weights), ("bias", layer.bias)):
                    if array is not None:
                        self.register_buffer(f"{kind}_{place}", torch.tensor(array))

        def forward(self, blob: Any) -> tuple[Any, ...]:
            made = {INPUT: blob}
            for place, layer in enumerate(graph.layers):
                weights = getattr(self, f"weights_{place}", None)
                bias = getattr(self, f"bias_{place}", None)
                inputs = [made[name] for name in layer.inputs]
                result = _apply(torch.nn.functional, layer, inputs, weights, bias)
                made[layer.name] = result.relu() if layer.relu else result
            return tuple(made[name] for name in graph.outputs)

    return Layers().eval()


def _apply(functional: Any, layer: Layer, inputs: list[Any], weights: Any, bias: Any) -> Any:
    source = inputs[0]
    match layer.kind:
        case "conv":
            look = (layer.stride, layer.pad, layer.dilation)
            result = functional.conv2d(source, weights, bias, *look)
        case "max_pool":
            look = (layer.kernel, layer.stride, layer.pad)
            result = functional.max_pool2d(source, *look, ceil_mode=True)
        case "dense":
            result = functional.linear(source.flatten(1), weights, bias)
        case "affine":
            result = source * weights.view(-1, 1, 1) + bias.view(-1, 1, 1)
        case "norm":
            root = functional.conv2d(source * source, weights, bias).sqrt()
            # Roots are faster than any other power.
            result = source / (
                root * root.sqrt() if layer.power == 0.75 else root ** (2 * layer.power)
            )
        case "add":
            result = source + inputs[1]
        case "softmax":
            result = source.softmax(1)
        case "relu":
            result = source.relu()
    return result
