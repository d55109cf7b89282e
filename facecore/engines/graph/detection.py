"""The tail of a single-shot detector: prior boxes, decoding, and which boxes stay.

Engines run the convolutions; these few thousand numbers are numpy's, with the same
rows as OpenCV's own DetectionOutput layer, for any size of the input.
Source: Liu et al., SSD: Single Shot MultiBox Detector, ECCV 2016, section 2.2.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

_FACE = 1  # of two classes; 0 is the background
_BOX, _CLASSES = 4, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorGrid:
    """The prior boxes of one head: ``sizes_wh`` (pixels) around each point of a grid.

    Point (column, row) lies at ((column + offset) · step, (row + offset) · step) pixels.
    """

    sizes_wh: tuple[tuple[float, float], ...]
    step: float
    offset: float

    @property
    def channels(self) -> int:
        """How many channels its head has: four offsets for each prior, then two classes each."""
        return len(self.sizes_wh) * (_BOX + _CLASSES)


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionOutput:
    """How a detector's heads become rows.

    Attributes:
        grids: one a head.
        variances: what the offsets of centre x, y, width and height are multiplied by.
        confidence_floor: boxes that are not surer are nothing, 0 to 1.
        candidates: the surest that are looked at.
        nms_iou: of two boxes that share more than this, the surer stays.
        keep: the surest that are given.
    """

    grids: tuple[PriorGrid, ...]
    variances: tuple[float, ...]
    confidence_floor: float
    candidates: int
    nms_iou: float
    keep: int

    def rows(self, heads: Sequence[Array], input_wh: tuple[int, int]) -> Array:
        """Return the boxes that stay, by falling confidence.

        Args:
            heads: one a grid, shape (N, channels, rows, columns): raw offsets and class scores.
            input_wh: size of the network's input in pixels.

        Returns:
            Shape (1, 1, boxes of all pictures, 7), float32: number of the picture, class
            (always 1), confidence, x0, y0, x1, y1 as fractions of the picture, not clipped.
        """
        found = [
            self._rows_of_one([head[number] for head in heads], input_wh, number)
            for number in range(len(heads[0]))
        ]
        return np.concatenate(found)[None, None]

    def _rows_of_one(self, heads: list[Array], input_wh: tuple[int, int], number: int) -> Array:
        grids_hw = tuple((head.shape[1], head.shape[2]) for head in heads)
        flat = [np.moveaxis(head, 0, -1).reshape(-1, len(head)) for head in heads]
        scores = [
            head[:, _BOX * len(grid.sizes_wh) :].reshape(-1, _CLASSES)
            for head, grid in zip(flat, self.grids, strict=True)
        ]
        margins = np.concatenate([score[:, _FACE] - score[:, 0] for score in scores])
        # The softmax over two classes rises with their difference: the floor needs no exp.
        best = np.flatnonzero(margins > -math.log(1 / self.confidence_floor - 1))
        if len(best) > self.candidates:
            best = best[np.argpartition(-margins[best], self.candidates)[: self.candidates]]
        best = best[np.argsort(-margins[best], kind="stable")]
        offsets = np.concatenate(
            [
                head[:, : _BOX * len(grid.sizes_wh)].reshape(-1, _BOX)
                for head, grid in zip(flat, self.grids, strict=True)
            ]
        )[best]
        boxes_xyxy = self._decode(offsets, priors_cxcywh(self.grids, grids_hw, input_wh)[best])
        confidences = 1 / (1 + np.exp(-margins[best]))
        kept = self._not_suppressed(boxes_xyxy, confidences)
        rows = np.empty((len(kept), 7), dtype=np.float32)
        rows[:, 0], rows[:, 1], rows[:, 2] = number, _FACE, confidences[kept]
        rows[:, 3:] = boxes_xyxy[kept]
        return rows

    def _decode(self, offsets: Array, priors: Array) -> Array:
        scaled = offsets * np.array(self.variances, dtype=np.float32)
        centres = scaled[:, :2] * priors[:, 2:] + priors[:, :2]
        halves = np.exp(scaled[:, 2:]) * priors[:, 2:] / 2
        return np.concatenate([centres - halves, centres + halves], axis=1)

    def _not_suppressed(self, boxes_xyxy: Array, confidences: Array) -> NDArray[np.intp]:
        if not len(boxes_xyxy):
            return np.empty(0, dtype=np.intp)
        boxes_xywh = boxes_xyxy.astype(np.float64)
        boxes_xywh[:, 2:] -= boxes_xywh[:, :2]
        kept = cv2.dnn.NMSBoxes(boxes_xywh, confidences, 0.0, self.nms_iou)  # type: ignore[arg-type]
        return np.asarray(kept, dtype=np.intp)[: self.keep]


@functools.lru_cache(maxsize=32)
def priors_cxcywh(
    grids: tuple[PriorGrid, ...], grids_hw: tuple[tuple[int, int], ...], input_wh: tuple[int, int]
) -> Array:
    """Return all prior boxes: centre and size as fractions of the input, shape (priors, 4).

    In the order of the heads' numbers: by grid, row, column, size. Kept for the sizes
    seen last; do not write into it.
    """
    priors = []
    for grid, (rows, columns) in zip(grids, grids_hw, strict=True):
        one = np.empty((rows, columns, len(grid.sizes_wh), _BOX), dtype=np.float64)
        one[..., 0] = ((np.arange(columns) + grid.offset) * grid.step)[None, :, None]
        one[..., 1] = ((np.arange(rows) + grid.offset) * grid.step)[:, None, None]
        one[..., 2:] = grid.sizes_wh
        priors.append(one.reshape(-1, _BOX) / (*input_wh, *input_wh))
    return np.concatenate(priors).astype(np.float32)
