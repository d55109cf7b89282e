"""The three networks as graphs: their layers, shapes and costs against OpenCV's."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from facecore.engines.graph.caffe import read_caffe
from facecore.engines.graph.caffemodel import read_blobs
from facecore.engines.graph.layers import Graph
from facecore.engines.graph.protobuf import field
from facecore.models.catalogue import network_spec
from facecore.models.files import verified_path

DETECTOR = network_spec("detector")
ARCHITECTURE = verified_path(DETECTOR.file("architecture")).read_text(encoding="utf-8")
WEIGHTS = verified_path(DETECTOR.file("weights")).read_bytes()


def test_no_bytes_have_no_weights() -> None:
    """An empty file is a network without arrays."""
    assert read_blobs(b"") == {}


def test_blobs_are_those_that_opencv_reads(caffe_nets: dict[str, cv2.dnn.Net]) -> None:
    """A convolution's weights are the same numbers, in both dialects of the file."""
    for role, layer in (("detector", "conv6_1_h"), ("age", "conv1")):
        path = verified_path(network_spec(role).file("weights"))
        ours = read_blobs(path.read_bytes())[layer][0]
        net = caffe_nets[role]
        theirs = net.getParam(net.getLayerId(layer), 0)
        np.testing.assert_array_equal(ours.ravel(), np.asarray(theirs).ravel())


@pytest.mark.parametrize(
    ("role", "layers", "gflops"), [("detector", 37, 2.36), ("gender", 12, 1.42), ("age", 12, 1.42)]
)
def test_what_can_be_folded_is(
    graphs: dict[str, Graph], role: str, layers: int, gflops: float
) -> None:
    """Few layers are left, none of them a ReLU, and they cost what the networks cost."""
    graph = graphs[role]
    assert len(graph.layers) == layers
    assert all(layer.kind != "relu" for layer in graph.layers)
    assert sum(cost.flops for cost in graph.costs()) / 1e9 == pytest.approx(gflops, abs=0.01)


@pytest.mark.parametrize("size_wh", [(300, 300), (400, 225), (301, 177), (97, 1200)])
def test_shapes_are_opencvs(
    graphs: dict[str, Graph], caffe_nets: dict[str, cv2.dnn.Net], size_wh: tuple[int, int]
) -> None:
    """Every head is as large as OpenCV's convolution of that name, whatever the input's size."""
    net = caffe_nets["detector"]
    net.setInput(np.zeros((1, 3, size_wh[1], size_wh[0]), np.float32))
    names = graphs["detector"].outputs
    theirs = [head.shape for head in net.forward(list(names))]
    shapes = {c.layer.name: c.output_shape for c in graphs["detector"].costs(size_wh)}
    assert [shapes[name][1:] for name in names] == [shape[2:] for shape in theirs]


def test_a_file_that_is_cut_off_is_refused() -> None:
    """Half of the weights are no network."""
    with pytest.raises(ValueError):
        read_caffe(ARCHITECTURE, WEIGHTS[: len(WEIGHTS) // 2])


def test_a_layer_that_nobody_knows_is_refused() -> None:
    """The error says which type it is."""
    text = 'input: "data" layer { name: "a" type: "Odd" bottom: "data" }'
    with pytest.raises(ValueError, match="Odd"):
        read_caffe(text, b"")


def test_numbers_that_do_not_fill_their_shape_are_refused() -> None:
    """A blob of two numbers that claims three."""
    blob = field(5, np.zeros(2, "<f4").tobytes()) + field(7, field(1, 3))
    with pytest.raises(ValueError, match="do not fill"):
        read_blobs(field(100, field(1, "layer") + field(7, blob)))
