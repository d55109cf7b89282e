"""Boxes and sizes, all by hand-written arrays."""

from __future__ import annotations

import random

import numpy as np
import pytest

from facecore.imaging.geometry import (
    BoxTuple,
    Resolution,
    box_before_turn,
    crop_window_xyxy,
    fit_within,
    fractions_to_xyxy,
    grid_xyxy,
    has_area,
    iou_matrix,
    strips_xyxy,
    surest_of_each,
)


@pytest.mark.parametrize(
    ("fractions", "expected"),
    [
        pytest.param([], [], id="no boxes"),
        pytest.param([[0, 0, 1, 1]], [[0, 0, 200, 100]], id="whole photo"),
        pytest.param([[0.125, 0.25, 0.5, 0.75]], [[25, 25, 100, 75]], id="inside"),
        pytest.param([[0.0097, 0.0199, 0.5049, 0.999]], [[1, 1, 100, 99]], id="truncated"),
        pytest.param([[-0.5, -0.004, 1.004, 7]], [[0, 0, 200, 100]], id="clipped"),
        pytest.param([[-2, -2, -1, -1]], [[0, 0, 0, 0]], id="outside, above left"),
        pytest.param([[1.2, 1.5, 2, 3]], [[200, 100, 200, 100]], id="outside, below right"),
        pytest.param([[-np.inf, 0.5, np.inf, 0.6]], [[0, 50, 200, 60]], id="infinite"),
        pytest.param(
            [[0, 0, 0.5, 0.5], [0.5, 0.5, 1, 1]],
            [[0, 0, 100, 50], [100, 50, 200, 100]],
            id="two boxes, order kept",
        ),
    ],
)
def test_fractions_become_clipped_pixels(
    fractions: list[list[float]], expected: list[list[int]]
) -> None:
    """Fractions are scaled by width and height, clipped to the photo and truncated."""
    boxes = fractions_to_xyxy(np.array(fractions, dtype=np.float32).reshape(-1, 4), (200, 100))
    assert boxes.dtype == np.int64
    assert boxes.shape == (len(expected), 4)
    assert boxes.tolist() == expected


@pytest.mark.parametrize("position", range(4), ids=["x0", "y0", "x1", "y1"])
def test_a_box_with_a_value_that_is_no_number_has_no_area(position: int) -> None:
    """One NaN, wherever it stands, leaves the box without width or height."""
    fractions = np.array([[0.1, 0.2, 0.5, 0.9]])
    fractions[0, position] = np.nan
    assert has_area(fractions_to_xyxy(fractions, (200, 100))).tolist() == [False]


def test_fractions_stay_as_they_are() -> None:
    """The caller's array is not written to."""
    fractions = np.array([[-1.0, np.nan, 2.0, np.inf]])
    before = fractions.copy()
    fractions_to_xyxy(fractions, (200, 100))
    np.testing.assert_array_equal(fractions, before)


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [
        pytest.param([], [], id="no boxes"),
        pytest.param([[3, 4, 4, 5]], [True], id="one pixel"),
        pytest.param([[3, 4, 3, 9]], [False], id="no width"),
        pytest.param([[3, 4, 9, 4]], [False], id="no height"),
        pytest.param([[9, 9, 3, 3]], [False], id="turned round"),
        pytest.param([[0, 0, 0, 0], [0, 0, 2, 2]], [False, True], id="mixed"),
    ],
)
def test_area_needs_width_and_height(boxes: list[list[int]], expected: list[bool]) -> None:
    """Only boxes at least a pixel wide and high have an area."""
    assert has_area(np.array(boxes, dtype=np.int64).reshape(-1, 4)).tolist() == expected


@pytest.mark.parametrize(("count_a", "count_b"), [(0, 0), (0, 3), (3, 0)])
def test_overlap_of_no_boxes_has_the_right_shape(count_a: int, count_b: int) -> None:
    """Without boxes on one side the matrix is empty, not missing."""
    boxes = np.tile([0.0, 0.0, 2.0, 2.0], (3, 1))
    assert iou_matrix(boxes[:count_a], boxes[:count_b]).shape == (count_a, count_b)
    assert iou_matrix(np.array([]), boxes).shape == (0, 3)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        pytest.param([0, 0, 10, 10], [0, 0, 10, 10], 1.0, id="the same"),
        pytest.param([0, 0, 10, 10], [10, 0, 20, 10], 0.0, id="side by side"),
        pytest.param([0, 0, 10, 10], [50, 60, 70, 80], 0.0, id="far apart"),
        pytest.param([0, 0, 10, 10], [20, 20, 21, 21], 0.0, id="apart on both axes"),
        pytest.param([0, 0, 10, 10], [5, 0, 15, 10], 50 / 150, id="half shifted"),
        pytest.param([0, 0, 10, 10], [5, 5, 15, 15], 25 / 175, id="a quarter shared"),
        pytest.param([0, 0, 10, 10], [2, 2, 7, 7], 0.25, id="one inside the other"),
        pytest.param([0.5, 0.5, 1.5, 1.5], [1.0, 0.5, 2.0, 1.5], 0.5 / 1.5, id="parts of pixels"),
        pytest.param([3, 3, 3, 9], [0, 0, 10, 10], 0.0, id="no width"),
        pytest.param([3, 3, 3, 3], [3, 3, 3, 3], 0.0, id="two points"),
        pytest.param([9, 9, 3, 3], [0, 0, 10, 10], 0.0, id="turned round"),
    ],
)
def test_overlaps_by_hand(a: list[float], b: list[float], expected: float) -> None:
    """The shared area is divided by the joint area, whichever box comes first."""
    assert iou_matrix(np.array([a]), np.array([b])).item() == pytest.approx(expected)
    assert iou_matrix(np.array([b]), np.array([a])).item() == pytest.approx(expected)


def test_overlaps_have_a_row_per_first_and_a_column_per_second_box() -> None:
    """Two boxes against three give two rows of three."""
    a = np.array([[0, 0, 10, 10], [0, 0, 20, 10]])
    b = np.array([[0, 0, 10, 10], [10, 0, 20, 10], [90, 90, 99, 99]])
    assert iou_matrix(a, b).tolist() == [[1.0, 0.0, 0.0], [0.5, 0.5, 0.0]]


@pytest.mark.parametrize(
    ("resolution_wh", "max_side_px", "expected"),
    [
        pytest.param((1, 1), None, (1, 1), id="one pixel, no limit"),
        pytest.param((9000, 7000), None, (9000, 7000), id="no limit"),
        pytest.param((640, 480), 800, (640, 480), id="never enlarged"),
        pytest.param((800, 600), 800, (800, 600), id="fits exactly"),
        pytest.param((801, 600), 800, (800, 599), id="one pixel too wide"),
        pytest.param((1600, 1200), 800, (800, 600), id="wide"),
        pytest.param((1200, 1600), 800, (600, 800), id="tall"),
        pytest.param((2000, 2000), 500, (500, 500), id="square"),
        pytest.param((10000, 1), 100, (100, 1), id="one row keeps a pixel"),
        pytest.param((3, 10000), 100, (1, 100), id="three columns keep one"),
    ],
)
def test_sizes_shrink_to_the_limit(
    resolution_wh: Resolution, max_side_px: int | None, expected: Resolution
) -> None:
    """The longest side is capped, the other follows, and neither vanishes."""
    assert fit_within(resolution_wh, max_side_px) == expected


def test_every_size_fits_and_keeps_its_shape() -> None:
    """Over many random sizes the limit holds and the shape is off by less than a pixel."""
    draw = random.Random(11)
    for _ in range(2000):
        width, height, limit = (draw.randint(1, 9000) for _ in range(3))
        new_width, new_height = fit_within((width, height), limit)
        scale = min(1.0, limit / max(width, height))
        assert max(new_width, new_height) <= limit
        assert 1 <= new_width <= width and 1 <= new_height <= height
        assert abs(new_width - max(1.0, width * scale)) <= 1.0
        assert abs(new_height - max(1.0, height * scale)) <= 1.0


@pytest.mark.parametrize(
    ("box_xyxy", "margin_ratio", "square", "expected"),
    [
        pytest.param((7, 7, 8, 8), 0.0, False, (7, 7, 8, 8), id="one pixel"),
        pytest.param((7, 7, 8, 8), 0.0, True, (7, 7, 8, 8), id="one pixel, square"),
        pytest.param((20, 30, 60, 50), 0.0, False, (20, 30, 60, 50), id="the box itself"),
        pytest.param((20, 30, 60, 50), 0.1, False, (16, 28, 64, 52), id="margin per side"),
        pytest.param((20, 30, 60, 50), 0.0, True, (20, 20, 60, 60), id="wide to square"),
        pytest.param((30, 20, 50, 60), 0.0, True, (20, 20, 60, 60), id="tall to square"),
        pytest.param((20, 30, 60, 50), 0.25, True, (10, 10, 70, 70), id="square and margin"),
        pytest.param((40, 40, 50, 50), 1.0, False, (30, 30, 60, 60), id="widest margin"),
        pytest.param((0, 20, 10, 60), 0.0, True, (0, 20, 25, 60), id="square at the left"),
        pytest.param((110, 20, 120, 60), 0.0, True, (95, 20, 120, 60), id="square at the right"),
        pytest.param((20, 0, 60, 10), 0.0, True, (20, 0, 60, 25), id="square at the top"),
        pytest.param((20, 70, 60, 80), 0.0, True, (20, 55, 60, 80), id="square at the bottom"),
        pytest.param((0, 0, 120, 80), 0.5, True, (0, 0, 120, 80), id="the whole photo"),
    ],
)
def test_crop_windows(
    box_xyxy: BoxTuple, margin_ratio: float, square: bool, expected: BoxTuple
) -> None:
    """Windows grow around the centre and stop at the borders of a 120×80 photo."""
    window = crop_window_xyxy(box_xyxy, (120, 80), margin_ratio=margin_ratio, square=square)
    assert window == expected


def _random_box(draw: random.Random, width: int, height: int) -> BoxTuple:
    x0, y0 = draw.randrange(width), draw.randrange(height)
    return x0, y0, draw.randint(x0 + 1, width), draw.randint(y0 + 1, height)


def test_without_margin_the_window_is_exactly_the_box() -> None:
    """No margin and no square give back every box to the pixel."""
    draw = random.Random(12)
    for _ in range(1000):
        box = _random_box(draw, 97, 61)
        assert crop_window_xyxy(box, (97, 61), margin_ratio=0.0, square=False) == box


@pytest.mark.parametrize("square", [False, True])
def test_windows_hold_their_box_and_stay_in_the_photo(square: bool) -> None:
    """Every window contains its box, lies in the photo, and so is never empty."""
    draw = random.Random(13)
    for _ in range(1000):
        x0, y0, x1, y1 = _random_box(draw, 97, 61)
        left, top, right, bottom = crop_window_xyxy(
            (x0, y0, x1, y1), (97, 61), margin_ratio=draw.random(), square=square
        )
        assert 0 <= left <= x0 < x1 <= right <= 97
        assert 0 <= top <= y0 < y1 <= bottom <= 61


@pytest.mark.parametrize(
    ("size_wh", "count"),
    [((300, 100), 1), ((301, 100), 4), ((100, 2000), 26), ((1, 5000), 40), ((20000, 500), 40)],
)
def test_strips_cover_a_long_picture_twice(size_wh: tuple[int, int], count: int) -> None:
    """Each place but the ends is in two strips, and there are never more than allowed."""
    strips = strips_xyxy(size_wh, longer_than=3, length=1.5, most=40)
    assert len(strips) == count
    covered = np.zeros(size_wh, np.int64)
    for x0, y0, x1, y1 in strips:
        covered[x0:x1, y0:y1] += 1
    assert covered.min() >= 1
    along = covered.max(axis=int(size_wh[0] > size_wh[1]))
    step = max(size_wh) // (count + 1)
    assert count == 1 or along[step + 1 : -step - 1].min() >= 2


def test_a_grid_covers_its_window() -> None:
    """Parts are alike in size, share a quarter with the next, and begin and end with the window."""
    parts = grid_xyxy((10, 20, 310, 190), 4, 0.25)
    assert len(parts) == 16
    assert (min(p[0] for p in parts), min(p[1] for p in parts)) == (10, 20)
    assert (max(p[2] for p in parts), max(p[3] for p in parts)) == (310, 190)
    first, second = parts[:2]
    assert first[2] - second[0] == pytest.approx(0.25 * (first[2] - first[0]), abs=1.5)
    assert {(p[2] - p[0], p[3] - p[1]) for p in parts} == {(93, 53)}
    assert grid_xyxy((0, 0, 1, 1), 4, 0.25) == [(0, 0, 1, 1)] * 16


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_a_box_of_a_turned_picture_is_found_in_the_picture_before(degrees: int) -> None:
    """What NumPy turns clockwise is put back where it was."""
    before = np.zeros((30, 50), np.uint8)
    before[5:12, 20:44] = 1
    ys, xs = np.nonzero(np.rot90(before, -degrees // 90))
    turned = (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)
    assert box_before_turn(turned, degrees, (50, 30)) == (20, 5, 44, 12)


def test_of_boxes_of_one_thing_the_first_stays() -> None:
    """Boxes that overlap, or of which one lies in the other, are merged; neighbours are not."""
    none = np.zeros((0, 4), np.int64)
    assert surest_of_each(none, 0.4, 0.7) == []
    boxes = np.array(
        [(0, 0, 10, 10), (1, 1, 11, 11), (40, 0, 50, 10), (42, 2, 45, 5), (8, 0, 18, 10)]
    )
    assert surest_of_each(boxes, 0.4, 0.7) == [0, 2, 4]
