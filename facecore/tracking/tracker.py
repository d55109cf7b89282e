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
# Where a face was not seen for a while, its place is less sure: more is added for each second.
_WIDENED_RATIO, _WIDENED_PER_S, _MOST_WIDENED = 0.25, 0.5, 0.75
_LEAST_IOU = 0.2
# The detector's boxes jump by some per cent from frame to frame: a speed is of so many seconds.
_SPEED_OVER_S = 0.3
# People turn and stop: a speed holds for about so long.
_SPEED_HOLDS_S = 1.0
_MOST_TRACKS = 1000


@dataclass(slots=True)
class _Track:
    number: int
    box_xyxy: NDArray[np.float64]
    first_s: float
    seen_s: float
    speed_xy: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))

    def expected_at(self, time_s: float) -> NDArray[np.float64]:
        """Return the box that it should have by then; shape (4,)."""
        moves_s = _SPEED_HOLDS_S * (1 - math.exp((self.seen_s - time_s) / _SPEED_HOLDS_S))
        return self.box_xyxy + np.tile(self.speed_xy * moves_s, 2)

    def see(self, box_xyxy: NDArray[np.float64], time_s: float) -> None:
        passed_s = time_s - self.seen_s
        if passed_s > 0:
            moved = (box_xyxy - self.box_xyxy).reshape(2, 2).mean(axis=0)
            over_s = min(time_s - self.first_s, _SPEED_OVER_S)
            weight = 1 - math.exp(-passed_s / over_s) if over_s > passed_s else 1.0
            self.speed_xy = self.speed_xy + weight * (moved / passed_s - self.speed_xy)
        self.box_xyxy, self.seen_s = box_xyxy, time_s


class Tracker:
    """Numbers the faces of a film by the overlap of their boxes (IoU).

    Each track is looked for where its speed takes it. Those that were seen in the frame before
    come first, as somebody who is hidden does not take the number of who is in front; of them the
    pairs that overlap most. The same boxes and times give the same numbers, which begin at 1 and
    are never given twice. Of one film and for one thread at a time; holds at most 1000 tracks.
    """

    def __init__(self, kept_s: float = KEPT_S) -> None:
        """Keep the numbers of faces that are not seen for this time, in seconds.

        It should be longer than the time between two frames, or no face is known again; it may
        be changed from frame to frame.
        """
        self.kept_s = kept_s
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
        before_s, self._time_s = self._time_s, time_s
        self._tracks = [one for one in self._tracks if time_s - one.seen_s <= self.kept_s]
        boxes = np.asarray(boxes_xyxy, dtype=np.float64).reshape(-1, 4)
        tracks: dict[int, _Track] = {}
        for row, column in _pairs(self._scores(boxes, before_s)):
            tracks[row] = self._tracks[column]
            tracks[row].see(boxes[row], time_s)
        for row in range(len(boxes)):
            if row not in tracks:
                self._last_number += 1
                tracks[row] = _Track(self._last_number, boxes[row], time_s, time_s)
                self._tracks.append(tracks[row])
        if len(self._tracks) > _MOST_TRACKS:
            self._tracks = sorted(self._tracks, key=lambda one: -one.seen_s)[:_MOST_TRACKS]
        return [tracks[row].number for row in range(len(boxes))]

    def _scores(self, boxes_xyxy: NDArray[np.float64], before_s: float) -> NDArray[np.float64]:
        """Return the overlap of each box with each track, 0 where it is not enough, shape (N, M).

        One more where the track was seen in the frame before.
        """
        seen_s = np.array([one.seen_s for one in self._tracks])
        expected = np.array([one.expected_at(self._time_s) for one in self._tracks])
        scores = np.zeros((len(boxes_xyxy), len(self._tracks)))
        for at_s in np.unique(seen_s):
            ratio = min(_WIDENED_RATIO + _WIDENED_PER_S * (self._time_s - at_s), _MOST_WIDENED)
            columns = np.flatnonzero(seen_s == at_s)
            overlaps = iou_matrix(_widened(boxes_xyxy, ratio), _widened(expected[columns], ratio))
            scores[:, columns] = (overlaps + (at_s == before_s)) * (overlaps >= _LEAST_IOU)
        return scores

    @property
    def numbers(self) -> frozenset[int]:
        """The tracks that are seen or may be seen again."""
        return frozenset(one.number for one in self._tracks)


def _widened(boxes_xyxy: NDArray[np.float64], ratio: float) -> NDArray[np.float64]:
    margins = ratio * (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2])
    return np.concatenate([boxes_xyxy[:, :2] - margins, boxes_xyxy[:, 2:] + margins], axis=1)


def _pairs(scores: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Return rows and columns that belong together, the highest scores first, each once."""
    pairs: list[tuple[int, int]] = []
    left = scores.copy()
    while left.size and left.max() > 0:
        row, column = (int(i) for i in np.unravel_index(left.argmax(), left.shape))
        pairs.append((row, column))
        left[row], left[:, column] = 0.0, 0.0
    return pairs
