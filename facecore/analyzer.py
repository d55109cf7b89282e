"""The whole way from a file's bytes to faces with gender and age group."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facecore.annotate import draw_faces
from facecore.attributes import AttributeClassifier, Attributes, crop_places, face_views
from facecore.detector import FaceDetector, accept
from facecore.images import BgrImage, cap_longest_side, check_bgr, decode_image, encode_jpeg
from facecore.network import Network, load_networks
from facecore.registry import network_spec
from facecore.resources import ResourceMeter
from facecore.results import STAGES, Analysis, Box, Detection, Face, StageTimings
from facecore.settings import DEFAULT_MAX_PIXELS, AnalysisSettings, RuntimeOptions

Photo = bytes | NDArray[np.uint8]
"""A file's bytes, or an upright BGR picture: uint8, (height, width, 3)."""

KNOWN_FACES_PER_PHOTO = 1000
"""Read faces that an open photo remembers, over all crop settings."""


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
        self, photo: Photo, settings: AnalysisSettings | None = None, *, annotate: bool = True
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

    def open(self, photo: Photo) -> OpenPhoto:
        """Take a photo to be read again and again under changing settings; decodes nothing yet."""
        return OpenPhoto(self, photo)


class OpenPhoto:
    """One photo that remembers what was found out about it.

    A second reading decodes nothing again, detects only where a setting of the
    detection changed, and classifies only faces that were never classified with
    the same crop. For one thread at a time.
    """

    def __init__(self, analyzer: FaceAnalyzer, photo: Photo) -> None:
        self._analyzer: FaceAnalyzer | None = analyzer
        self._max_pixels = analyzer.max_pixels
        self._source = photo
        self._image: BgrImage | None = None
        self._detected_with: tuple[object, ...] = ()
        self._candidates: tuple[Detection, ...] | None = None
        self._known: OrderedDict[tuple[Box, tuple[object, ...]], Attributes] = OrderedDict()

    def read(
        self,
        settings: AnalysisSettings,
        *,
        annotate: bool = True,
        preview_side_px: int | None = None,
    ) -> Analysis:
        """Give the answer under these settings.

        Args:
            annotate: whether to draw the faces on a copy of the photo.
            preview_side_px: draw on a copy no larger than this and encode it as a
                JPEG instead, which takes less time and memory.

        Raises:
            ImageError: the photo cannot be read.
            ModelError: a network cannot be run.
        """
        clock = _StageClock()
        with ResourceMeter() as meter:
            image = self._decoded(clock)
            candidates = self._detected(image, settings, clock)
            faces = self._classified(image, candidates, settings, clock)
            annotated = preview = None
            if annotate and preview_side_px is None:
                with clock.stage("annotate"):
                    annotated = draw_faces(image, faces)
            elif annotate:
                preview = _preview(image, faces, preview_side_px, clock)
            return Analysis(
                faces=faces,
                candidates=candidates,
                size_wh=(image.shape[1], image.shape[0]),
                timings=clock.timings(),
                resources=meter.usage(),
                settings=settings,
                reused=tuple(clock.reused),
                annotated=annotated,
                preview_jpeg=preview,
            )

    @property
    def image(self) -> BgrImage:
        """The upright photo, BGR uint8 (height, width, 3), decoded when first needed.

        Raises:
            ImageError: the photo cannot be read.
        """
        if self._image is None:
            if isinstance(self._source, np.ndarray):
                self._image = check_bgr(self._source)
            else:
                self._image = decode_image(self._source, max_pixels=self._max_pixels)
        return self._image

    @property
    def image_bytes(self) -> int:
        """Memory that the decoded photo takes now; 0 when it is not decoded."""
        return 0 if self._image is None else self._image.nbytes

    def detach(self) -> None:
        """Let the networks go, so that a photo that is kept does not keep them in memory."""
        self._analyzer = None

    def attach(self, analyzer: FaceAnalyzer) -> None:
        """Take networks of the same runtime options again, to be read anew."""
        self._analyzer = analyzer

    def release_image(self) -> None:
        """Let the decoded photo go; what was found out stays, and decoding can happen again."""
        self._image = None

    @property
    def _networks(self) -> FaceAnalyzer:
        if self._analyzer is None:
            raise RuntimeError("the photo was detached from its networks")
        return self._analyzer

    def _decoded(self, clock: _StageClock) -> BgrImage:
        if self._image is not None:
            clock.reused.append("decode")
            return self._image
        with clock.stage("decode"):
            return self.image

    def _detected(
        self, image: BgrImage, settings: AnalysisSettings, clock: _StageClock
    ) -> tuple[Detection, ...]:
        if self._candidates is not None and self._detected_with == settings.detection_key:
            clock.reused += ["resize", "detect"]
            return self._candidates
        with clock.stage("resize"):
            capped = cap_longest_side(image, settings.max_side_px)
        with clock.stage("detect"):
            size_wh = (image.shape[1], image.shape[0])
            self._candidates = self._networks.detector.candidates(capped, size_wh, settings)
        self._detected_with = settings.detection_key
        return self._candidates

    def _classified(
        self,
        image: BgrImage,
        candidates: Sequence[Detection],
        settings: AnalysisSettings,
        clock: _StageClock,
    ) -> tuple[Face, ...]:
        accepted = accept(candidates, confidence=settings.confidence, max_faces=settings.max_faces)
        with clock.stage("classify"):
            unknown = {
                (found.box, settings.crop_key): found
                for found in accepted
                if (found.box, settings.crop_key) not in self._known
            }
            places = crop_places(image, list(unknown.values()), settings)
            views = [face_views(source, box, settings) for source, box in places]
            answers = self._networks.classifier.classify_views(views)
        self._known.update(zip(unknown, answers, strict=True))
        faces = tuple(Face(d, *self._known[d.box, settings.crop_key]) for d in accepted)
        while len(self._known) > KNOWN_FACES_PER_PHOTO:
            self._known.popitem(last=False)
        return faces


def _preview(
    image: BgrImage, faces: Sequence[Face], side_px: int | None, clock: _StageClock
) -> bytes:
    with clock.stage("annotate"):
        small = cap_longest_side(image, side_px)
        drawn = draw_faces(small, faces, scale=max(small.shape[:2]) / max(image.shape[:2]))
    with clock.stage("encode"):
        return encode_jpeg(drawn)


class _StageClock:
    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._times_ms = dict.fromkeys(STAGES, 0.0)
        self.reused: list[str] = []

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self._times_ms[name] += (time.perf_counter() - started) * 1e3

    def timings(self) -> StageTimings:
        total_ms = (time.perf_counter() - self._started) * 1e3
        return StageTimings(
            total_ms=total_ms, **{f"{stage}_ms": t for stage, t in self._times_ms.items()}
        )
