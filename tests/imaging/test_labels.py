"""Where labels go, with plain numbers."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from facecore.imaging.labels import Label, Rectangle, place_labels

WIDTHS = (170.0, 100.0, 25.0)  # whole, shortened, a number
HEIGHT = 20.0


def _meet(one: Rectangle, other: Rectangle) -> bool:
    return one[0] < other[2] and one[2] > other[0] and one[1] < other[3] and one[3] > other[1]


def _placed(boxes: list[Rectangle], size_wh: tuple[int, int] = (1400, 900)) -> list[Label]:
    labels = place_labels(boxes, [WIDTHS] * len(boxes), HEIGHT, size_wh)
    placed = [label for label in labels if label is not None]
    assert len(placed) == len(labels)
    return placed


def _row(count: int, width: float, step: float, y: float = 400) -> list[Rectangle]:
    return [(10 + step * n, y, 10 + step * n + width, y + 1.3 * width) for n in range(count)]


def _random_layout(seed: int) -> tuple[list[Rectangle], list[list[float]], float, tuple[int, int]]:
    rng = np.random.default_rng(seed)
    wide, high = (int(side) for side in rng.integers(40, 1600, 2))
    boxes: list[Rectangle] = []
    largest = rng.uniform(0.02, 1.0)
    for _ in range(rng.integers(1, 24)):
        width, height = rng.uniform(0.01, largest, 2) * (wide, high)
        x, y = rng.uniform(0, wide - width), rng.uniform(0, high - height)
        boxes.append((x, y, x + width, y + height))
    letters = rng.uniform(8, 40)
    widths = [sorted(rng.uniform(1, 12, 3) * letters, reverse=True) for _ in boxes]
    return boxes, widths, 1.4 * letters, (wide, high)


def test_without_boxes_there_is_no_label() -> None:
    """No box, no label."""
    assert place_labels([], [], HEIGHT, (400, 300)) == []


def test_labels_never_meet_and_stay_in_the_picture() -> None:
    """In 500 random layouts no two labels meet, also when rounded, and what they cover is told."""
    left_out = 0
    for seed in range(500):
        boxes, widths, height, (wide, high) = _random_layout(seed)
        labels = place_labels(boxes, widths, height, (wide, high))
        left_out += labels.count(None)
        placed = [(number, label) for number, label in enumerate(labels) if label]
        for number, (form, covers, (x0, y0, x1, y1)) in placed:
            assert x0 >= 0 and y0 >= 0 and x1 <= wide and y1 <= high
            assert abs(x1 - x0 - widths[number][form]) + abs(y1 - y0 - height) < 1e-6
            met = [n for n, box in enumerate(boxes) if _meet((x0, y0, x1, y1), box)]
            assert {0: met == [], 1: met == [number], 2: met == [number]}.get(covers, met != [])
        rounded = [tuple(round(edge) for edge in label.xyxy) for _, label in placed]
        assert not any(_meet(*pair) for pair in itertools.combinations(rounded, 2))  # type: ignore[arg-type]
    assert 0 < left_out < 600  # of 6,000, in layouts that are full


def test_five_people_with_room_have_whole_labels() -> None:
    """Five side by side, closer than their labels are wide, have them whole and beside them."""
    labels = _placed(_row(5, width=100, step=120))
    assert {(label.form, label.covers) for label in labels} == {(0, 0)}


def test_sixty_side_by_side_are_shortened_then_numbered() -> None:
    """What is shortened at 60 in two rows is numbered at 60 in one; no face is covered."""
    two_rows = _placed(_row(30, 30, 46) + _row(30, 30, 46, y=600))
    one_row = _placed(_row(60, 20, 23))
    assert {label.covers for label in two_rows + one_row} == {0}
    assert {label.form for label in two_rows} >= {1}
    assert {label.form for label in one_row} >= {2}


def test_a_longer_label_costs_no_one_the_last() -> None:
    """Where only numbers fit, the first face's whole label does not take the others' room."""
    boxes: list[Rectangle] = [(0, 20, 60, 80), (60, 20, 120, 80), (120, 20, 180, 80)]
    labels = _placed(boxes, (180, 80))
    assert [label.covers for label in labels] == [0, 0, 0]


@pytest.mark.parametrize(
    ("box", "form", "covers"),
    [
        pytest.param((0, 0, 400, 300), 0, 1, id="a close-up has its whole label inside"),
        pytest.param((0, 25, 400, 300), 0, 0, id="room above"),
        pytest.param((0, 0, 360, 300), 2, 0, id="room for a number at the side"),
        pytest.param((0, 0, 225, 300), 0, 0, id="room for all at the side"),
    ],
)
def test_a_lone_label_is_where_there_is_room(box: Rectangle, form: int, covers: int) -> None:
    """Beside the face, be it shorter, before in it."""
    (label,) = _placed([box], (400, 300))
    assert (label.form, label.covers) == (form, covers)


def test_a_label_larger_than_the_picture_is_left_out() -> None:
    """A picture that no form fits into has no label."""
    assert place_labels([(0, 0, 9, 9)], [WIDTHS], HEIGHT, (10, 10)) == [None]
