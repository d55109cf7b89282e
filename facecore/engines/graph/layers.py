"""A network as a list of layers with their weights, whichever engine will run it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from facecore.engines.graph.detection import DetectionOutput

Weights = NDArray[np.float32]
Shape = tuple[int, ...]
"""Without the batch: (channels, height, width), or (classes,) after a dense layer."""

Kind = Literal["conv", "max_pool", "dense", "affine", "add", "relu", "norm", "softmax"]

INPUT = "data"
"""The name of every graph's one input, shape (N, 3, height, width), float32, BGR."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layer:
    """One step: takes the tensors named by ``inputs`` and makes the one named ``name``.

    Attributes:
        name: of the layer and of what it makes.
        kind: "conv" correlates, "max_pool" takes the largest, "dense" multiplies the
            flattened tensor, "affine" scales and shifts each channel, "add" adds two
            tensors, "relu" cuts at 0, "norm" divides x by (bias + band · x²) ** power
            over the channels, where the weights are the band, shape (C or 1, C, 1, 1),
            and "softmax" goes over the classes.
        inputs: names of earlier layers, or `INPUT`.
        weights: conv (out, in, k, k), dense (out, in), affine (C,), norm as above.
        bias: shape (out,), or (1,) for a norm of one sum.
        kernel: side of the window.
        stride: step of the window.
        pad: zeros (for a pool: nothing) on each side.
        dilation: distance between the window's points.
        power: of a norm.
        relu: cut the result at 0 as well.
    """

    name: str
    kind: Kind
    inputs: tuple[str, ...]
    weights: Weights | None = None
    bias: Weights | None = None
    kernel: int = 1
    stride: int = 1
    pad: int = 0
    dilation: int = 1
    power: float = 0.0
    relu: bool = False

    @property
    def arrays(self) -> tuple[Weights, Weights]:
        """Weights and bias of a layer that has both.

        Raises:
            ValueError: it has none.
        """
        if self.weights is None or self.bias is None:
            raise ValueError(f"layer {self.name} has no weights")
        return self.weights, self.bias

    def side(self, length: int) -> int:
        """Return how long a side becomes in a conv or pool; pools round up, as Caffe's do."""
        free = length + 2 * self.pad - self.dilation * (self.kernel - 1) - 1
        if self.kind == "max_pool":
            free += self.stride - 1
        return free // self.stride + 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cost:
    """What a layer is worth for an input of a given size.

    ``flops`` counts a multiplication and an addition as two, ``output_bytes`` is
    what it makes, ``weights_bytes`` what it reads beside its inputs.
    """

    layer: Layer
    output_shape: Shape
    flops: int
    weights_bytes: int
    output_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Graph:
    """A network: layers in the order in which they run.

    Attributes:
        layers: each uses only earlier ones.
        outputs: names of what is wanted: the probabilities, or a detector's heads.
        input_wh: size of the input as trained, in pixels.
        detection: how the heads become boxes, where the network is a detector.
    """

    layers: tuple[Layer, ...]
    outputs: tuple[str, ...]
    input_wh: tuple[int, int]
    detection: DetectionOutput | None = None

    @property
    def fixed_size(self) -> bool:
        """Whether only `input_wh` fits: a dense layer has as many weights as the picture gives."""
        return any(layer.kind == "dense" for layer in self.layers)

    def costs(self, input_wh: tuple[int, int] | None = None) -> tuple[Cost, ...]:
        """Return the cost of each layer for one picture of this size (as trained where None)."""
        width, height = input_wh or self.input_wh
        shapes: dict[str, Shape] = {INPUT: (3, height, width)}
        return tuple(_costs(self.layers, shapes))


def band(channels: int, window: int, factor: float) -> Weights:
    """Return the matrix that adds up the ``window`` channels around each, times ``factor``.

    Shape (channels, channels, 1, 1), so that a 1×1 convolution does it.
    """
    distance = np.abs(np.subtract.outer(np.arange(channels), np.arange(channels)))
    return np.where(distance <= window // 2, factor, 0).astype(np.float32)[:, :, None, None]


def _costs(layers: tuple[Layer, ...], shapes: dict[str, Shape]) -> Iterator[Cost]:
    for layer in layers:
        source = shapes[layer.inputs[0]]
        shape = shapes[layer.name] = _output_shape(layer, source)
        size = math.prod(shape)
        arrays = [array for array in (layer.weights, layer.bias) if array is not None]
        yield Cost(
            layer=layer,
            output_shape=shape,
            flops=_flops(layer, source, size) + size * layer.relu,
            weights_bytes=sum(array.nbytes for array in arrays),
            output_bytes=4 * size,
        )


def _output_shape(layer: Layer, source: Shape) -> Shape:
    if layer.kind == "dense":
        return (len(layer.arrays[0]),)
    if layer.kind not in ("conv", "max_pool"):
        return source
    channels = len(layer.arrays[0]) if layer.kind == "conv" else source[0]
    return (channels, layer.side(source[1]), layer.side(source[2]))


def _flops(layer: Layer, source: Shape, size: int) -> int:
    if layer.kind in ("conv", "dense"):
        weights, _ = layer.arrays
        return 2 * size * (weights.size // len(weights))
    if layer.kind == "max_pool":
        return size * layer.kernel**2
    if layer.kind == "norm":
        weights, _ = layer.arrays
        # Square, sum of the window, power and division.
        return size * 3 + 2 * int(np.count_nonzero(weights)) * math.prod(source[1:])
    return size * {"affine": 2, "softmax": 3}.get(layer.kind, 1)
