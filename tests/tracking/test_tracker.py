"""Tracks of boxes that are written by hand."""

from __future__ import annotations

import numpy as np
import pytest

from facecore.tracking.tracker import Tracker

LEFT, RIGHT = (100, 100, 140, 150), (300, 100, 340, 150)


def _moved(box: tuple[int, int, int, int], x: float, y: float = 0) -> tuple[int, int, int, int]:
    x0, y0, x1, y1 = box
    return (round(x0 + x), round(y0 + y), round(x1 + x), round(y1 + y))


def test_frames_without_faces_have_no_tracks() -> None:
    """No box, no number, however the emptiness is written."""
    tracker = Tracker()
    assert tracker.update([], 0.0) == tracker.update(np.empty((0, 4)), 0.1) == []
    assert not tracker.numbers


def test_a_face_keeps_its_number_whatever_the_order_of_the_boxes() -> None:
    """Numbers go with places, not with rows, and a new face has a new one."""
    tracker = Tracker()
    assert tracker.update([LEFT, RIGHT], 0.0) == [1, 2]
    assert tracker.update([_moved(RIGHT, 5), _moved(LEFT, -4)], 0.04) == [2, 1]
    assert tracker.update([_moved(LEFT, 100), RIGHT, LEFT], 0.08) == [3, 2, 1]


def test_a_quick_face_that_overlaps_none_of_its_boxes_is_followed() -> None:
    """It moves by one and a half of its widths a frame, and has done so from the start."""
    tracker = Tracker()
    steps = [0, 30, 70, 120, 180, 240, 300]
    assert {n for i, x in enumerate(steps) for n in tracker.update([_moved(LEFT, x)], i / 5)} == {1}


@pytest.mark.parametrize(("seconds", "number"), [(0.3, 1), (0.9, 1), (1.1, 2)])
def test_a_face_is_known_again_for_a_second(seconds: float, number: int) -> None:
    """After that it is forgotten: it has a new number, and no memory is held."""
    tracker = Tracker()
    for i in range(10):
        tracker.update([_moved(LEFT, 2 * i)], i / 30)
    assert tracker.update([], 9 / 30 + seconds / 2) == []
    box = _moved(LEFT, 18 + 60 * seconds)
    assert tracker.update([box], 9 / 30 + seconds) == [number]
    assert tracker.numbers == {number}


def test_a_longer_memory_for_sampled_frames() -> None:
    """Frames that are five seconds apart are joined where that was asked for, else not."""
    for tracker, numbers in ((Tracker(kept_s=12), [1]), (Tracker(), [2])):
        tracker.update([LEFT], 0.0)
        assert tracker.update([LEFT], 5.0) == numbers


def test_two_who_cross_keep_their_numbers() -> None:
    """One walks behind the other, and is not seen while the two overlap much."""
    tracker = Tracker()
    numbers: dict[str, set[int]] = {"right": set(), "left": set()}
    for i in range(31):
        going = {"right": _moved(LEFT, 200 * i / 30), "left": _moved(RIGHT, -200 * i / 30)}
        if abs(going["right"][0] - going["left"][0]) < 25:
            del going["left"]
        found = tracker.update([*going.values()], i / 20)
        for who, number in zip(going, found, strict=True):
            numbers[who].add(number)
    assert numbers == {"right": {1}, "left": {2}}


def test_the_best_pairs_are_joined_first() -> None:
    """A face between two tracks does not take the number of one that is seen elsewhere."""
    tracker = Tracker()
    neighbour = _moved(LEFT, 50)
    tracker.update([LEFT, neighbour], 0.0)
    assert tracker.update([_moved(LEFT, 26), _moved(LEFT, 2)], 0.1) == [2, 1]


def test_memory_is_bounded() -> None:
    """Many faces that are there for one frame each leave no more than a thousand tracks."""
    tracker = Tracker(kept_s=1000)
    for i in range(30):
        boxes = [(x, 500 * i, x + 10, 500 * i + 10) for x in range(0, 5000, 50)]
        tracker.update(boxes, float(i))
    assert len(tracker.numbers) == 1000


def test_time_does_not_run_backwards() -> None:
    """Two frames of one time are allowed."""
    tracker = Tracker()
    tracker.update([LEFT], 1.0)
    assert tracker.update([LEFT], 1.0) == [1]
    with pytest.raises(ValueError, match="comes after"):
        tracker.update([LEFT], 0.5)
