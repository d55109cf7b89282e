"""What makes up a set of models: a detector, and what reads attributes of the faces it found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from facecore import engines
from facecore.errors import EngineError
from facecore.imaging.decoding import BgrImage
from facecore.imaging.geometry import Resolution
from facecore.imaging.pictures import Picture
from facecore.models.attributes import AttributeClassifier, AttributeReader, Attributes
from facecore.models.calibration import Calibration
from facecore.models.catalogue import NetworkSpec, SetSpec, network_specs, set_spec
from facecore.models.chips import Chip
from facecore.models.detector import FaceDetector
from facecore.models.network import Network, load_networks
from facecore.models.yunet import LandmarkFinder, YuNet
from facecore.results import AgeGroupPrediction, ClassPrediction, Detection, Face, GenderPrediction
from facecore.settings import AnalysisSettings, RuntimeOptions


class Detector(Protocol):
    """What finds faces.

    ``upright_from`` is the confidence from which on a face is upright: few are less sure, and
    few that lie on their side or their head are surer. ``turned_below`` is one below which most
    faces are turned. Candidates below ``noise_below`` mean nothing. All are measured.
    """

    noise_below: float
    upright_from: float
    turned_below: float

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

    def views(self, settings: AnalysisSettings) -> str:
        """Return the name of the way in which faces are read, which calibrations are of."""

    def crops(
        self, picture: Picture, detections: Sequence[Detection], settings: AnalysisSettings
    ) -> list[BgrImage]:
        """Return each face as it is read, to be shown."""


@dataclass(frozen=True, slots=True)
class ModelSet:
    """A loaded detector and reader that go together; safe to share between threads."""

    detector: Detector
    reader: FaceReader
    calibrations: tuple[Calibration, ...] = ()
    name: str = ""

    @property
    def networks(self) -> tuple[Network, ...]:
        """All networks, the detector's first."""
        return (*self.detector.networks, *self.reader.networks)

    def calibrations_for(self, settings: AnalysisSettings) -> dict[str, Calibration]:
        """Return what these settings let put right the probabilities of each attribute, by name."""
        views = self.reader.views(settings) if settings.calibrated else None
        return {one.attribute: one for one in self.calibrations if one.views == views}

    def calibrated(self, face: Face, settings: AnalysisSettings) -> Face:
        """Return a face with probabilities that mean what they say, where the settings ask for it.

        What was fitted for another way of reading is not used.
        """
        fitted = self.calibrations_for(settings)
        attributes = {
            name: fitted[name].of(prediction) if name in fitted else prediction
            for name, prediction in face.attributes.items()
        }
        return replace(face, attributes=attributes)


def model_set(spec: SetSpec, networks: Sequence[Network]) -> ModelSet:
    """Return a set of networks that are loaded already, the detector first."""
    detector, *readers = networks
    finder = None
    if spec.landmarks:
        others = network_specs(spec.landmarks)[:1]
        finder = LandmarkFinder(lambda: _landmark_network(others, detector.options))
    read_as = _ATTRIBUTES[spec.reader]
    attributes = {
        name: AttributeReader(network, prediction)
        for network in readers
        for name, prediction in (read_as[network.spec.role],)
    }
    chip = Chip(int(spec.chip["side_px"]), spec.chip["padding_ratio"]) if spec.chip else None
    reader = AttributeClassifier(attributes, chip, finder)
    return ModelSet(_DETECTORS[spec.detector](detector), reader, spec.calibrations, spec.name)


def load_models(options: RuntimeOptions) -> ModelSet:
    """Load the set of models that the options name.

    Raises:
        ModelError: a file is missing or wrong, or the engine cannot load it.
        SettingsError: there is no such set.
    """
    spec = set_spec(options.model_set)
    return model_set(spec, load_networks(spec.networks, options))


def _landmark_network(specs: Sequence[NetworkSpec], options: RuntimeOptions) -> YuNet:
    try:
        return YuNet(*load_networks(specs, options))
    except EngineError:
        # Some engines run the set's own files alone.
        named = RuntimeOptions(engine=engines.reference().name, threads=options.threads)
        return YuNet(*load_networks(specs, named))


def _age_of_years(row: tuple[float, ...]) -> AgeGroupPrediction:
    # Its classes are the years 0 to 80; its authors count the first as a quarter.
    return AgeGroupPrediction.of_years(row, (0.25, *range(1, len(row))))


_DETECTORS: dict[str, Callable[[Network], Detector]] = {"ssd": FaceDetector, "yunet": YuNet}

_ATTRIBUTES: dict[str, dict[str, tuple[str, Callable[[tuple[float, ...]], ClassPrediction]]]] = {
    "crops": {
        "gender": ("gender", GenderPrediction),
        "age": ("age_group", AgeGroupPrediction),
    },
    "chips": {
        # Its outputs are the other way round.
        "gender": ("gender", lambda row: GenderPrediction(row[::-1])),
        "age": ("age_group", _age_of_years),
    },
}
"""What a network of a role says: the attribute's name, and what its output row is taken for."""
