"""Reading gender and age group from the crops of faces."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from facecore.geometry import crop_window_xyxy
from facecore.images import BgrImage
from facecore.network import Network, blob_from_images
from facecore.results import AgeGroupPrediction, Box, GenderPrediction
from facecore.settings import AnalysisSettings

Attributes = tuple[GenderPrediction, AgeGroupPrediction]

MAX_BATCH = 32
"""Faces of one forward pass; a crowd goes in several, so that memory stays bounded."""


class AttributeClassifier:
    """The gender and the age network, which take the same blob."""

    def __init__(self, gender_network: Network, age_network: Network) -> None:
        self.gender_network = gender_network
        self.age_network = age_network
        # One blob serves both only as long as both are fed alike.
        self._shared_blob = (gender_network.spec.input_wh, gender_network.spec.mean_bgr) == (
            age_network.spec.input_wh,
            age_network.spec.mean_bgr,
        )

    def classify(self, crops: Sequence[BgrImage]) -> tuple[Attributes, ...]:
        """Read all faces of a photo, one batch per network (a crowd: one per 32 faces).

        Args:
            crops: BGR pictures of one face each; sizes may differ.

        Returns:
            Gender and age group of each crop, in the same order.

        Raises:
            EngineError: a network cannot be run.
        """
        answers: list[Attributes] = []
        for start in range(0, len(crops), MAX_BATCH):
            answers += self._classify_batch(crops[start : start + MAX_BATCH])
        return tuple(answers)

    def _classify_batch(self, crops: Sequence[BgrImage]) -> list[Attributes]:
        blob = blob_from_images(crops, self.gender_network.spec)
        genders = self.gender_network.forward(blob)
        if not self._shared_blob:
            blob = blob_from_images(crops, self.age_network.spec)
        ages = self.age_network.forward(blob)
        return [
            (GenderPrediction(_row(gender)), AgeGroupPrediction(_row(age)))
            for gender, age in zip(genders, ages, strict=True)
        ]


def crop_face(photo: BgrImage, box: Box, settings: AnalysisSettings) -> BgrImage:
    """Cut a face out of the full photo, as the crop settings say; a view, not a copy."""
    height, width = photo.shape[:2]
    x0, y0, x1, y1 = crop_window_xyxy(
        box.xyxy,
        (width, height),
        margin_ratio=settings.crop_margin_ratio,
        square=settings.crop_shape == "square",
    )
    return photo[y0:y1, x0:x1]


def _row(probabilities: NDArray[np.float32]) -> tuple[float, ...]:
    return tuple(float(p) for p in probabilities.ravel())
