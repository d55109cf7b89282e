"""From Caffe's two files to a graph: read, folded, the detector's tail taken off.

What the layers do: https://caffe.berkeleyvision.org/tutorial/layers.html and, for SSD's,
https://github.com/weiliu89/caffe/tree/ssd. Pools round up; a batch norm's first two
blobs are divided by the third.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from mmap import mmap

import numpy as np
from numpy.typing import NDArray

from facecore.engines.graph.caffemodel import read_blobs
from facecore.engines.graph.detection import DetectionOutput, PriorGrid
from facecore.engines.graph.folding import folded
from facecore.engines.graph.layers import INPUT, Graph, Layer, band
from facecore.engines.graph.prototxt import Message, parse

Blobs = Sequence[NDArray[np.float32]]

_BATCH_NORM_EPS = 1e-5
_L2_EPS = 1e-10
# They only arrange a detector's heads, which the numpy tail reads as they are.
_ARRANGING = frozenset({"permute", "flatten", "reshape"})


def read_caffe(architecture: str, weights: bytes | mmap) -> Graph:
    """Return the network that a prototxt and a caffemodel describe.

    Raises:
        ValueError: they are none, do not fit each other, or have a layer that is not known.
    """
    description = parse(architecture)
    blobs = read_blobs(weights)
    reading = _Reading()
    for message in description.messages("layers") + description.messages("layer"):
        reading.take(message, blobs.get(message.text("name"), ()))
    return folded(
        Graph(
            layers=tuple(reading.layers),
            outputs=reading.heads or (reading.layers[-1].name,),
            input_wh=_input_wh(description),
            detection=reading.detection,
        )
    )


def _input_wh(description: Message) -> tuple[int, int]:
    dims = description.numbers("input_dim") or description.message("input_shape").numbers("dim")
    if len(dims) != 4:
        raise ValueError("the input has no four dimensions")
    return int(dims[3]), int(dims[2])


class _Reading:
    """The layers read so far, and by which of them each of Caffe's blobs is made."""

    def __init__(self) -> None:
        self.layers: list[Layer] = []
        self.heads: tuple[str, ...] = ()
        self.detection: DetectionOutput | None = None
        self._makers: dict[str, tuple[str, ...]] = {INPUT: (INPUT,)}
        self._channels = {INPUT: 3}
        self._grids: dict[str, PriorGrid] = {}
        self._variances: set[tuple[float, ...]] = set()

    def take(self, message: Message, blobs: Blobs) -> None:
        name, bottoms = message.text("name"), message.texts("bottom")
        kind = message.text("type").lower().replace("_", "")
        top = message.text("top", name)
        made = tuple(maker for bottom in bottoms for maker in self._makers[bottom])
        if kind == "priorbox":
            param = message.message("prior_box_param")
            self._grids[name] = _prior_grid(param)
            self._variances.add(tuple(param.numbers("variance")))
            made = (name,)
        elif kind == "detectionoutput":
            self._take_detection(message.message("detection_output_param"), bottoms)
        elif self._grids and (kind in ("concat", "softmax") or kind in _ARRANGING):
            pass
        elif kind not in _ARRANGING and kind != "dropout":
            made = (self._add(name, kind, made, message, blobs),)
        self._makers[top] = made

    def _add(
        self, name: str, kind: str, inputs: tuple[str, ...], message: Message, blobs: Blobs
    ) -> str:
        if kind not in _LAYERS:
            raise ValueError(f"layers of type {message.text('type')} are not known")
        channels = self._channels[inputs[0]]
        layer = _LAYERS[kind](
            Layer(name=name, kind="relu", inputs=inputs), message, blobs, channels
        )
        self.layers.append(layer)
        if layer.kind in ("conv", "dense"):
            channels = len(layer.arrays[0])
        self._channels[name] = channels
        if kind != "normalize":
            return name
        factors = blobs[0].ravel()
        scale = _affine(
            Layer(name=f"{name}_scale", kind="relu", inputs=(name,)), factors, np.zeros(channels)
        )
        self.layers.append(scale)
        self._channels[scale.name] = channels
        return scale.name

    def _take_detection(self, param: Message, bottoms: list[str]) -> None:
        locations, classes, priors = (self._makers[bottom] for bottom in bottoms)
        by_name = {layer.name: layer for layer in self.layers}
        heads = [
            _joined(by_name[location], by_name[confidence])
            for location, confidence in zip(locations, classes, strict=True)
        ]
        self.layers = [layer for layer in self.layers if layer.name not in {*locations, *classes}]
        self.layers += heads
        self.heads = tuple(head.name for head in heads)
        nms = param.message("nms_param")
        (variances,) = self._variances
        self.detection = DetectionOutput(
            grids=tuple(self._grids[prior] for prior in priors),
            variances=variances,
            confidence_floor=param.number("confidence_threshold", 0.0),
            candidates=nms.whole("top_k", 400),
            nms_iou=nms.number("nms_threshold", 0.3),
            keep=param.whole("keep_top_k", 200),
        )


def _joined(location: Layer, confidence: Layer) -> Layer:
    """Make one convolution of the two that look at the same tensor in the same way."""
    if _look(location) != _look(confidence):
        raise ValueError(f"{location.name} and {confidence.name} are no two parts of one head")
    both = zip(location.arrays, confidence.arrays, strict=True)
    weights, bias = (np.concatenate(arrays) for arrays in both)
    return replace(location, weights=weights, bias=bias)


def _look(layer: Layer) -> tuple[object, ...]:
    return layer.inputs, layer.kernel, layer.stride, layer.pad, layer.dilation


def _prior_grid(param: Message) -> PriorGrid:
    smallest, largest = param.number("min_size", 0), param.number("max_size", 0)
    sides = [(smallest, smallest), (math.sqrt(smallest * largest),) * 2]
    for ratio in param.numbers("aspect_ratio"):
        wide = (smallest * math.sqrt(ratio), smallest / math.sqrt(ratio))
        sides += [wide, wide[::-1]]
    return PriorGrid(
        sizes_wh=tuple((width, height) for width, height in sides),
        step=param.number("step", 0),
        offset=param.number("offset", 0.5),
    )


def _convolution(layer: Layer, message: Message, blobs: Blobs, _: int) -> Layer:
    param = message.message("convolution_param")
    return replace(
        layer,
        kind="conv",
        weights=blobs[0],
        bias=_bias(blobs),
        kernel=param.whole("kernel_size", 1),
        stride=param.whole("stride", 1),
        pad=param.whole("pad", 0),
        dilation=param.whole("dilation", 1),
    )


def _dense(layer: Layer, _: Message, blobs: Blobs, __: int) -> Layer:
    # The old dialect writes (1, 1, out, in).
    return replace(
        layer, kind="dense", weights=blobs[0].reshape(blobs[0].shape[-2:]), bias=_bias(blobs)
    )


def _bias(blobs: Blobs) -> NDArray[np.float32]:
    if len(blobs) > 1:
        return blobs[1].ravel()
    return np.zeros(len(blobs[0]), dtype=np.float32)


def _pool(layer: Layer, message: Message, _: Blobs, __: int) -> Layer:
    param = message.message("pooling_param")
    if param.text("pool", "MAX") != "MAX":
        raise ValueError(f"{layer.name} is no max pool")
    return replace(
        layer,
        kind="max_pool",
        kernel=param.whole("kernel_size", 1),
        stride=param.whole("stride", 1),
        pad=param.whole("pad", 0),
    )


def _lrn(layer: Layer, message: Message, _: Blobs, channels: int) -> Layer:
    param = message.message("lrn_param")
    window = param.whole("local_size", 5)
    return replace(
        layer,
        kind="norm",
        power=param.number("beta", 0.75),
        weights=band(channels, window, param.number("alpha", 1.0) / window),
        bias=np.full(channels, param.number("k", 1.0), dtype=np.float32),
    )


def _normalize(layer: Layer, message: Message, _: Blobs, channels: int) -> Layer:
    if message.message("norm_param").flag("across_spatial", True):
        raise ValueError(f"{layer.name} does not normalise each point by itself")
    return replace(
        layer,
        kind="norm",
        power=0.5,
        weights=np.ones((1, channels, 1, 1), dtype=np.float32),
        bias=np.full(1, _L2_EPS, dtype=np.float32),
    )


def _batch_norm(layer: Layer, message: Message, blobs: Blobs, _: int) -> Layer:
    mean, variance = (blob.ravel().astype(np.float64) / blobs[2].item() for blob in blobs[:2])
    eps = message.message("batch_norm_param").number("eps", _BATCH_NORM_EPS)
    scale = 1 / np.sqrt(variance + eps)
    return _affine(layer, scale, -mean * scale)


def _scale(layer: Layer, _: Message, blobs: Blobs, channels: int) -> Layer:
    return _affine(
        layer, blobs[0].ravel(), blobs[1].ravel() if len(blobs) > 1 else np.zeros(channels)
    )


def _affine(layer: Layer, scale: NDArray[np.floating], shift: NDArray[np.floating]) -> Layer:
    return replace(
        layer,
        kind="affine",
        weights=scale.astype(np.float32),
        bias=shift.astype(np.float32),
    )


def _add(layer: Layer, message: Message, _: Blobs, __: int) -> Layer:
    if message.message("eltwise_param").text("operation", "SUM") != "SUM":
        raise ValueError(f"{layer.name} is no sum")
    return replace(layer, kind="add")


_LAYERS: dict[str, Callable[[Layer, Message, Blobs, int], Layer]] = {
    "convolution": _convolution,
    "innerproduct": _dense,
    "pooling": _pool,
    "lrn": _lrn,
    "normalize": _normalize,
    "batchnorm": _batch_norm,
    "scale": _scale,
    "eltwise": _add,
    "relu": lambda layer, *_: layer,
    "softmax": lambda layer, *_: replace(layer, kind="softmax"),
}
