"""Drawing faces on a copy of the photo."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from facecore.imaging.decoding import BgrImage
from facecore.imaging.drawing import draw_faces, face_labels
from facecore.results import AgeGroupPrediction, Box, Detection, Face, GenderPrediction


def _face(*xyxy: int, confidence: float = 0.9) -> Face:
    return Face(
        detection=Detection(Box(*xyxy), confidence),
        attributes={
            "gender": GenderPrediction((0.1, 0.9)),
            "age_group": AgeGroupPrediction((0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)),
        },
    )


def _photo(width: int = 400, height: int = 300) -> BgrImage:
    return np.random.default_rng(6).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_without_faces_the_copy_is_equal() -> None:
    """No face draws nothing, and still the answer is a copy."""
    photo = _photo()
    drawn = draw_faces(photo, ())
    np.testing.assert_array_equal(drawn, photo)
    assert not np.shares_memory(drawn, photo)


def test_the_photo_is_left_alone() -> None:
    """Drawing writes to a new array of the same shape, also where the photo is read-only."""
    photo = _photo()
    before = photo.copy()
    photo.setflags(write=False)
    drawn = draw_faces(photo, [_face(100, 120, 200, 240)])
    np.testing.assert_array_equal(photo, before)
    assert (drawn.shape, drawn.dtype) == (photo.shape, photo.dtype)
    assert not np.array_equal(drawn, photo)


def test_the_box_lies_on_its_edge_pixels() -> None:
    """All four edges have one colour, and inside and outside keep the photo's pixels."""
    photo = _photo()
    drawn = draw_faces(photo, [_face(100, 120, 200, 240)])
    edges = [
        drawn[120, 100:200],
        drawn[239, 100:200],
        drawn[120:240, 100],
        drawn[120:240, 199],
    ]
    assert len({tuple(pixel) for edge in edges for pixel in edge}) == 1
    np.testing.assert_array_equal(drawn[125:235, 105:195], photo[125:235, 105:195])
    np.testing.assert_array_equal(drawn[245:], photo[245:])
    np.testing.assert_array_equal(drawn[:, :95], photo[:, :95])


@pytest.mark.parametrize(
    ("box", "rows"),
    [
        pytest.param((100, 120, 200, 240), slice(105, 120), id="above the box"),
        pytest.param((100, 2, 200, 140), slice(140, 155), id="below a box at the top"),
        pytest.param((0, 0, 400, 300), slice(0, 15), id="inside a box of full size"),
    ],
)
def test_the_label_is_where_there_is_room(box: tuple[int, int, int, int], rows: slice) -> None:
    """The label is drawn above the box, else below it, else inside at the top."""
    photo = _photo()
    changed = (draw_faces(photo, [_face(*box)]) != photo).any(axis=2)
    assert changed[rows, box[0] : box[0] + 20].mean() > 0.9


def test_a_label_at_the_right_is_drawn_whole() -> None:
    """A label that would run out of the photo is moved left as a whole."""
    photo = np.zeros((300, 400, 3), np.uint8)
    above = np.s_[:118]
    in_the_middle = draw_faces(photo, [_face(100, 120, 170, 240)])[above]
    columns = np.flatnonzero(in_the_middle.any(axis=(0, 2)))
    at_the_right = draw_faces(photo, [_face(330, 120, 400, 240)])[above]
    assert len(columns) > 90
    np.testing.assert_array_equal(at_the_right[:, -len(columns) :], in_the_middle[:, columns])


def test_labels_keep_clear_of_faces_and_of_each_other() -> None:
    """Each of five faces in a row is as in the photo; all labels are whole."""
    photo = _photo(1000, 600)
    boxes = [(20 + 190 * n, 200, 200 + 190 * n, 400) for n in range(5)]
    drawn = draw_faces(photo, [_face(*box) for box in boxes])
    for x0, y0, x1, y1 in boxes:
        inside = np.s_[y0 + 3 : y1 - 3, x0 + 3 : x1 - 3]
        np.testing.assert_array_equal(drawn[inside], photo[inside])
    alone = [draw_faces(photo, [_face(*box)]) for box in boxes]
    changed = [(one != photo).any(axis=2).sum() for one in (drawn, *alone)]
    assert changed[0] > 0.97 * sum(changed[1:])


def test_a_crowd_is_drawn_alike_at_every_size() -> None:
    """On a copy of a quarter of the size, each label says the same at the same place."""
    rng = np.random.default_rng(4)
    corners = [
        (400 * n + int(rng.integers(0, 250)), y) for n in range(10) for y in (300, 900, 2000)
    ]
    faces = [_face(x, y, x + 150, y + 200) for x, y in corners]
    large = draw_faces(np.zeros((3000, 4400, 3), np.uint8), faces)
    small = draw_faces(np.zeros((750, 1100, 3), np.uint8), faces, scale=0.25)
    reduced = cv2.resize(large, (1100, 750), interpolation=cv2.INTER_AREA)
    unlike = np.abs(reduced.astype(int) - small).max(axis=2) > 100
    assert unlike.sum() < 0.12 * small.any(axis=2).sum()


class _Chinese(GenderPrediction):
    __slots__ = ()
    classes = ("男", "女")


def test_a_label_in_chinese_is_drawn() -> None:
    """A class that is named in another script is drawn in it."""
    photo = np.zeros((300, 400, 3), np.uint8)
    age = {"age_group": AgeGroupPrediction((1.0,) + (0.0,) * 7)}
    drawn = [
        draw_faces(
            photo, [Face(Detection(Box(100, 120, 200, 240), 0.9), {"gender": gender, **age})]
        )
        for gender in (_Chinese((1.0, 0.0)), _Chinese((0.0, 1.0)))
    ]
    changed = (drawn[0] != drawn[1]).any(axis=(0, 2))
    assert 8 <= np.flatnonzero(changed)[-1] - np.flatnonzero(changed)[0] <= 14


def test_boxes_of_a_larger_photo_are_scaled() -> None:
    """On a copy of half the size the faces are drawn as boxes of half the size."""
    copy = _photo(200, 150)
    np.testing.assert_array_equal(
        draw_faces(copy, [_face(100, 120, 300, 240)], scale=0.5),
        draw_faces(copy, [_face(50, 60, 150, 120)]),
    )


def test_a_label_says_number_gender_and_age() -> None:
    """The text at a face has its number and what was read, whole and shortened."""
    assert face_labels(12, _face(0, 0, 1, 1)) == ("12 Female (60-100)", "12 F 60-100", "12")


def test_the_surest_face_lies_on_top() -> None:
    """Where two faces share a place, the first one's label is where it would be alone."""
    photo = np.zeros((300, 400, 3), np.uint8)
    pair = [_face(100, 120, 200, 240), _face(100, 120, 200, 240, confidence=0.5)]
    label = np.s_[95:118, 95:330]
    np.testing.assert_array_equal(
        draw_faces(photo, pair)[label], draw_faces(photo, pair[:1])[label]
    )


def test_lines_grow_with_the_photo() -> None:
    """On a large photo the box is drawn with a wider line."""
    face = _face(100, 120, 200, 240)
    small = draw_faces(np.zeros((300, 400, 3), np.uint8), [face])
    large = draw_faces(np.zeros((3000, 4000, 3), np.uint8), [face])
    assert (large[180, 150:300] > 0).any(axis=1).sum() > (small[180, 150:300] > 0).any(axis=1).sum()


@pytest.mark.parametrize("size_wh", [(1, 1), (1, 50), (50, 1), (3, 3), (16, 16), (60, 40)], ids=str)
@pytest.mark.parametrize("place", ["all", "top left", "bottom right"])
def test_tiny_photos_and_faces_at_their_borders(size_wh: tuple[int, int], place: str) -> None:
    """A label larger than the photo is left out, not an error."""
    width, height = size_wh
    half_width, half_height = max(1, width // 2), max(1, height // 2)
    box = {
        "all": (0, 0, width, height),
        "top left": (0, 0, half_width, half_height),
        "bottom right": (width - half_width, height - half_height, width, height),
    }[place]
    photo = np.zeros((height, width, 3), np.uint8)
    drawn = draw_faces(photo, [_face(*box)])
    assert drawn.shape == photo.shape
    assert drawn.any()


@pytest.mark.parametrize(
    "box", [(0, 100, 50, 200), (350, 100, 400, 200), (150, 0, 250, 90), (150, 210, 250, 300)]
)
def test_faces_at_each_border(box: tuple[int, int, int, int]) -> None:
    """A box that touches a border is drawn on the photo's last pixels."""
    x0, y0, x1, y1 = box
    drawn = draw_faces(np.zeros((300, 400, 3), np.uint8), [_face(*box)])
    for y, x in ((y0, x0), (y0, x1 - 1), (y1 - 1, x0), (y1 - 1, x1 - 1)):
        assert drawn[y, x].any()
