"""A face cut out upright: turned, moved and scaled until its landmarks lie where they should."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from facecore.imaging.decoding import BgrImage
from facecore.imaging.pictures import Picture

LandmarksXy = tuple[tuple[float, float], ...]
"""Both eyes, the nose, both corners of the mouth, the photo's left first; pixels."""

TEMPLATE = np.array(
    [
        (0.2273, 0.2214),
        (0.7528, 0.2212),
        (0.4901, 0.5156),
        (0.2541, 0.7802),
        (0.7261, 0.7802),
    ]
)
"""Where the five landmarks lie in a face's square, 0 to 1 (dlib's get_face_chip_details)."""

_MOST_SAMPLES = 16


@dataclass(frozen=True, slots=True)
class Chip:
    """How an aligned face is cut out.

    ``side_px`` is its width and height; ``padding_ratio`` is what is left around the square
    of `TEMPLATE`, as a part of its side, on each side.
    """

    side_px: int
    padding_ratio: float

    def cut(self, picture: Picture, landmarks_xy: LandmarksXy) -> BgrImage:
        """Return the face, BGR, averaged over the photo's pixels; black outside the photo.

        Args:
            picture: the photo.
            landmarks_xy: in pixels of the photo in full.
        """
        turned = similarity(np.array(landmarks_xy) / picture.reduction, self._places(self.side_px))
        scale = math.hypot(turned[0, 0], turned[1, 0])
        samples = max(1, min(_MOST_SAMPLES, math.ceil(1 / scale)))
        side_px = self.side_px * samples
        turned *= samples
        turned[:, 2] += (samples - 1) / 2  # a pixel's middle is at a whole number
        image, corner_xy = _around(picture.image, turned, side_px)
        turned[:, 2] += turned[:, :2] @ corner_xy
        chip = cv2.warpAffine(image, turned, (side_px, side_px), flags=cv2.INTER_LINEAR)
        small = cv2.resize(chip, (self.side_px, self.side_px), interpolation=cv2.INTER_AREA)
        return small.astype(np.uint8, copy=False)

    def photo_side_px(self, landmarks_xy: LandmarksXy) -> float:
        """Return the side of what is cut out, in the photo's pixels."""
        turned = similarity(np.array(landmarks_xy), self._places(self.side_px))
        return self.side_px / math.hypot(turned[0, 0], turned[1, 0])

    def _places(self, side_px: int) -> NDArray[np.float64]:
        padding = self.padding_ratio
        return (TEMPLATE + padding) / (1 + 2 * padding) * side_px - 0.5


def similarity(from_xy: NDArray[np.float64], to_xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the turn, scale and move, shape (2, 3), that puts points nearest to others.

    Least squares; both arrays have the shape (N, 2). Points that are all the same give a
    scale of 1.
    """
    middle, target = from_xy.mean(axis=0), to_xy.mean(axis=0)
    (x, y), (u, v) = (from_xy - middle).T, (to_xy - target).T
    spread = float((x * x + y * y).sum())
    cos = float((x * u + y * v).sum()) / spread if spread > 1e-9 else 1.0
    sin = float((x * v - y * u).sum()) / spread if spread > 1e-9 else 0.0
    if math.hypot(cos, sin) < 1e-6:
        cos, sin = 1.0, 0.0
    linear = np.array([[cos, -sin], [sin, cos]])
    return np.column_stack([linear, target - linear @ middle])


def _around(
    image: BgrImage, turned: NDArray[np.float64], side_px: int
) -> tuple[BgrImage, NDArray[np.float64]]:
    """Return the part of a picture that a chip needs, and where its corner is.

    OpenCV turns no picture with a side of more than 32,767 pixels.
    """
    back = np.linalg.inv(turned[:, :2])
    corners = np.array([(-1, -1), (side_px, -1), (-1, side_px), (side_px, side_px)], dtype=float)
    places = (corners - turned[:, 2]) @ back.T
    height, width = image.shape[:2]
    x0, y0 = np.clip(np.floor(places.min(axis=0)) - 2, 0, (width - 1, height - 1)).astype(int)
    x1, y1 = np.clip(np.ceil(places.max(axis=0)) + 3, (x0 + 1, y0 + 1), (width, height)).astype(int)
    return image[y0:y1, x0:x1], np.array([x0, y0], dtype=np.float64)
