"""From the detector's output to detections."""

from __future__ import annotations

import numpy as np
import pytest

from facecore.analyzer import FaceAnalyzer
from facecore.detector import accept, candidates_from_output
from facecore.images import decode_image
from facecore.results import Box, Detection

NAN = float("nan")
PLACE = (0.1, 0.2, 0.5, 0.8)

Row = tuple[float, ...]
Found = list[tuple[float, tuple[int, int, int, int]]]


def _found(rows: list[Row]) -> Found:
    """Run hand-written rows of class, confidence and box through a photo of 200×100."""
    output = np.array([(0.0, *row) for row in rows], dtype=np.float32).reshape(1, 1, -1, 7)
    before = output.copy()
    candidates = candidates_from_output(output, (200, 100))
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
    small = analyzer.detector.candidates(photo, (512, 512))
    large = analyzer.detector.candidates(photo, (5120, 1024))
    assert [found.confidence for found in large] == [found.confidence for found in small]
    np.testing.assert_allclose(
        np.array(large[0].box.xyxy) / (10, 2, 10, 2), small[0].box.xyxy, atol=1.0
    )


def test_one_pass_gives_candidates_down_to_the_floor(
    analyzer: FaceAnalyzer, astronaut_file: bytes
) -> None:
    """The one face is sure, the others are not, and none is below the network's 0.01."""
    found = analyzer.detector.candidates(decode_image(astronaut_file), (512, 512))
    assert found[0].confidence > 0.99
    assert 1 < len(found) <= 200
    assert all(0.01 <= other.confidence < 0.7 for other in found[1:])
