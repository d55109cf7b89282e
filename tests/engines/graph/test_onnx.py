"""The ONNX files: ONNX's own checker takes them, and they say what Caffe's files say."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import onnx
import pytest

from facecore.engines.graph.layers import Graph
from facecore.engines.graph.onnx import onnx_bytes
from facecore.models.catalogue import network_spec
from tests.conftest import SAMPLES


@pytest.mark.parametrize(
    ("role", "batch_norms"),
    [
        ("detector", True),
        ("detector", False),
        ("gender", True),
        ("age", True),
    ],
)
def test_the_checker_takes_it(graphs: dict[str, Graph], role: str, batch_norms: bool) -> None:
    """Shapes follow from the input's, and what may vary is symbolic."""
    model = onnx.load_from_string(onnx_bytes(graphs[role], batch_norms=batch_norms))
    onnx.checker.check_model(model, full_check=True)
    dims = model.graph.input[0].type.tensor_type.shape.dim
    fixed = [dim.dim_value for dim in dims]
    assert fixed == ([0, 3, 0, 0] if role == "detector" else [0, 3, 227, 227])
    assert [output.name for output in model.graph.output] == list(graphs[role].outputs)


@pytest.mark.slow
@pytest.mark.parametrize(("role", "count"), [("gender", 1), ("age", 3)])
def test_probabilities_are_caffes(
    graphs: dict[str, Graph], caffe_nets: dict[str, cv2.dnn.Net], role: str, count: int
) -> None:
    """OpenCV gives the same answers from the ONNX file as from Caffe's."""
    image = cv2.imread(str(SAMPLES / "astronaut.png"))
    assert image is not None
    crops = [image[:200, 150 + 10 * number : 350] for number in range(count)]
    mean = network_spec(role).mean_bgr
    blob = cv2.dnn.blobFromImages(crops, 1.0, (227, 227), mean)
    converted = cv2.dnn.readNetFromONNX(np.frombuffer(onnx_bytes(graphs[role]), np.uint8))
    for net in (converted, caffe_nets[role]):
        net.setInput(blob)
    np.testing.assert_allclose(converted.forward(), caffe_nets[role].forward(), atol=1e-5)


def test_a_power_that_no_root_makes_is_refused(graphs: dict[str, Graph]) -> None:
    """Better no file than a wrong one."""
    graph = graphs["age"]
    odd = tuple(replace(lay, power=0.6) if lay.kind == "norm" else lay for lay in graph.layers)
    with pytest.raises(ValueError, match="power"):
        onnx_bytes(replace(graph, layers=odd))
