"""YuNet's outputs as faces, and two looks as one."""

from __future__ import annotations

import numpy as np
import pytest

from facecore.models.yunet import Found, detections_from_found, found_from_outputs, merge_looks


def _outputs(*places: tuple[int, int, float]) -> list[np.ndarray]:
    """Return the outputs for an input of 64×32: in map, place, score; boxes of two steps."""
    outputs = []
    for number, stride in enumerate((8, 16, 32)):
        count = 64 // stride * 32 // stride
        scores = np.zeros((1, count, 1), np.float32)
        for chosen, place, score in places:
            if chosen == number:
                scores[0, place] = score
        boxes = np.full((1, count, 4), np.log(2), np.float32)
        boxes[..., :2] = 0
        outputs += [scores, scores, boxes, np.zeros((1, count, 10), np.float32)]
    return outputs


def test_no_score_is_no_face() -> None:
    """Nothing over the floor gives no rows, and none are merged or turned into detections."""
    found = found_from_outputs(_outputs((0, 3, 0.09)), (64, 32), (64, 32))
    assert found.shape == (0, 15)
    assert merge_looks(found, found).shape == (0, 15)
    assert detections_from_found(found, (640, 320)) == ()


def test_a_place_is_a_box_around_it_with_landmarks() -> None:
    """A score at column 2, row 1 of the map of 16 is a box of 32 pixels around (32, 16)."""
    found = found_from_outputs(_outputs((1, 6, 0.81)), (64, 32), (60, 30))
    edges, point = [16 / 60, 0, 48 / 60, 32 / 30], [32 / 60, 16 / 30]
    assert found[0] == pytest.approx([0.81, *edges, *point * 5], abs=1e-6)
    (face,) = detections_from_found(found, (600, 300))
    assert face.box.xyxy == pytest.approx((160, 0, 480, 300), abs=1)
    assert np.array(face.landmarks_xy) == pytest.approx(np.full((5, 2), (320, 160)))


def _face(score: float, x0: float, x1: float) -> Found:
    return np.array([[score, x0, 0, x1, 0.5, *[0.0] * 10]])


@pytest.mark.parametrize(
    ("other", "kept"),
    [
        pytest.param(_face(0.9, 0.0, 0.35), [0.9], id="nearly the same"),
        pytest.param(_face(0.9, 0.0, 0.1), [0.9], id="inside"),
        pytest.param(_face(0.5, 0.0, 0.1), [0.8], id="inside, less sure"),
        pytest.param(_face(0.9, 0.35, 0.75), [0.9, 0.8], id="beside"),
    ],
)
def test_two_looks_give_a_face_once(other: Found, kept: list[float]) -> None:
    """Of two boxes of one face the surer one stays; neighbours stay both."""
    assert merge_looks(_face(0.8, 0.0, 0.4), other)[:, 0].tolist() == kept
