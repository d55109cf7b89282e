"""Finding faces: picture to blob to candidates, and from candidates to faces."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from facecore.imaging.decoding import BgrImage
from facecore.imaging.geometry import Resolution, fractions_to_xyxy, has_area, iou_matrix, overhang
from facecore.models.network import Network, blob_from_images
from facecore.results import Box, Detection
from facecore.settings import AnalysisSettings, InputShape

FACE_CLASS = 1
"""The detector knows two classes: 0 is background, 1 is a face (its ``deploy.prototxt``)."""

MAX_ASPECT_RATIO = 4.0
"""A longer photo is squashed to this, so that a strip of pixels is still an input."""

# Measured on 135 tight portraits and 281 ordinary photos: a box that leaves the
# photo by more than a tenth, from this confidence on, is in 99 % of the former
# and 9 % of the latter.
OVERHANG_LIMIT = 0.1
CLOSE_UP_CONFIDENCE = 0.3

# The second look: a black border of 75 % on each side. A face that fills the
# photo may well be a little larger than it.
RESCUE_SCALE = 1 / 2.5
RESCUE_OVERHANG_LIMIT = 0.2
SAME_FACE_IOU = 0.4

Rows = NDArray[np.float64]
"""Shape (N, 5): confidence, x0, y0, x1, y1; edges as fractions of the picture, not clipped."""


class FaceDetector:
    """The detector network with its feeding and its post-processing."""

    # Of 68 FairFace portraits 70 % of the upright ones are surer than the first, none of those on
    # their head or side; 3 % of the upright ones are less sure than the second.
    noise_below = 0.15
    upright_from = 0.999
    turned_below = 0.95

    def __init__(self, network: Network) -> None:
        self.network = network

    @property
    def networks(self) -> tuple[Network, ...]:
        """The one network."""
        return (self.network,)

    def find(
        self, image: BgrImage, resolution_wh: Resolution, settings: AnalysisSettings
    ) -> tuple[Detection, ...]:
        """Return everything the network takes for a face, however unsure.

        Args:
            image: the picture to look at, usually a capped copy.
            resolution_wh: the size of the original, in whose pixels the boxes are.
            settings: input shape and size, what happens outside, close-up rescue.

        Returns:
            By falling confidence, down to the network's own floor of 0.01; at most
            200 a pass.

        Raises:
            EngineError: the network cannot be run.
        """
        size_wh = input_size(
            (image.shape[1], image.shape[0]), settings.input_shape, settings.input_size_px
        )
        rows = self._pass(image, size_wh)
        close_up = settings.rescue and shows_close_up(rows)
        if settings.drop_outside:
            rows = within(rows, OVERHANG_LIMIT)
        if close_up:
            smaller = _bordered(image, size_wh)
            second = _without_border(self._pass(smaller, size_wh))
            rows = merge_passes(rows, within(second, RESCUE_OVERHANG_LIMIT))
        return detections_from_rows(rows, resolution_wh)

    def _pass(self, image: BgrImage, size_wh: Resolution) -> Rows:
        blob = blob_from_images([image], self.network.spec, size_wh)
        (output,) = self.network.run(blob)
        return rows_from_output(output)


def input_size(image_wh: Resolution, shape: InputShape, size_px: int) -> Resolution:
    """Return the detector's input size in pixels.

    "square" is ``size_px`` on both sides. "aspect" has the same area at the
    picture's own aspect ratio (400×225 for 16:9 and 300).
    """
    if shape == "square":
        return size_px, size_px
    ratio = min(max(image_wh[0] / image_wh[1], 1 / MAX_ASPECT_RATIO), MAX_ASPECT_RATIO)
    return round(size_px * math.sqrt(ratio)), round(size_px / math.sqrt(ratio))


def rows_from_output(output: NDArray[np.float32]) -> Rows:
    """Take the faces out of the detector's output.

    Args:
        output: shape (1, 1, N, 7); a row is image number, class, confidence,
            x0, y0, x1, y1, the last four as fractions of the picture.

    Returns:
        By falling confidence; rows of another class, with a confidence that is no
        positive number, or with an edge that is no number, are dropped.
    """
    rows = output.reshape(-1, 7)
    usable = (rows[:, 1] == FACE_CLASS) & (rows[:, 2] > 0) & np.isfinite(rows[:, 2:]).all(axis=1)
    faces = rows[usable, 2:].astype(np.float64)
    return faces[np.argsort(-faces[:, 0], kind="stable")]


def within(rows: Rows, limit: float) -> Rows:
    """Keep the rows whose box leaves the picture by at most ``limit`` of its own side."""
    return rows[overhang(rows[:, 1:]) <= limit]


def shows_close_up(rows: Rows) -> bool:
    """Return whether a box that leaves the picture is sure enough to mean a close-up."""
    outside = overhang(rows[:, 1:]) > OVERHANG_LIMIT
    return bool((rows[outside, 0] >= CLOSE_UP_CONFIDENCE).any())


def merge_passes(first: Rows, second: Rows) -> Rows:
    """Join two passes over one picture; of two boxes of the same face the surer one stays.

    Only boxes of different passes are compared: within a pass the network has
    already merged its own.
    """
    rows = np.concatenate([first, second])
    passes = np.repeat([0, 1], [len(first), len(second)])
    rivals = (iou_matrix(rows[:, 1:], rows[:, 1:]) > SAME_FACE_IOU) & (
        passes[:, None] != passes[None, :]
    )
    kept: list[int] = []
    for row in np.argsort(-rows[:, 0], kind="stable"):
        # Only a box that stays can take another's place.
        if not rivals[row, kept].any():
            kept.append(int(row))
    return rows[kept]


def detections_from_rows(rows: Rows, resolution_wh: Resolution) -> tuple[Detection, ...]:
    """Turn rows into detections in pixels of a picture of this size, in the same order.

    Boxes are clipped to the picture; those left without area are dropped.
    """
    boxes_xyxy = fractions_to_xyxy(rows[:, 1:], resolution_wh)
    return tuple(
        Detection(
            Box(*(int(edge) for edge in box)),
            min(float(row[0]), 1.0),
            (float(row[1]), float(row[2]), float(row[3]), float(row[4])),
        )
        for box, row, usable in zip(boxes_xyxy, rows, has_area(boxes_xyxy), strict=True)
        if usable
    )


def accept(
    candidates: Sequence[Detection], *, confidence: float, max_faces: int
) -> tuple[Detection, ...]:
    """Keep the candidates that reach the confidence, at most ``max_faces``, order unchanged."""
    accepted = [candidate for candidate in candidates if candidate.confidence >= confidence]
    return tuple(accepted[:max_faces])


def _bordered(image: BgrImage, size_wh: Resolution) -> BgrImage:
    """Put the picture, made smaller, into the middle of a black input of that size."""
    width, height = (max(1, round(side * RESCUE_SCALE)) for side in size_wh)
    left, top = (size_wh[0] - width) // 2, (size_wh[1] - height) // 2
    canvas = np.zeros((size_wh[1], size_wh[0], 3), dtype=np.uint8)
    canvas[top : top + height, left : left + width] = cv2.resize(
        image, (width, height), interpolation=cv2.INTER_AREA
    )
    return canvas


def _without_border(rows: Rows) -> Rows:
    # The border is the same on both sides, so the middle stays where it is.
    edges = (rows[:, 1:] - 0.5) / RESCUE_SCALE + 0.5
    return np.concatenate([rows[:, :1], edges], axis=1)
