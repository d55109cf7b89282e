"""A graph as the bytes of an ONNX file, written without ONNX's library.

Field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto; operators of set 13.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from facecore.engines.graph.layers import INPUT, Graph, Layer, Weights
from facecore.engines.graph.protobuf import Value, field, fields, fixed32

_IR_VERSION, _OPERATOR_SET = 8, 13
_FLOAT, _FLOAT_ATTRIBUTE, _INT_ATTRIBUTE, _INTS_ATTRIBUTE = 1, 1, 2, 7

_Attribute = int | float | tuple[int, ...]


def onnx_bytes(graph: Graph, *, batch_norms: bool = True) -> bytes:
    """Return an ONNX model with the graph's input and outputs.

    The number of pictures is symbolic, and so are height and width where the network is
    convolutional. A detector gives its heads: priors and boxes are not in the file.

    Args:
        graph: the network.
        batch_norms: say the scaling of channels as batch norms, which most engines run
            faster, not as a product and a sum, which all of them understand.
    """
    writing = _Writing(batch_norms)
    for layer in graph.layers:
        writing.take(layer)
    shapes = {cost.layer.name: cost.output_shape for cost in graph.costs()}
    width, height = graph.input_wh
    sides: tuple[int | str, ...] = (height, width) if graph.fixed_size else ("height", "width")
    content = [*writing.nodes, field(2, "facecore"), *writing.tensors]
    content.append(field(11, _value_info(INPUT, ("pictures", 3, *sides))))
    for name in graph.outputs:
        channels, *rest = shapes[name]
        named = [f"{name}_{side}" for side in ("height", "width")][: len(rest)]
        content.append(field(12, _value_info(name, ("pictures", channels, *named))))
    operators = field(8, field(1, "") + field(2, _OPERATOR_SET))
    header = field(1, _IR_VERSION) + field(2, "facecore") + operators
    return header + field(7, b"".join(content))


def with_any_size(content: bytes) -> bytes:
    """Return an ONNX model of one input that says nothing of the sizes of what goes in and out.

    Some engines refuse what is not as large as the file says, also where the network could.

    Raises:
        ValueError: the bytes are no ONNX model.
    """
    model = ((number, _plain(value)) for number, value in fields(memoryview(content)))
    return b"".join(field(n, _graph_of_any_size(v) if n == 7 else v) for n, v in model)


def _graph_of_any_size(graph: int | bytes) -> bytes:
    parts = []
    for number, value in fields(memoryview(bytes(graph))):
        part = _plain(value)
        if number in (11, 12):
            name = next(bytes(v).decode() for n, v in fields(memoryview(bytes(part))) if n == 1)
            part = (
                _value_info(name, ("pictures", 3, "height", "width"))
                if number == 11
                else field(1, name) + field(2, field(1, field(1, _FLOAT)))
            )
        if number != 13:  # the sizes in between
            parts.append(field(number, part))
    return b"".join(parts)


def _plain(value: Value) -> int | bytes:
    return value if isinstance(value, int) else bytes(value)


class _Writing:
    def __init__(self, batch_norms: bool) -> None:
        self._batch_norms = batch_norms
        self.nodes: list[bytes] = []
        self.tensors: list[bytes] = []

    def take(self, layer: Layer) -> None:
        made = f"{layer.name}_before_relu" if layer.relu else layer.name
        source = layer.inputs[0]
        if layer.kind in ("conv", "max_pool"):
            self._windowed(layer, made)
        elif layer.kind == "dense":
            flat = f"{layer.name}_flat"
            self._node("Flatten", (source,), flat, axis=1)
            self._node("Gemm", (flat, *self._constants(layer)), made, transB=1)
        elif layer.kind == "affine":
            self._affine(layer, made)
        elif layer.kind == "norm":
            self._norm(layer)
        elif layer.kind == "softmax":
            self._node("Softmax", (source,), made, axis=1)
        else:
            self._node({"add": "Add", "relu": "Relu"}[layer.kind], layer.inputs, made)
        if layer.relu:
            self._node("Relu", (made,), layer.name)

    def _windowed(self, layer: Layer, made: str) -> None:
        source = layer.inputs[0]
        sides, steps = (layer.kernel,) * 2, (layer.stride,) * 2
        # A pool's rounding up is rounding down with a window's step more to look at.
        end = layer.pad + (layer.stride - 1 if layer.kind == "max_pool" else 0)
        window = {"kernel_shape": sides, "strides": steps, "pads": (*(layer.pad,) * 2, end, end)}
        if layer.kind == "max_pool":
            self._node("MaxPool", (source,), made, **window)
        else:
            inputs = (source, *self._constants(layer))
            self._node("Conv", inputs, made, **window, dilations=(layer.dilation,) * 2)

    def _affine(self, layer: Layer, made: str) -> None:
        if not self._batch_norms:
            scale, shift = (array.reshape(-1, 1, 1) for array in layer.arrays)
            scaled = f"{layer.name}_scaled"
            factors = self._tensor(f"{layer.name}_scale", scale)
            self._node("Mul", (layer.inputs[0], factors), scaled)
            self._node("Add", (scaled, self._tensor(f"{layer.name}_shift", shift)), made)
            return
        # As a batch norm of mean 0 and variance 1, which engines know where to put: they
        # keep the layout of the data that suits the convolutions around it.
        channels = len(layer.arrays[0])
        mean = self._tensor(f"{layer.name}_mean", np.zeros(channels, np.float32))
        variance = self._tensor(f"{layer.name}_variance", np.ones(channels, np.float32))
        inputs = (layer.inputs[0], *self._constants(layer), mean, variance)
        self._node("BatchNormalization", inputs, made, epsilon=0.0)

    def _norm(self, layer: Layer) -> None:
        # The sum over neighbouring channels is a 1×1 convolution, for which every engine
        # has fast code; the power is made of roots for the same reason.
        name, source = layer.name, layer.inputs[0]
        square, total, root = f"{name}_square", f"{name}_sum", f"{name}_root"
        self._node("Mul", (source, source), square)
        self._node("Conv", (square, *self._constants(layer)), total, kernel_shape=(1, 1))
        self._node("Sqrt", (total,), root)
        if layer.power == 0.75:
            fourth = f"{name}_fourth_root"
            self._node("Sqrt", (root,), fourth)
            self._node("Mul", (root, fourth), f"{name}_power")
            root = f"{name}_power"
        elif layer.power != 0.5:
            raise ValueError(f"{name}: a power of {layer.power:g} is not known")
        self._node("Div", (source, root), name)

    def _constants(self, layer: Layer) -> tuple[str, str]:
        weights, bias = layer.arrays
        return self._tensor(f"{layer.name}_w", weights), self._tensor(f"{layer.name}_b", bias)

    def _tensor(self, name: str, array: Weights) -> str:
        dims = b"".join(field(1, side) for side in array.shape)
        raw = field(9, np.ascontiguousarray(array, dtype="<f4").tobytes())
        self.tensors.append(field(5, dims + field(2, _FLOAT) + field(8, name) + raw))
        return name

    def _node(
        self, operator: str, inputs: Sequence[str], output: str, **attributes: _Attribute
    ) -> None:
        words = b"".join(field(1, name) for name in inputs)
        settings = b"".join(field(5, _attribute(*item)) for item in attributes.items())
        self.nodes.append(
            field(1, words + field(2, output) + field(3, output) + field(4, operator) + settings)
        )


def _attribute(name: str, value: _Attribute) -> bytes:
    if isinstance(value, float):
        return field(1, name) + fixed32(2, value) + field(20, _FLOAT_ATTRIBUTE)
    if isinstance(value, int):
        return field(1, name) + field(3, value) + field(20, _INT_ATTRIBUTE)
    numbers = b"".join(field(8, number) for number in value)
    return field(1, name) + numbers + field(20, _INTS_ATTRIBUTE)


def _value_info(name: str, dims: Sequence[int | str]) -> bytes:
    sides = b"".join(field(1, field(1 if isinstance(dim, int) else 2, dim)) for dim in dims)
    return field(1, name) + field(2, field(1, field(1, _FLOAT) + field(2, sides)))
