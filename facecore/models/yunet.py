"""YuNet: faces with five landmarks, looked for in two copies of the photo.

Source: OpenCV's FaceDetectorYN (modules/objdetect/src/face_detect.cpp), whose decoding this is.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from facecore.imaging.decoding import BgrImage, cap_longest_side
from facecore.imaging.geometry import (
    Resolution,
    crop_window_xyxy,
    fractions_to_xyxy,
    has_area,
    iou_matrix,
    point_before_turn,
    surest_of_each,
)
from facecore.imaging.pictures import Picture
from facecore.models.chips import LandmarksXy
from facecore.models.network import Network, blob_from_images
from facecore.results import Box, Detection
from facecore.settings import AnalysisSettings

STRIDES = (8, 16, 32)
"""Pixels from one place to the next in each of its three maps of the input."""

LARGE_SIDE_RATIO = 640 / 300
"""Longest side of the larger copy, as a part of the setting "detector input size"."""

SMALL_SIDE_PX = 240
# It knows faces of 10 to 300 pixels: in the large copy a face that fills the photo is missed in
# 21 of 75 close-ups, in the small one in none.

CANDIDATES_FROM = 0.1
MOST_CANDIDATES = 200
SAME_FACE_IOU = 0.3
"""Boxes of one look that overlap by more are one face (OpenCV Zoo's default)."""

SAME_FACE_IOU_OF_LOOKS = 0.4
SAME_FACE_PART = 0.7
"""Boxes of different looks are one face also where so much of the smaller lies in the larger."""

FINDER_SIDE_PX = 160
FINDER_MARGIN_RATIO = 0.5
FINDER_LEAST_IOU = 0.3
"""How large the surroundings of a face are in which its landmarks are looked for, and how well
what is found there has to fit it."""

Found = NDArray[np.float64]
"""Shape (N, 15): confidence; x0, y0, x1, y1; x and y of both eyes, the nose and both corners of
the mouth, the photo's left first; all but the confidence as fractions of the picture."""


class YuNet:
    """The detector network with its feeding and its post-processing."""

    # Of the same portraits 95 % are surer than the first, none of those on their head or side is;
    # all that lie on their side are less sure than the second, or wide.
    noise_below = 0.3
    upright_from = 0.905
    turned_below = 0.87

    def __init__(self, network: Network) -> None:
        self.network = network

    @property
    def networks(self) -> tuple[Network, ...]:
        """The one network."""
        return (self.network,)

    def find(
        self, image: BgrImage, resolution_wh: Resolution, settings: AnalysisSettings
    ) -> tuple[Detection, ...]:
        """Return everything the network takes for a face, with its landmarks.

        Args:
            image: the picture to look at, usually a capped copy.
            resolution_wh: the size of the original, in whose pixels boxes and landmarks are.
            settings: the detector's input size.

        Returns:
            By falling confidence, from `CANDIDATES_FROM` on.

        Raises:
            EngineError: the network cannot be run.
        """
        large_px = round(settings.input_size_px * LARGE_SIDE_RATIO)
        found = self.look(image, large_px)
        if min(large_px, max(image.shape[:2])) > SMALL_SIDE_PX:
            found = merge_looks(found, self.look(image, SMALL_SIDE_PX))
        return detections_from_found(found, resolution_wh)

    def look(self, image: BgrImage, side_px: int) -> Found:
        """Return the faces in one copy of a picture, no longer than this, as `Found`."""
        copy = cap_longest_side(image, side_px)
        height, width = copy.shape[:2]
        # Its maps are halved five times, so the input is a multiple of 32.
        padded = np.zeros((-height % 32 + height, -width % 32 + width, 3), dtype=np.uint8)
        padded[:height, :width] = copy
        size_wh = (padded.shape[1], padded.shape[0])
        outputs = self.network.run(blob_from_images([padded], self.network.spec, size_wh))
        return found_from_outputs(outputs, size_wh, (width, height))


class LandmarkFinder:
    """Finds the landmarks of faces that another detector found; loads YuNet when first asked."""

    def __init__(self, load: Callable[[], YuNet]) -> None:
        self._load = load
        self._loading = threading.Lock()
        self._yunet: YuNet | None = None

    def __call__(self, picture: Picture, box: Box, turned_degrees: int) -> LandmarksXy | None:
        """Return the landmarks of the face in a box, in the photo's pixels; None without any.

        Args:
            picture: the photo.
            box: the face.
            turned_degrees: by how much the photo has to be turned clockwise for it to be upright.

        Raises:
            ModelError: YuNet's file is missing or wrong, or the engine cannot load or run it.
        """
        with self._loading:
            self._yunet = self._yunet or self._load()
        window = crop_window_xyxy(
            box.xyxy, picture.size_wh, margin_ratio=FINDER_MARGIN_RATIO, square=True
        )
        # Of a face that is not upright it gives the landmarks where those of one would lie.
        upright = np.rot90(picture.cut(window), -turned_degrees // 90)
        found = self._yunet.look(np.ascontiguousarray(upright), FINDER_SIDE_PX)
        if not len(found):
            return None
        corner = np.array(window[:2], dtype=np.float64)
        lying = [
            [point_before_turn((x, y), turned_degrees, (1, 1)) for x, y in one]
            for one in found[:, 1:].reshape(-1, 7, 2)
        ]
        places = np.array(lying) * (np.array(window[2:]) - corner) + corner
        boxes = np.hstack([places[:, :2].min(axis=1), places[:, :2].max(axis=1)])
        overlaps = iou_matrix(boxes, np.array([box.xyxy]))[:, 0]
        best = int(np.argmax(overlaps))
        if overlaps[best] < FINDER_LEAST_IOU:
            return None
        return tuple((float(x), float(y)) for x, y in places[best, 2:])


def found_from_outputs(
    outputs: Sequence[NDArray[np.float32]], size_wh: Resolution, picture_wh: Resolution
) -> Found:
    """Take the faces out of the network's outputs, one box a face.

    Args:
        outputs: for each of `STRIDES`: class and object scores (1, N, 1), boxes (1, N, 4),
            landmarks (1, N, 10), N places row by row.
        size_wh: the input's size in pixels.
        picture_wh: how much of it, from the top left, is the picture.

    Returns:
        By falling confidence; what is no finite number is left out.
    """
    maps = [outputs[start : start + 4] for start in range(0, len(outputs), 4)]
    found = np.concatenate(
        [_of_one_map(one, s, size_wh[0] // s) for one, s in zip(maps, STRIDES, strict=True)]
    )
    found = found[np.argsort(-found[:, 0], kind="stable")]
    found[:, 1:] /= np.resize(np.array(picture_wh, dtype=np.float64), 14)
    whole: Found = found[np.isfinite(found).all(axis=1)]
    return whole[surest_of_each(whole[:, 1:5], SAME_FACE_IOU, most=MOST_CANDIDATES)]


def merge_looks(first: Found, second: Found) -> Found:
    """Join two looks at one picture; of two boxes of the same face the surer one stays."""
    found = np.concatenate([first, second])
    found = found[np.argsort(-found[:, 0], kind="stable")]
    return found[
        surest_of_each(found[:, 1:5], SAME_FACE_IOU_OF_LOOKS, SAME_FACE_PART, MOST_CANDIDATES)
    ]


def detections_from_found(found: Found, resolution_wh: Resolution) -> tuple[Detection, ...]:
    """Turn faces into detections in pixels of a picture of this size, in the same order.

    Boxes are clipped to the picture, landmarks are not; boxes left without area are dropped.
    """
    boxes_xyxy = fractions_to_xyxy(found[:, 1:5], resolution_wh)
    landmarks = found[:, 5:].reshape(-1, 5, 2) * resolution_wh
    return tuple(
        Detection(
            Box(*(int(edge) for edge in box)),
            min(float(row[0]), 1.0),
            (float(row[1]), float(row[2]), float(row[3]), float(row[4])),
            tuple((float(x), float(y)) for x, y in points),
        )
        for box, row, points, usable in zip(
            boxes_xyxy, found, landmarks, has_area(boxes_xyxy), strict=True
        )
        if usable
    )


def _of_one_map(outputs: Sequence[NDArray[np.float32]], stride: int, columns: int) -> Found:
    classes, objects, boxes, points = (np.asarray(one[0], dtype=np.float64) for one in outputs)
    scores = np.sqrt(np.clip(classes, 0, 1) * np.clip(objects, 0, 1))[:, 0]
    (places,) = np.nonzero(scores >= CANDIDATES_FROM)
    here = np.stack([places % columns, places // columns], axis=1)
    middles = (here + boxes[places, :2]) * stride
    halves = np.exp(boxes[places, 2:]) * stride / 2
    landmarks = (np.tile(here, 5) + points[places]) * stride
    return np.hstack([scores[places, None], middles - halves, middles + halves, landmarks])
