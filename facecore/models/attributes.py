"""Reading attributes, such as gender and age group, from the crops of faces."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facecore.engines.base import Blob
from facecore.imaging.decoding import BgrImage
from facecore.imaging.geometry import crop_window_xyxy, fractions_to_xyxy
from facecore.imaging.pictures import Picture
from facecore.models.chips import Chip, LandmarksXy
from facecore.models.network import Network, blob_from_images
from facecore.results import Box, ClassPrediction, Detection
from facecore.settings import MAX_CROP_MARGIN_RATIO, AnalysisSettings

Attributes = Mapping[str, ClassPrediction]
"""What was read of one face, by the attribute's name."""

# Around the chosen margin; with the mirror images, six views. On 268 labelled
# faces this reads 74 % of genders right, one view 71 %.
CAREFUL_MARGIN_STEPS = (-0.05, 0.0, 0.05)

MAX_BATCH = 32
"""Faces of one forward pass; a crowd goes in several, so that memory stays bounded."""


FindLandmarks = Callable[[Picture, Box, int], LandmarksXy | None]
"""Finds the landmarks of a face of a photo, which is turned by so many degrees clockwise to be
upright; None where there are none."""

Rows = dict[str, NDArray[np.float32]]
"""The networks' outputs, shape (N, classes), a row a picture, by the attribute's name."""


@dataclass(frozen=True, slots=True)
class AttributeReader:
    """A network that reads one attribute, and what its output row is taken for."""

    network: Network
    prediction: Callable[[tuple[float, ...]], ClassPrediction]


class AttributeClassifier:
    """Networks that read attributes by name; those that are fed alike share their blobs.

    With a ``chip``, faces with landmarks are cut out aligned, and read mirrored as well:
    always, or with ``find_landmarks``, which finds a face's own, where the settings say so.
    """

    def __init__(
        self,
        readers: Mapping[str, AttributeReader],
        chip: Chip | None = None,
        find_landmarks: FindLandmarks | None = None,
    ) -> None:
        self.readers = readers
        self.chip = chip
        self.find_landmarks = find_landmarks

    @property
    def networks(self) -> tuple[Network, ...]:
        """The networks, in the order of the attributes."""
        return tuple(reader.network for reader in self.readers.values())

    def read(
        self,
        picture: Picture,
        detections: Sequence[Detection],
        settings: AnalysisSettings,
        capped: BgrImage | None = None,
    ) -> tuple[Attributes, ...]:
        """Return the attributes of each of these faces of a photo, in the same order.

        Args:
            picture: the photo, as fine as `side_for_crops_px` says.
            detections: the faces.
            settings: how they are cut out and read.
            capped: the detector's copy, where it has been made already.

        Raises:
            EngineError: a network cannot be run.
        """
        places = crop_places(picture, detections, settings, capped)
        views = [
            [chip, chip[:, ::-1]] if chip is not None else face_views(source, box, settings, turned)
            for chip, (source, box, turned) in zip(
                self._chips(picture, detections, settings), places, strict=True
            )
        ]
        return self.classify_views(views, batch=settings.batch_faces)

    def views(self, settings: AnalysisSettings) -> str:
        """Return "aligned", "careful", "one" or "other crops": how these settings read faces."""
        if self._aligns(settings):
            return "aligned"
        # From 15 to 25 % answers hardly change; other crops are read with other certainty.
        if settings.crop_shape != "square" or not 0.15 <= settings.crop_margin_ratio <= 0.25:
            return "other crops"
        return "careful" if settings.careful else "one"

    def _aligns(self, settings: AnalysisSettings) -> bool:
        return self.chip is not None and (self.find_landmarks is None or settings.aligned)

    def crops(
        self, picture: Picture, detections: Sequence[Detection], settings: AnalysisSettings
    ) -> list[BgrImage]:
        """Return each face as the networks see it, to be shown; mostly views, not copies."""
        places = crop_places(picture, detections, settings)
        return [
            chip if chip is not None else crop_face(source, box, settings, turned)
            for chip, (source, box, turned) in zip(
                self._chips(picture, detections, settings), places, strict=True
            )
        ]

    def classify(self, crops: Sequence[BgrImage], *, batch: bool = True) -> tuple[Attributes, ...]:
        """Read all faces of a photo, one batch per network (a crowd: one per 32 faces).

        Args:
            crops: BGR pictures of one face each; sizes may differ.
            batch: False runs each network once per picture instead.

        Returns:
            The attributes of each crop by name, in the same order.

        Raises:
            EngineError: a network cannot be run.
        """
        return self.classify_views([[crop] for crop in crops], batch=batch)

    def classify_views(
        self, faces: Sequence[Sequence[BgrImage]], *, batch: bool = True
    ) -> tuple[Attributes, ...]:
        """Read faces of which there are several views each, and average the probabilities.

        Args:
            faces: the views of each face, BGR pictures, at least one a face.
            batch: as for `classify`.

        Returns:
            One answer a face, in the same order.

        Raises:
            EngineError: a network cannot be run.
        """
        views = [view for face in faces for view in face]
        size = MAX_BATCH if batch else 1
        parts = [self._run(views[i : i + size]) for i in range(0, len(views), size)]
        rows = {
            name: iter(np.concatenate([part[name] for part in parts]) if parts else ())
            for name in self.readers
        }
        return tuple(
            {
                name: reader.prediction(_mean(list(itertools.islice(rows[name], len(face)))))
                for name, reader in self.readers.items()
            }
            for face in faces
        )

    def side_for_crops_px(
        self, picture: Picture, detections: Sequence[Detection], settings: AnalysisSettings
    ) -> int:
        """Return how long a photo must be so that no crop of these faces has to be enlarged.

        Args:
            picture: the photo as it is decoded now.
            detections: the faces to be read.
            settings: how they are cut out.

        Returns:
            Pixels of its longest side, no less than the picture has; more than the
            photo has in full where a face is smaller than the networks' input.
        """
        longest: int = max(picture.image.shape[:2])
        if picture.reduction == 1 or not detections:
            return longest
        sides: list[float] = []
        for found in detections:
            if self.chip and found.landmarks_xy:
                sides.append(self.chip.photo_side_px(found.landmarks_xy) / picture.reduction)
            elif settings.crop_source == "full":
                views = face_views(picture, found.box, settings)
                sides += [min(view.shape[:2]) for view in views]
        if not sides:
            return longest
        wanted = max(side for network in self.networks for side in network.spec.input_wh)
        return max(longest, math.ceil(longest * wanted / max(min(sides), 1)))

    def _run(self, views: Sequence[BgrImage]) -> Rows:
        blobs: dict[tuple[object, ...], Blob] = {}
        rows: Rows = {}
        for name, reader in self.readers.items():
            spec = reader.network.spec
            feeding = (spec.input_wh, spec.mean_bgr, spec.divisor, spec.rgb, spec.averaged)
            if feeding not in blobs:
                blobs[feeding] = blob_from_images(views, spec)
            (rows[name],) = reader.network.run(blobs[feeding])
        return rows

    def _chips(
        self, picture: Picture, detections: Sequence[Detection], settings: AnalysisSettings
    ) -> list[BgrImage | None]:
        if self.chip is None or not self._aligns(settings):
            return [None] * len(detections)
        find = self.find_landmarks
        places = (
            found.landmarks_xy or (find and find(picture, found.box, found.turned_degrees))
            for found in detections
        )
        return [self.chip.cut(picture, place) if place else None for place in places]


def face_views(
    picture: Picture, box: Box, settings: AnalysisSettings, turned_degrees: int = 0
) -> list[BgrImage]:
    """Return the crops of one face that are read and averaged: one, or six with ``careful``."""
    if not settings.careful:
        return [crop_face(picture, box, settings, turned_degrees)]
    steps = CAREFUL_MARGIN_STEPS
    # At the ends of the range the window moves inwards, so that the margins differ.
    middle = min(max(settings.crop_margin_ratio, -steps[0]), MAX_CROP_MARGIN_RATIO - steps[-1])
    crops = [
        crop_face(picture, box, settings, turned_degrees, margin_ratio=middle + step)
        for step in steps
    ]
    return [*crops, *(crop[:, ::-1] for crop in crops)]


def crop_places(
    picture: Picture,
    detections: Sequence[Detection],
    settings: AnalysisSettings,
    capped: BgrImage | None = None,
) -> list[tuple[Picture, Box, int]]:
    """Return for each face what it is cut from, photo or capped copy, its box, and its turn.

    Args:
        picture: the photo.
        detections: the faces.
        settings: which of the two it is.
        capped: the capped copy, where it has been made already.
    """
    if settings.crop_source == "full" or not detections:
        return [(picture, found.box, found.turned_degrees) for found in detections]
    if capped is None:
        capped = picture.capped(settings.max_side_px)
    copy = Picture.in_full(capped)
    return [(copy, box_in_copy(found, capped), found.turned_degrees) for found in detections]


def crop_face(
    picture: Picture,
    box: Box,
    settings: AnalysisSettings,
    turned_degrees: int = 0,
    *,
    margin_ratio: float | None = None,
) -> BgrImage:
    """Cut a face out of a picture, as the crop settings say; a view, not a copy.

    Args:
        picture: in whose full size's pixels the box is.
        box: the face.
        settings: shape of the crop, and its margin where none is given.
        turned_degrees: by how much the picture has to be turned clockwise for the face to be
            upright, as its crop is.
        margin_ratio: as ``AnalysisSettings.crop_margin_ratio``.
    """
    window_xyxy = crop_window_xyxy(
        box.xyxy,
        picture.size_wh,
        margin_ratio=settings.crop_margin_ratio if margin_ratio is None else margin_ratio,
        square=settings.crop_shape == "square",
    )
    crop = picture.cut(window_xyxy)
    return np.rot90(crop, -turned_degrees // 90) if turned_degrees else crop


def box_in_copy(detection: Detection, copy: BgrImage) -> Box:
    """Return a face's box in the pixels of a smaller copy, from the network's own numbers.

    At least one pixel is left, however small the copy is.
    """
    height, width = copy.shape[:2]
    if detection.fractions_xyxy is None:
        raise ValueError("the detection does not say where it lies in a copy")
    edges = fractions_to_xyxy(np.array([detection.fractions_xyxy]), (width, height))[0]
    x0, y0 = min(int(edges[0]), width - 1), min(int(edges[1]), height - 1)
    return Box(x0, y0, max(int(edges[2]), x0 + 1), max(int(edges[3]), y0 + 1))


def _mean(rows: Sequence[NDArray[np.float32]]) -> tuple[float, ...]:
    return tuple(np.mean(np.array(rows, dtype=np.float64), axis=0).ravel().tolist())
