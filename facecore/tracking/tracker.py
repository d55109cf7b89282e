"""Which box of a frame is the same face as which box of the frames before."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from facecore.imaging.geometry import BoxTuple, iou_matrix

KEPT_S = 1.0
"""For so many seconds of film a face that is not seen keeps its number: a missed detection, a
hand before the face, somebody who walks past."""

# Boxes are compared with half of their size added, as quick or small faces do not overlap from
# frame to frame (Yang et al., C-BIoU, WACV 2023). One that moved by its own width still matches.
_WIDENED_RATIO = 0.25
_LEAST_IOU = 0.2
# The detector's boxes jump by some per cent from frame to frame: a speed is of so many seconds.
_SPEED_OVER_S = 0.3
_MOST_TRACKS = 1000


@dataclass(slots=True)
class _Track:
    number: int
    box_xyxy: NDArray[np.float64]
    seen_s: float
    speed_xy: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))

    def at(self, time_s: float) -> NDArray[np.float64]:
        return self.box_xyxy + np.tile(self.speed_xy * (time_s - self.seen_s), 2)

    def see(self, box_xyxy: NDArray[np.float64], time_s: float) -> None:
        passed_s = time_s - self.seen_s
        if passed_s > 0:
            moved = (box_xyxy - self.box_xyxy).reshape(2, 2).mean(axis=0)
            weight = 1 - math.exp(-passed_s / _SPEED_OVER_S)
            self.speed_xy = self.speed_xy + weight * (moved / passed_s - self.speed_xy)
        self.box_xyxy, self.seen_s = box_xyxy, time_s


class Tracker:
    """Numbers the faces of a film by the overlap of their boxes (IoU).

    Each track is looked for where its speed takes it; the pairs that overlap most are joined
    first. The same boxes and times give the same numbers, which begin at 1 and are never given
    twice. Of one film and for one thread at a time; holds at most 1000 tracks.
    """

    def __init__(self, kept_s: float = KEPT_S) -> None:
        """Keep the numbers of faces that are not seen for this time, in seconds.

        It should be longer than the time between two frames, or no face is known again.
        """
        self._kept_s = kept_s
        self._tracks: list[_Track] = []
        self._last_number = 0
        self._time_s = -math.inf

    def update(
        self, boxes_xyxy: Sequence[BoxTuple] | NDArray[np.number], time_s: float
    ) -> list[int]:
        """Return the track's number of each box of the next frame, in the boxes' order.

        Args:
            boxes_xyxy: shape (N, 4), in pixels, the same for all frames; N may be 0.
            time_s: when the frame was taken, in seconds; distances between frames may differ.

        Raises:
            ValueError: the frame is earlier than the one before it.
        """
        if not time_s >= self._time_s:
            raise ValueError(f"a frame at {time_s} s comes after one at {self._time_s} s")
        self._time_s = time_s
        self._tracks = [one for one in self._tracks if time_s - one.seen_s <= self._kept_s]
        boxes = np.asarray(boxes_xyxy, dtype=np.float64).reshape(-1, 4)
        expected = np.array([one.at(time_s) for one in self._tracks]).reshape(-1, 4)
        tracks: dict[int, _Track] = {}
        for row, column in _pairs(iou_matrix(_widened(boxes), _widened(expected))):
            tracks[row] = self._tracks[column]
            tracks[row].see(boxes[row], time_s)
        for row in range(len(boxes)):
            if row not in tracks:
                self._last_number += 1
                tracks[row] = _Track(self._last_number, boxes[row], time_s)
                self._tracks.append(tracks[row])
        if len(self._tracks) > _MOST_TRACKS:
            self._tracks = sorted(self._tracks, key=lambda one: -one.seen_s)[:_MOST_TRACKS]
        return [tracks[row].number for row in range(len(boxes))]

    @property
    def numbers(self) -> frozenset[int]:
        """The tracks that are seen or may be seen again."""
        return frozenset(one.number for one in self._tracks)


def _widened(boxes_xyxy: NDArray[np.float64]) -> NDArray[np.float64]:
    margins = _WIDENED_RATIO * (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2])
    return np.concatenate([boxes_xyxy[:, :2] - margins, boxes_xyxy[:, 2:] + margins], axis=1)


def _pairs(overlaps: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Return rows and columns that belong together, the most overlap first, each once."""
    pairs: list[tuple[int, int]] = []
    left = np.where(overlaps >= _LEAST_IOU, overlaps, -1.0)
    while left.size and left.max() >= 0:
        row, column = (int(i) for i in np.unravel_index(left.argmax(), left.shape))
        pairs.append((row, column))
        left[row], left[:, column] = -1.0, -1.0
    return pairs
