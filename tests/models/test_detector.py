"""From the detector's output to detections."""

from __future__ import annotations

import numpy as np
import pytest

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.imaging.decoding import decode_image
from facecore.models.detector import (
    MAX_ASPECT_RATIO,
    accept,
    detections_from_rows,
    input_size,
    rows_from_output,
)
from facecore.results import Box, Detection
from facecore.settings import AnalysisSettings, InputShape
from tests.conftest import Recorded

NAN = float("nan")
PLACE = (0.1, 0.2, 0.5, 0.8)

Row = tuple[float, ...]
Found = list[tuple[float, tuple[int, int, int, int]]]


def _found(rows: list[Row]) -> Found:
    """Run hand-written rows of class, confidence and box through a photo of 200×100."""
    output = np.array([(0.0, *row) for row in rows], dtype=np.float32).reshape(1, 1, -1, 7)
    before = output.copy()
    candidates = detections_from_rows(rows_from_output(output), (200, 100))
    np.testing.assert_array_equal(output, before)
    return [(round(found.confidence, 6), found.box.xyxy) for found in candidates]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([], [], id="no rows"),
        pytest.param([(0, 0, 0, 0, 0, 0)], [], id="the row of zeros that says nothing"),
        pytest.param([(1, 0.9, *PLACE)], [(0.9, (20, 20, 100, 80))], id="one face"),
        pytest.param([(0, 0.9, *PLACE)], [], id="background"),
        pytest.param([(2, 0.9, *PLACE)], [], id="a class there is not"),
        pytest.param([(1, NAN, *PLACE)], [], id="confidence is no number"),
        pytest.param([(1, float("inf"), *PLACE)], [], id="confidence without end"),
        pytest.param([(1, 0.0, *PLACE)], [], id="no confidence"),
        pytest.param([(1, -0.5, *PLACE)], [], id="negative confidence"),
        pytest.param([(1, 1.00001, *PLACE)], [(1.0, (20, 20, 100, 80))], id="a touch above one"),
        pytest.param([(1, 0.9, 1.1, 0.2, 1.4, 0.8)], [], id="right of the photo"),
        pytest.param([(1, 0.9, 0.1, -0.8, 0.5, -0.2)], [], id="above the photo"),
        pytest.param(
            [(1, 0.9, -0.2, -0.1, 1.3, 1.2)], [(0.9, (0, 0, 200, 100))], id="larger than the photo"
        ),
        pytest.param([(1, 0.9, 0.5, 0.2, 0.1, 0.8)], [], id="turned round"),
        pytest.param([(1, 0.9, 0.101, 0.2, 0.104, 0.8)], [], id="thinner than a pixel"),
        pytest.param([(1, 0.9, NAN, 0.2, 0.5, 0.8)], [], id="left edge is no number"),
        pytest.param([(1, 0.9, 0.1, NAN, 0.5, 0.8)], [], id="upper edge is no number"),
        pytest.param([(1, 0.9, 0.1, 0.2, NAN, 0.8)], [], id="right edge is no number"),
        pytest.param([(1, 0.9, 0.1, 0.2, 0.5, NAN)], [], id="lower edge is no number"),
    ],
)
def test_rows_become_detections(rows: list[Row], expected: Found) -> None:
    """Faces with a place in the photo stay, all else is dropped, and the output is only read."""
    assert _found(rows) == expected


def test_detections_come_by_falling_confidence() -> None:
    """Whatever the order of the rows, the surest comes first; equals keep their order."""
    rows: list[Row] = [
        (1, 0.2, 0.0, 0.0, 0.1, 0.1),
        (1, 0.8, 0.1, 0.0, 0.2, 0.1),
        (0, 0.99, 0.2, 0.0, 0.3, 0.1),
        (1, 0.8, 0.3, 0.0, 0.4, 0.1),
        (1, 0.9, 0.5, 0.0, 0.6, 0.1),
    ]
    assert _found(rows) == [
        (0.9, (100, 0, 120, 10)),
        (0.8, (20, 0, 40, 10)),
        (0.8, (60, 0, 80, 10)),
        (0.2, (0, 0, 20, 10)),
    ]


CANDIDATES = tuple(Detection(Box(i, 0, i + 5, 5), share) for i, share in enumerate((0.9, 0.5, 0.1)))


@pytest.mark.parametrize(
    ("candidates", "confidence", "max_faces", "kept"),
    [
        pytest.param((), 0.0, 200, 0, id="no candidates"),
        pytest.param(CANDIDATES, 0.91, 200, 0, id="none is sure enough"),
        pytest.param(CANDIDATES, 0.9, 200, 1, id="exactly as sure as asked"),
        pytest.param(CANDIDATES, 0.0, 200, 3, id="all"),
        pytest.param(CANDIDATES, 0.0, 2, 2, id="the surest two"),
        pytest.param(CANDIDATES, 0.5, 1, 1, id="both limits"),
    ],
)
def test_accepting(
    candidates: tuple[Detection, ...], confidence: float, max_faces: int, kept: int
) -> None:
    """The first that reach the confidence are kept, as many as wanted, in their order."""
    accepted = accept(candidates, confidence=confidence, max_faces=max_faces)
    assert accepted == candidates[:kept]


def test_boxes_are_in_pixels_of_the_original(analyzer: FaceAnalyzer, astronaut_file: bytes) -> None:
    """The same capped copy gives the same boxes, scaled to whichever original it stands for."""
    photo = decode_image(astronaut_file)
    small = analyzer.models.detector.find(photo, (512, 512), AnalysisSettings())
    large = analyzer.models.detector.find(photo, (5120, 1024), AnalysisSettings())
    assert [found.confidence for found in large] == [found.confidence for found in small]
    np.testing.assert_allclose(
        np.array(large[0].box.xyxy) / (10, 2, 10, 2), small[0].box.xyxy, atol=1.0
    )


def test_one_pass_gives_candidates_down_to_the_floor(
    analyzer: FaceAnalyzer, astronaut_file: bytes
) -> None:
    """The one face is sure, the others are not, and none is below the network's 0.01."""
    found = analyzer.models.detector.find(
        decode_image(astronaut_file), (512, 512), AnalysisSettings()
    )
    assert found[0].confidence > 0.99
    assert 1 < len(found) <= 200
    assert all(0.01 <= other.confidence < 0.7 for other in found[1:])


def test_rows_keep_their_edges_and_drop_what_is_no_face() -> None:
    """Confidence and edges come as the network gave them, outside the photo or not."""
    output = np.array(
        [(0, 1, 0.25, -0.5, 0.25, 1.5, 2.0), (0, 0, 0.9, *PLACE), (0, 1, 0.75, *PLACE)],
        dtype=np.float32,
    ).reshape(1, 1, -1, 7)
    rows = rows_from_output(output)
    np.testing.assert_allclose(rows, [(0.75, *PLACE), (0.25, -0.5, 0.25, 1.5, 2.0)], atol=1e-7)
    assert rows_from_output(output[:, :, :0]).shape == (0, 5)


def test_a_detection_remembers_the_networks_own_edges() -> None:
    """The box is whole pixels within the photo, the fractions are neither rounded nor clipped."""
    rows = np.array([(0.75, -0.5, 0.25, 0.505, 2.0), (0.5, 1.1, 0.0, 1.2, 1.0)])
    (found,) = detections_from_rows(rows, (200, 100))
    assert found == Detection(Box(0, 25, 101, 100), 0.75)
    assert found.fractions_xyxy == (-0.5, 0.25, 0.505, 2.0)


@pytest.mark.parametrize(
    ("image_wh", "size_px", "expected"),
    [
        pytest.param((1600, 900), 300, (400, 225), id="16:9"),
        pytest.param((900, 1600), 300, (225, 400), id="9:16"),
        pytest.param((512, 512), 300, (300, 300), id="square photo"),
        pytest.param((800, 600), 600, (693, 520), id="4:3, larger"),
        pytest.param((400, 100), 300, (600, 150), id="as long as may be"),
        pytest.param((4000, 1), 300, (600, 150), id="a strip"),
        pytest.param((1, 4000), 300, (150, 600), id="an upright strip"),
        pytest.param((1, 1), 300, (300, 300), id="a pixel"),
    ],
)
def test_input_has_the_photos_shape_and_the_squares_area(
    image_wh: tuple[int, int], size_px: int, expected: tuple[int, int]
) -> None:
    """With "aspect" the input is as long as the photo, up to 4:1; with "square" it never is."""
    width, height = input_size(image_wh, "aspect", size_px)
    assert (width, height) == expected
    assert width * height == pytest.approx(size_px**2, rel=0.01)
    assert max(width, height) / min(width, height) <= MAX_ASPECT_RATIO
    assert input_size(image_wh, "square", size_px) == (size_px, size_px)


@pytest.mark.parametrize(
    ("shape", "size_px", "expected_hw"),
    [("aspect", 300, (225, 400)), ("square", 300, (300, 300)), ("aspect", 600, (450, 800))],
)
def test_the_network_gets_an_input_of_that_size(
    recorded: Recorded, shape: InputShape, size_px: int, expected_hw: tuple[int, int]
) -> None:
    """Shape and size that are asked for reach the real network."""
    photo = np.full((90, 160, 3), 128, np.uint8)
    settings = AnalysisSettings(input_shape=shape, input_size_px=size_px)
    recorded.analyzer.models.detector.find(photo, (160, 90), settings)
    assert [blob.shape for blob in recorded.detector.blobs] == [(1, 3, *expected_hw)]


@pytest.mark.parametrize("size_hw", [(1, 1), (1, 4000), (4000, 1), (3, 2)], ids=str)
def test_odd_photos_are_looked_at(analyzer: FaceAnalyzer, size_hw: tuple[int, int]) -> None:
    """A pixel and strips of pixels go through the real network, all boxes inside them."""
    height, width = size_hw
    photo = np.full((height, width, 3), 128, np.uint8)
    for found in analyzer.models.detector.find(photo, (width, height), AnalysisSettings()):
        assert found.box.x1 <= width
        assert found.box.y1 <= height
