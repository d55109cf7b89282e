"""The detector's tail in numpy against OpenCV's own layer, fed with the same heads."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from facecore.engines.graph.detection import DetectionOutput
from facecore.engines.graph.layers import Graph
from facecore.imaging.decoding import decode_image
from facecore.models.catalogue import network_spec
from tests.conftest import SAMPLES

SIZES_WH = ((300, 300), (400, 225), (260, 347), (301, 299), (900, 507))


def _heads(
    net: cv2.dnn.Net, graph: Graph, blob: NDArray[np.float32]
) -> tuple[list[NDArray[np.float32]], NDArray[np.float32]]:
    """Run OpenCV's net; its raw heads, joined as the graph joins them, and its rows."""
    net.setInput(blob)
    names = [*graph.outputs, *(name.replace("_loc", "_conf") for name in graph.outputs)]
    *parts, rows = net.forward([*names, "detection_out"])
    half = len(parts) // 2
    pairs = zip(parts[:half], parts[half:], strict=True)
    return [np.concatenate(pair, axis=1) for pair in pairs], np.asarray(rows, np.float32)


def _tail(graphs: dict[str, Graph]) -> DetectionOutput:
    tail = graphs["detector"].detection
    assert tail is not None
    return tail


def test_no_box_is_no_row(graphs: dict[str, Graph]) -> None:
    """Where the background is sure everywhere, the answer has the shape of no rows."""
    tail = _tail(graphs)
    heads = [np.zeros((1, grid.channels, 2, 2), np.float32) for grid in tail.grids]
    assert replace(tail, confidence_floor=0.6).rows(heads, (300, 300)).shape == (1, 1, 0, 7)


@pytest.mark.parametrize("name", ["astronaut.png", "grace_hopper.jpg"])
@pytest.mark.parametrize("size_wh", SIZES_WH)
def test_rows_are_opencvs(
    graphs: dict[str, Graph],
    caffe_nets: dict[str, cv2.dnn.Net],
    name: str,
    size_wh: tuple[int, int],
) -> None:
    """Whatever the input's size, the same boxes in the same order, to a millionth."""
    image = decode_image((SAMPLES / name).read_bytes())
    blob = cv2.dnn.blobFromImage(image, 1.0, size_wh, network_spec("detector").mean_bgr)
    heads, expected = _heads(caffe_nets["detector"], graphs["detector"], np.asarray(blob))
    rows = _tail(graphs).rows(heads, size_wh)
    # OpenCV fills up with empty rows.
    expected = expected[:, :, expected[0, 0, :, 2] > 0]
    np.testing.assert_allclose(rows, expected, rtol=1e-5, atol=1e-5)


def test_each_picture_of_a_batch_has_its_number(
    graphs: dict[str, Graph], caffe_nets: dict[str, cv2.dnn.Net]
) -> None:
    """Two pictures in one pass give the rows of each, numbered."""
    images = [decode_image(path.read_bytes()) for path in sorted(SAMPLES.glob("*.[jp][pn]g"))]
    blob = cv2.dnn.blobFromImages(images, 1.0, (300, 300), network_spec("detector").mean_bgr)
    heads, _ = _heads(caffe_nets["detector"], graphs["detector"], np.asarray(blob))
    tail = _tail(graphs)
    both = tail.rows(heads, (300, 300))[0, 0]
    for number in range(len(images)):
        alone = tail.rows([head[[number]] for head in heads], (300, 300))[0, 0]
        np.testing.assert_array_equal(both[both[:, 0] == number, 1:], alone[:, 1:])
