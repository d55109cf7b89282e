"""A graph as the bytes of a TensorFlow Lite file, by the schema that LiteRT's wheel brings.

Channels come last there. https://github.com/tensorflow/tensorflow/blob/master/tensorflow/
compiler/mlir/lite/schema/schema.fbs
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from facecore.engines.graph.layers import INPUT, Graph, Layer, Shape

_FILE_IDENTIFIER = b"TFL3"
_SCHEMA_VERSION = 3


def tflite_bytes(graph: Graph) -> bytes:
    """Return a TensorFlow Lite model for one picture of the size as trained.

    Raises:
        ValueError: a layer cannot be said in its operators.
    """
    writing = _Writing(graph)
    for layer in graph.layers:
        writing.take(layer)
    model = schema.ModelT()
    model.version = _SCHEMA_VERSION
    model.description = "facecore"
    model.subgraphs = [writing.subgraph]
    model.buffers = writing.buffers
    model.operatorCodes = writing.codes
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), _FILE_IDENTIFIER)
    return bytes(builder.Output())


class _Writing:
    def __init__(self, graph: Graph) -> None:
        self._shapes: dict[str, Shape] = {INPUT: (3, *graph.input_wh[::-1])}
        self._shapes |= {cost.layer.name: cost.output_shape for cost in graph.costs()}
        self._layers = {layer.name: layer for layer in graph.layers}
        self._places: dict[str, int] = {}
        self.codes: list[Any] = []
        self.buffers: list[Any] = [schema.BufferT()]
        self.subgraph = schema.SubGraphT()
        self.subgraph.tensors = []
        self.subgraph.operators = []
        self.subgraph.inputs = [self._made(INPUT)]
        self.subgraph.outputs = [self._made(name) for name in graph.outputs]

    def take(self, layer: Layer) -> None:
        source, target = self._made(layer.inputs[0]), self._made(layer.name)
        if layer.kind == "conv":
            self._convolution(layer, source, target)
        elif layer.kind == "max_pool":
            self._pool(layer, source, target)
        elif layer.kind == "dense":
            self._dense(layer, source, target)
        elif layer.kind == "affine":
            scale, shift = layer.arrays
            scaled = self._between(layer, self._shapes[layer.name])
            self._operator("MUL", [source, self._constant(scale)], scaled, schema.MulOptionsT())
            self._add([scaled, self._constant(shift)], target, relu=layer.relu)
        elif layer.kind == "add":
            self._add([self._made(name) for name in layer.inputs], target, relu=layer.relu)
        elif layer.kind == "norm":
            self._norm(layer, source, target)
        elif layer.kind == "softmax":
            options = schema.SoftmaxOptionsT()
            options.beta = 1.0
            self._operator("SOFTMAX", [source], target, options)
        else:
            self._operator("RELU", [source], target)

    def _convolution(self, layer: Layer, source: int, target: int) -> None:
        weights, bias = layer.arrays
        same = layer.stride == 1 and 2 * layer.pad == layer.dilation * (layer.kernel - 1)
        if layer.pad and not same:
            source = self._padded(layer, source, layer.pad, layer.pad)
        options = schema.Conv2DOptionsT()
        options.padding = schema.Padding.SAME if same else schema.Padding.VALID
        options.strideW = options.strideH = layer.stride
        options.dilationWFactor = options.dilationHFactor = layer.dilation
        options.fusedActivationFunction = _activation(layer.relu)
        inputs = [source, self._constant(weights.transpose(0, 2, 3, 1)), self._constant(bias)]
        self._operator("CONV_2D", inputs, target, options)

    def _pool(self, layer: Layer, source: int, target: int) -> None:
        before = self._layers[layer.inputs[0]]
        if not before.relu:
            # Only then is a zero at the edge never the largest.
            raise ValueError(f"{layer.name} comes after no ReLU")
        # Rounding up is rounding down with a window's step more to look at.
        end = layer.pad + layer.stride - 1
        source = self._padded(layer, source, layer.pad, end)
        options = schema.Pool2DOptionsT()
        options.padding = schema.Padding.VALID
        options.strideW = options.strideH = layer.stride
        options.filterWidth = options.filterHeight = layer.kernel
        self._operator("MAX_POOL_2D", [source], target, options)

    def _dense(self, layer: Layer, source: int, target: int) -> None:
        weights, bias = layer.arrays
        shape = self._shapes[layer.inputs[0]]
        if len(shape) > 1:
            filters = weights.reshape(-1, *shape)
            weights = np.moveaxis(filters, 1, -1).reshape(len(weights), -1)
            flat = self._between(layer, (weights.size // len(weights),))
            wanted = self._constant(np.array([-1, weights.size // len(weights)], dtype=np.int32))
            self._operator("RESHAPE", [source, wanted], flat, schema.ReshapeOptionsT())
            source = flat
        options = schema.FullyConnectedOptionsT()
        options.fusedActivationFunction = _activation(layer.relu)
        inputs = [source, self._constant(weights), self._constant(bias)]
        self._operator("FULLY_CONNECTED", inputs, target, options)

    def _norm(self, layer: Layer, source: int, target: int) -> None:
        weights, bias = layer.arrays
        shape = self._shapes[layer.name]
        sums: Shape = (len(weights), *shape[1:])
        square = self._between(layer, shape)
        total, root = (self._between(layer, sums) for _ in range(2))
        self._operator("MUL", [source, source], square, schema.MulOptionsT())
        options = schema.Conv2DOptionsT()
        options.padding = schema.Padding.VALID
        options.strideW = options.strideH = 1
        inputs = [square, self._constant(weights.transpose(0, 2, 3, 1)), self._constant(bias)]
        self._operator("CONV_2D", inputs, total, options)
        self._operator("SQRT", [total], root)
        if layer.power == 0.75:
            fourth, root_and_fourth = (self._between(layer, sums) for _ in range(2))
            self._operator("SQRT", [root], fourth)
            self._operator("MUL", [root, fourth], root_and_fourth, schema.MulOptionsT())
            root = root_and_fourth
        elif layer.power != 0.5:
            raise ValueError(f"{layer.name}: a power of {layer.power:g} is not known")
        self._operator("DIV", [source, root], target, schema.DivOptionsT())

    def _padded(self, layer: Layer, source: int, begin: int, end: int) -> int:
        channels, *lengths = self._shapes[layer.inputs[0]]
        padded = self._between(layer, (channels, *(n + begin + end for n in lengths)))
        sides = np.array([(0, 0), (begin, end), (begin, end), (0, 0)], dtype=np.int32)
        self._operator("PAD", [source, self._constant(sides)], padded, schema.PadOptionsT())
        return padded

    def _add(self, inputs: list[int], target: int, *, relu: bool) -> None:
        options = schema.AddOptionsT()
        options.fusedActivationFunction = _activation(relu)
        self._operator("ADD", inputs, target, options)

    def _operator(self, name: str, inputs: Sequence[int], output: int, options: Any = None) -> None:
        operator = schema.OperatorT()
        operator.opcodeIndex = self._code(getattr(schema.BuiltinOperator, name))
        operator.inputs, operator.outputs = list(inputs), [output]
        if options is not None:
            kind = type(options).__name__.removesuffix("T")
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
            operator.builtinOptions = options
        self.subgraph.operators.append(operator)

    def _code(self, builtin: int) -> int:
        for place, code in enumerate(self.codes):
            if code.builtinCode == builtin:
                return place
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = builtin
        code.version = 1
        self.codes.append(code)
        return len(self.codes) - 1

    def _made(self, name: str) -> int:
        """Return the place of the tensor that a layer makes, or of the input."""
        if name not in self._places:
            shape = self._shapes[name]
            self._places[name] = self._tensor(name, (1, *shape[1:], shape[0]), np.float32, 0)
        return self._places[name]

    def _between(self, layer: Layer, shape: Shape) -> int:
        """Return the place of a tensor that only this layer knows.

        Its shape would be inferred, but too late for the fast kernels to be chosen.
        """
        name = f"{layer.name}_{len(self.subgraph.tensors)}"
        return self._tensor(name, (1, *shape[1:], shape[0]), np.float32, 0)

    def _constant(self, array: NDArray[Any]) -> int:
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(np.ascontiguousarray(array).tobytes(), dtype=np.uint8)
        self.buffers.append(buffer)
        place = len(self.buffers) - 1
        return self._tensor(f"constant_{place}", array.shape, array.dtype.type, place)

    def _tensor(self, name: str, shape: Sequence[int], kind: Any, buffer: int) -> int:
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.buffer = name, list(shape), buffer
        types = schema.TensorType
        tensor.type = types.INT32 if kind is np.int32 else types.FLOAT32
        self.subgraph.tensors.append(tensor)
        return len(self.subgraph.tensors) - 1


def _activation(relu: bool) -> int:
    kinds = schema.ActivationFunctionType
    activation: int = kinds.RELU if relu else kinds.NONE
    return activation
