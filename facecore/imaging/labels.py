"""Where labels go: plain numbers, no pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Rectangle = tuple[float, float, float, float]
_Numbers = NDArray[np.float64]

_GAP = 0.12  # between two labels, in heights of one
_BESIDE = 12  # so many of the spots lie beside a box, the others in it
_NOWHERE = 4  # a spot that leaves the picture
_LARGEST_INSIDE = 0.2  # of a box's height: no more of a face is hidden while it is avoidable


class Label(NamedTuple):
    """A label's place, x0, y0, x1, y1 in pixels, and which of its forms fits there.

    ``covers`` is 0 where it lies beside its box and over no other, 1 where it hides
    little of its own box, 2 where it hides more of it, 3 where it lies over others.
    """

    form: int
    covers: int
    xyxy: Rectangle


def place_labels(
    boxes_xyxy: Sequence[Rectangle],
    widths: Sequence[Sequence[float]],
    height: float,
    size_wh: tuple[int, int],
) -> list[Label | None]:
    """Return a place for each box's label, in the longest form that there is room for.

    No label reaches over another or out of the picture, and none over a box as long as a form of
    it fits beside its own. Where none does, it lies in its own box, then over others; where even
    that is full it is left out (None). Who comes first chooses first, but nobody's longer label
    costs another its last.

    Args:
        boxes_xyxy: in pixels, the most important first.
        widths: of each box's label in pixels, in all its forms from the whole one to the shortest.
        height: of every label in pixels.
        size_wh: of the picture in pixels.
    """
    if not boxes_xyxy:
        return []
    room = _Room(np.array(boxes_xyxy), np.array(widths), height, size_wh)
    room.fill(form=0, covers=0)
    if None in room.labels:
        room.clear()
        shortest = len(widths[0]) - 1
        for covers in range(_NOWHERE):
            room.fill(shortest, covers)
        for form in reversed(range(shortest)):
            room.lengthen(form)
    return room.labels


class _Room:
    """The labels placed so far, None for those that have no place yet."""

    def __init__(
        self, boxes: _Numbers, widths: _Numbers, height: float, size_wh: tuple[int, int]
    ) -> None:
        self._spots = _spots(boxes, widths, height, size_wh)
        self._covers = _covers(self._spots, boxes, size_wh)
        self._gap = np.array([-1, -1, 1, 1]) * _GAP * height
        self.clear()

    def clear(self) -> None:
        """Take all labels away."""
        self.labels: list[Label | None] = [None] * len(self._spots)
        # Where each label is, the gap around it too; nothing meets one that is not there.
        self._taken = np.full((len(self._spots), 4), np.nan)

    def fill(self, form: int, covers: int) -> None:
        """Give those that have none a label of this form, where it fits."""
        for box, label in enumerate(self.labels):
            if label is None:
                self._place(box, form, covers)

    def lengthen(self, form: int) -> None:
        """Give each label this longer form where there is room for it now."""
        for box, label in enumerate(self.labels):
            if label is not None and not self._place(box, form, 0) and label.covers:
                self._place(box, form, 1)

    def _place(self, box: int, form: int, covers: int) -> bool:
        """Give a box the label of this form at the best spot that hides no more than this."""
        good = (self._covers[box, form] <= covers).nonzero()[0]
        met = _meet(self._spots[box, form, good], self._taken)
        met[:, box] = False
        free = good[~met.any(-1)]
        if not len(free):
            return False
        spot = free[0]
        x0, y0, x1, y1 = self._spots[box, form, spot].tolist()
        self.labels[box] = Label(form, int(self._covers[box, form, spot]), (x0, y0, x1, y1))
        self._taken[box] = self._spots[box, form, spot] + self._gap
        return True


def _spots(boxes: _Numbers, widths: _Numbers, height: float, size_wh: tuple[int, int]) -> _Numbers:
    """Return the places to try, best first: (boxes, forms, spots, 4), the first beside the box.

    A place that would leave the picture is moved along its box, not away from it.
    """
    x0, y0, x1, y1 = (edge[:, None] for edge in boxes.T)
    lefts = (x0 + 0 * widths, x1 - widths, (x0 + x1 - widths) / 2)
    tops = (y0, y1 - height, (y0 + y1 - height) / 2)
    along_x = [np.minimum(np.maximum(left, 0), size_wh[0] - widths) for left in lefts]
    along_y = [np.minimum(np.maximum(top, 0), size_wh[1] - height) for top in tops]
    places = (
        *((x, y) for y in (y0 - height, y1) for x in along_x),
        *((x, y) for y in along_y for x in (x1, x0 - widths)),
        *((x, y) for y in along_y for x in along_x),
    )
    spots = np.empty((*widths.shape, len(places), 4))
    for number, (x, y) in enumerate(places):
        spots[:, :, number, 0], spots[:, :, number, 1] = x, y
    spots[..., 2] = spots[..., 0] + widths[..., None]
    spots[..., 3] = spots[..., 1] + height
    return spots


def _covers(spots: _Numbers, boxes: _Numbers, size_wh: tuple[int, int]) -> NDArray[np.int64]:
    """Return what a label at each spot would cover (`Label.covers`), (boxes, forms, spots)."""
    met = _meet(spots, boxes)
    own = np.arange(len(boxes))
    met[own, :, _BESIDE:, own] = False
    widths, heights = spots[..., 2] - spots[..., 0], spots[..., 3] - spots[..., 1]
    wide, high = (boxes[:, 2:] - boxes[:, :2]).T[:, :, None, None]
    covers = np.where((widths <= wide) & (heights <= _LARGEST_INSIDE * high), 1, 2)
    covers[..., :_BESIDE] = 0
    covers[met.any(-1)] = 3
    covers[((spots[..., :2] < 0) | (spots[..., 2:] > size_wh)).any(-1)] = _NOWHERE
    return covers


def _meet(places: _Numbers, others: _Numbers) -> NDArray[np.bool_]:
    """Return which of the places (…, 4) meet which of the others (n, 4): (…, n)."""
    x0, y0, x1, y1 = (places[..., edge, None] for edge in range(4))
    left, top, right, bottom = others.T
    met: NDArray[np.bool_] = (x0 < right) & (x1 > left) & (y0 < bottom) & (y1 > top)
    return met
