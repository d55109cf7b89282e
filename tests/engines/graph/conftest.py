"""The three real networks as graphs, and as OpenCV's nets to compare with."""

from __future__ import annotations

import cv2
import pytest

from facecore.engines.graph.caffe import read_caffe
from facecore.engines.graph.layers import Graph
from facecore.models.catalogue import network_specs
from facecore.models.files import verified_path


@pytest.fixture(scope="session")
def graphs() -> dict[str, Graph]:
    """The networks by role."""
    return {
        spec.role: read_caffe(
            verified_path(spec.file("architecture")).read_text(encoding="utf-8"),
            verified_path(spec.file("weights")).read_bytes(),
        )
        for spec in network_specs()
    }


@pytest.fixture(scope="session")
def caffe_nets() -> dict[str, cv2.dnn.Net]:
    """OpenCV's own reading of the same files, by role."""
    return {
        spec.role: cv2.dnn.readNetFromCaffe(
            str(verified_path(spec.file("architecture"))), str(verified_path(spec.file("weights")))
        )
        for spec in network_specs()
    }
