"""Finding faces: picture to blob to candidates, and from candidates to faces."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from facecore.geometry import Resolution, fractions_to_xyxy, has_area
from facecore.images import BgrImage
from facecore.network import Network, blob_from_images
from facecore.results import Box, Detection

FACE_CLASS = 1
"""The detector knows two classes: 0 is background, 1 is a face (its ``deploy.prototxt``)."""


class FaceDetector:
    """The detector network with its feeding and its post-processing."""

    def __init__(self, network: Network) -> None:
        self.network = network

    def candidates(self, image: BgrImage, resolution_wh: Resolution) -> tuple[Detection, ...]:
        """Find everything the network takes for a face, however unsure.

        Args:
            image: the picture to look at, usually a capped copy.
            resolution_wh: the size of the original, in whose pixels the boxes are.

        Returns:
            By falling confidence, down to the network's own floor of 0.01; at most 200.

        Raises:
            EngineError: the network cannot be run.
        """
        blob = blob_from_images([image], self.network.spec)
        return candidates_from_output(self.network.forward(blob), resolution_wh)


def candidates_from_output(
    output: NDArray[np.float32], resolution_wh: Resolution
) -> tuple[Detection, ...]:
    """Turn the detector's output into detections.

    Args:
        output: shape (1, 1, N, 7); a row is image number, class, confidence,
            x0, y0, x1, y1, the last four as fractions of the picture.
        resolution_wh: the picture's size in pixels.

    Returns:
        By falling confidence, clipped to the picture; boxes without area, of
        another class, or with a confidence that is no number, are dropped.
    """
    rows = output.reshape(-1, 7)
    rows = rows[(rows[:, 1] == FACE_CLASS) & np.isfinite(rows[:, 2]) & (rows[:, 2] > 0)]
    rows = rows[np.argsort(-rows[:, 2], kind="stable")]
    boxes_xyxy = fractions_to_xyxy(rows[:, 3:7], resolution_wh)
    return tuple(
        Detection(Box(*(int(edge) for edge in box)), min(float(confidence), 1.0))
        for box, confidence, usable in zip(
            boxes_xyxy, rows[:, 2], has_area(boxes_xyxy), strict=True
        )
        if usable
    )


def accept(
    candidates: Sequence[Detection], *, confidence: float, max_faces: int
) -> tuple[Detection, ...]:
    """Keep the candidates that reach the confidence, at most ``max_faces``, order unchanged."""
    accepted = [candidate for candidate in candidates if candidate.confidence >= confidence]
    return tuple(accepted[:max_faces])
