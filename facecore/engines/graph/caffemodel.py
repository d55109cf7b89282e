"""The weights in a ``.caffemodel``, both of its dialects.

Field numbers: https://github.com/BVLC/caffe/blob/master/src/caffe/proto/caffe.proto
"""

from __future__ import annotations

import math
from mmap import mmap

import numpy as np
from numpy.typing import NDArray

from facecore.engines.graph import protobuf

_LAYER, _LAYER_V1 = 100, 2  # NetParameter.layer and .layers
_NAME_AND_BLOBS = {_LAYER: (1, 7), _LAYER_V1: (4, 6)}
_BLOB_DATA, _BLOB_SHAPE, _SHAPE_DIM = 5, 7, 1
_OLD_DIMS = (1, 2, 3, 4)  # BlobProto.num, .channels, .height, .width


def read_blobs(content: bytes | mmap) -> dict[str, tuple[NDArray[np.float32], ...]]:
    """Return the arrays of every layer that has some, by its name; views into the bytes.

    Raises:
        ValueError: the bytes are no such file.
    """
    blobs: dict[str, tuple[NDArray[np.float32], ...]] = {}
    for number, value in protobuf.fields(memoryview(content)):
        if number not in _NAME_AND_BLOBS or isinstance(value, int):
            continue
        name_field, blobs_field = _NAME_AND_BLOBS[number]
        layer = list(protobuf.fields(value))
        names = [bytes(text) for n, text in layer if n == name_field and not isinstance(text, int)]
        arrays = tuple(_blob(b) for n, b in layer if n == blobs_field and not isinstance(b, int))
        if names and arrays:
            blobs[names[0].decode()] = arrays
    return blobs


def _blob(message: memoryview) -> NDArray[np.float32]:
    dims: list[int] = []
    old_dims: dict[int, int] = {}
    values: list[NDArray[np.float32]] = []
    for number, value in protobuf.fields(message):
        if isinstance(value, int):
            if number in _OLD_DIMS:
                old_dims[number] = value
        elif number == _BLOB_DATA:
            values.append(np.frombuffer(value, dtype="<f4"))
        elif number == _BLOB_SHAPE:
            for n, dim in protobuf.fields(value):
                if n == _SHAPE_DIM:
                    dims += [dim] if isinstance(dim, int) else protobuf.varints(dim)
    shape = dims or [old_dims.get(number, 1) for number in _OLD_DIMS]
    array = values[0] if len(values) == 1 else np.concatenate([*values, np.empty(0, "<f4")])
    if array.size != math.prod(shape):
        raise ValueError(f"{array.size} numbers do not fill the shape {shape}")
    return array.reshape(shape)
