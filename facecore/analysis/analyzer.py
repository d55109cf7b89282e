"""The whole way from a file's bytes to faces with gender and age group."""

from __future__ import annotations

from dataclasses import dataclass

from facecore.analysis.open_photo import OpenPhoto
from facecore.imaging.pictures import ImageInput
from facecore.machine.meter import ResourceMeter
from facecore.models.attributes import AttributeClassifier
from facecore.models.catalogue import network_spec
from facecore.models.detector import FaceDetector
from facecore.models.network import Network, load_networks
from facecore.results import Analysis
from facecore.settings import DEFAULT_MAX_PIXELS, AnalysisSettings, RuntimeOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadCost:
    """What it took to get all three networks ready, their first pass included.

    ``rss_delta_bytes`` is by how much the process's resident memory grew.
    """

    load_time_ms: float
    rss_delta_bytes: int


class FaceAnalyzer:
    """Reads faces from photos with three loaded networks; safe to share between threads."""

    def __init__(
        self,
        detector: FaceDetector,
        classifier: AttributeClassifier,
        *,
        max_pixels: int = DEFAULT_MAX_PIXELS,
        load_cost: LoadCost | None = None,
    ) -> None:
        self.detector = detector
        self.classifier = classifier
        self.max_pixels = max_pixels
        self.load_cost = load_cost

    @classmethod
    def load(
        cls, options: RuntimeOptions | None = None, *, max_pixels: int = DEFAULT_MAX_PIXELS
    ) -> FaceAnalyzer:
        """Load the three networks.

        Raises:
            ModelError: a file is missing or wrong, or OpenCV cannot load it.
        """
        specs = [network_spec(role) for role in ("detector", "gender", "age")]
        with ResourceMeter() as meter:
            detector, gender, age = load_networks(specs, options or RuntimeOptions())
            used = meter.usage()
        return cls(
            FaceDetector(detector),
            AttributeClassifier(gender, age),
            max_pixels=max_pixels,
            load_cost=LoadCost(
                load_time_ms=used.wall_time_s * 1e3,
                rss_delta_bytes=used.rss_after_bytes - used.rss_before_bytes,
            ),
        )

    @property
    def networks(self) -> tuple[Network, Network, Network]:
        """Detector, gender and age network."""
        return (
            self.detector.network,
            self.classifier.gender_network,
            self.classifier.age_network,
        )

    def analyze(
        self, photo: ImageInput, settings: AnalysisSettings | None = None, *, annotate: bool = True
    ) -> Analysis:
        """Read the faces of one photo.

        Args:
            photo: a file's bytes, or an upright BGR array (height, width, 3) of uint8.
            settings: the defaults where None.
            annotate: whether to draw the faces on a copy of the photo.

        Raises:
            ImageError: the photo cannot be read.
            ModelError: a network cannot be run.
        """
        return self.open(photo).read(settings or AnalysisSettings(), annotate=annotate)

    def open(self, photo: ImageInput) -> OpenPhoto:
        """Take a photo to be read again and again under changing settings; decodes nothing yet."""
        return OpenPhoto(self, photo)
