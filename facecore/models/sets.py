"""What makes up a set of models: a detector, and what reads attributes of the faces it found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from facecore.imaging.decoding import BgrImage
from facecore.imaging.geometry import Resolution
from facecore.imaging.pictures import Picture
from facecore.models.attributes import AttributeClassifier, AttributeReader, Attributes
from facecore.models.catalogue import network_spec
from facecore.models.detector import FaceDetector
from facecore.models.network import Network, load_networks
from facecore.results import AgeGroupPrediction, Detection, GenderPrediction
from facecore.settings import AnalysisSettings, RuntimeOptions


class Detector(Protocol):
    """What finds faces."""

    @property
    def networks(self) -> tuple[Network, ...]:
        """The networks that it runs."""

    def find(
        self, image: BgrImage, resolution_wh: Resolution, settings: AnalysisSettings
    ) -> tuple[Detection, ...]:
        """Return all candidates by falling confidence; landmarks only where it has them.

        Args:
            image: the picture to look at, usually a capped copy.
            resolution_wh: the size of the original, in whose pixels the boxes are.
            settings: how to look.

        Raises:
            EngineError: a network cannot be run.
        """


class FaceReader(Protocol):
    """What reads the attributes of faces."""

    @property
    def networks(self) -> tuple[Network, ...]:
        """The networks that it runs."""

    def side_for_crops_px(
        self, picture: Picture, detections: Sequence[Detection], settings: AnalysisSettings
    ) -> int:
        """Return how long a photo must be so that no crop of these faces has to be enlarged."""

    def read(
        self,
        picture: Picture,
        detections: Sequence[Detection],
        settings: AnalysisSettings,
        capped: BgrImage | None = None,
    ) -> tuple[Attributes, ...]:
        """Return the attributes of each of these faces of a photo by name, in the same order.

        Raises:
            EngineError: a network cannot be run.
        """

    def crops(
        self, picture: Picture, detections: Sequence[Detection], settings: AnalysisSettings
    ) -> list[BgrImage]:
        """Return each face as it is read, to be shown."""


@dataclass(frozen=True, slots=True)
class ModelSet:
    """A loaded detector and reader that go together; safe to share between threads."""

    detector: Detector
    reader: FaceReader

    @property
    def networks(self) -> tuple[Network, ...]:
        """All networks, the detector's first."""
        return (*self.detector.networks, *self.reader.networks)


def article(options: RuntimeOptions) -> ModelSet:
    """Load the article's three networks: an SSD, and Levi and Hassner's gender and age.

    Raises:
        ModelError: a file is missing or wrong, or the engine cannot load it.
    """
    specs = [network_spec(role) for role in ("detector", "gender", "age")]
    return article_set(*load_networks(specs, options))


def article_set(detector: Network, gender: Network, age: Network) -> ModelSet:
    """Return the article's set of networks that are loaded already."""
    readers = {
        "gender": AttributeReader(gender, GenderPrediction),
        "age_group": AttributeReader(age, AgeGroupPrediction),
    }
    return ModelSet(FaceDetector(detector), AttributeClassifier(readers))


MODEL_SETS: dict[str, Callable[[RuntimeOptions], ModelSet]] = {"article": article}
"""What loads a set, by its name."""


def load_models(options: RuntimeOptions, name: str = "article") -> ModelSet:
    """Load a set of models.

    Raises:
        ModelError: a file is missing or wrong, or the engine cannot load it.
    """
    return MODEL_SETS[name](options)
