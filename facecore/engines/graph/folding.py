"""Layers that need no pass of their own go into their neighbours; the answers stay the same."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from facecore.engines.graph.layers import Graph, Layer

_TAKES_RELU = ("conv", "dense", "affine", "add")


def folded(graph: Graph) -> Graph:
    """Return the same network with fewer layers.

    A batch norm goes into the convolution or the scaling before it, a pure scaling into
    the convolution after it, a ReLU into whatever makes the numbers that it cuts.
    """
    uses = Counter(name for layer in graph.layers for name in layer.inputs)
    uses.update(graph.outputs)
    layers: dict[str, Layer] = {}
    for layer in graph.layers:
        # What is merged takes the later name, so that nobody has to be told.
        before = layers.get(layer.inputs[0])
        merged = _merged(before, layer) if before and uses[before.name] == 1 else None
        if before and merged:
            del layers[before.name]
        layers[layer.name] = merged or layer
    return replace(graph, layers=tuple(layers.values()))


def _merged(before: Layer, layer: Layer) -> Layer | None:
    """Make one of a layer and the one before it, which nobody else uses; None where one cannot."""
    if layer.kind == "relu" and before.kind in _TAKES_RELU:
        return replace(before, name=layer.name, relu=True)
    if before.relu:
        return None
    if layer.kind == "affine" and before.kind in ("conv", "affine"):
        weights, bias = before.arrays
        scale, shift = layer.arrays
        along = scale.reshape(-1, *(1,) * (weights.ndim - 1))
        return replace(
            before,
            name=layer.name,
            weights=weights * along,
            bias=bias * scale + shift,
            relu=layer.relu,
        )
    if before.kind == "affine" and layer.kind == "conv" and not np.any(before.arrays[1]):
        weights, _ = layer.arrays
        scale, _ = before.arrays
        return replace(layer, inputs=before.inputs, weights=weights * scale[None, :, None, None])
    return None
