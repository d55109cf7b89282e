"""The pipeline: decode, resize, detect, classify, annotate, encode; see `FaceAnalyzer.read`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

from facecore.analysis.automatic import settled
from facecore.analysis.finding import find_faces, side_for_parts_px
from facecore.analysis.memory import PhotoMemory
from facecore.imaging.decoding import BgrImage, encode_jpeg
from facecore.imaging.drawing import draw_faces
from facecore.imaging.pictures import FULL_SIZE, ImageInput, Picture
from facecore.machine.meter import ResourceMeter
from facecore.models.detector import accept
from facecore.models.network import Network
from facecore.models.sets import ModelSet, load_models
from facecore.results import Analysis, Detection, Face, StageTimings
from facecore.settings import DEFAULT_MAX_PIXELS, AnalysisSettings, RuntimeOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadCost:
    """What it took to get all networks ready, their first pass included.

    ``rss_delta_bytes`` is by how much the process's resident memory grew.
    """

    load_time_ms: float
    rss_delta_bytes: int


class FaceAnalyzer:
    """Reads faces from photos with loaded networks; safe to share between threads."""

    def __init__(
        self,
        models: ModelSet,
        *,
        max_pixels: int = DEFAULT_MAX_PIXELS,
        load_cost: LoadCost | None = None,
    ) -> None:
        self.models = models
        self.max_pixels = max_pixels
        self.load_cost = load_cost

    @classmethod
    def load(
        cls, options: RuntimeOptions | None = None, *, max_pixels: int = DEFAULT_MAX_PIXELS
    ) -> FaceAnalyzer:
        """Load the networks.

        Raises:
            ModelError: a file is missing or wrong, or the engine cannot load it.
            SettingsError: there is no such engine, or it has no such options.
        """
        options = options or RuntimeOptions()
        # An engine that was asked for by name says itself what is wrong with it.
        options = settled(options) if options.engine is None else options
        with ResourceMeter() as meter:
            models = load_models(options)
            used = meter.usage()
        return cls(
            models,
            max_pixels=max_pixels,
            load_cost=LoadCost(
                load_time_ms=used.wall_time_s * 1e3,
                rss_delta_bytes=used.rss_after_bytes - used.rss_before_bytes,
            ),
        )

    @property
    def networks(self) -> tuple[Network, ...]:
        """All networks, the detector first."""
        return self.models.networks

    @property
    def engine(self) -> str:
        """The name of what runs the networks; several with commas between them."""
        return ", ".join(dict.fromkeys(network.engine for network in self.networks))

    def analyze(
        self, image: ImageInput, settings: AnalysisSettings | None = None, *, annotate: bool = True
    ) -> Analysis:
        """Read the faces of one photo.

        Args:
            image: a file's bytes, or an upright BGR array (height, width, 3) of uint8.
            settings: the defaults where None.
            annotate: whether to draw the faces on a copy of the photo.

        Raises:
            ImageError: the photo cannot be read.
            ModelError: a network cannot be run.
        """
        return self.read(self.memory(image), settings or AnalysisSettings(), annotate=annotate)

    def memory(self, image: ImageInput) -> PhotoMemory:
        """Return a photo to be read again and again; decodes nothing yet."""
        return PhotoMemory(image, self.max_pixels)

    def read(
        self,
        photo: PhotoMemory,
        settings: AnalysisSettings,
        *,
        annotate: bool = True,
        preview_side_px: int | None = None,
    ) -> Analysis:
        """Return the answer under these settings: the whole pipeline.

        It decodes only where a finer picture is needed or the way of decoding changed,
        detects only where a setting of the detection changed, and classifies only faces
        that were never classified with the same crop.

        Args:
            photo: what is known of it already; what is found out is added.
            settings: how to read it.
            annotate: whether to draw the faces on a copy of the photo.
            preview_side_px: draw on a copy no larger than this and encode it as a
                JPEG instead, which takes less time and memory.

        Raises:
            ImageError: the photo cannot be read.
            ModelError: a network cannot be run.
        """
        clock = _StageClock()
        with ResourceMeter() as meter:
            side_px = photo.side_for(settings, (preview_side_px or FULL_SIZE) if annotate else 0)
            picture = _decoded(photo, side_px, clock)
            capped, found = None, photo.found(settings)
            if found is None:
                picture = _decoded(photo, side_for_parts_px(picture, settings), clock)
                with clock.stage("resize"):
                    capped = picture.capped(settings.max_side_px)
                with clock.stage("detect"):
                    found = find_faces(self.models.detector, picture, capped, settings)
                photo.keep_found(found, settings)
            accepted = accept(
                found.candidates, confidence=settings.confidence, max_faces=settings.max_faces
            )
            new = photo.unread(accepted, settings)
            picture = self._fine_enough(photo, picture, new, settings, clock)
            with clock.stage("classify"):
                answers = self.models.reader.read(picture, new, settings, capped)
            del capped  # before the copy that is drawn on is made
            faces = tuple(
                self.models.calibrated(face, settings)
                for face in photo.faces(accepted, settings, new, answers)
            )
            annotated = preview = None
            if annotate and preview_side_px:
                preview = _preview(picture, faces, preview_side_px, clock)
            elif annotate:
                annotated = _annotated(picture, faces, clock)
            return Analysis(
                faces=faces,
                candidates=found.candidates,
                size_wh=picture.size_wh,
                timings=clock.timings(),
                resources=meter.usage(),
                settings=settings,
                reused=clock.reused(),
                engine=self.engine,
                model_set=self.models.name,
                looks=found.looks,
                annotated=annotated,
                preview_jpeg=preview,
            )

    def crops(
        self, photo: PhotoMemory, detections: Sequence[Detection], settings: AnalysisSettings
    ) -> list[BgrImage]:
        """Return each face as it is read under these settings, to be shown.

        Raises:
            ImageError: the photo cannot be read.
        """
        clock = _StageClock()
        picture = _decoded(photo, photo.side_for(settings, 0), clock)
        picture = self._fine_enough(photo, picture, detections, settings, clock)
        return self.models.reader.crops(picture, detections, settings)

    def _fine_enough(
        self,
        photo: PhotoMemory,
        picture: Picture,
        detections: Sequence[Detection],
        settings: AnalysisSettings,
        clock: _StageClock,
    ) -> Picture:
        """Decode finer where a face's crop would be less than the networks take in."""
        side_px = self.models.reader.side_for_crops_px(picture, detections, settings)
        return _decoded(photo, side_px, clock)


def _decoded(photo: PhotoMemory, side_px: int, clock: _StageClock) -> Picture:
    with nullcontext() if photo.is_decoded(side_px) else clock.stage("decode"):
        return photo.decoded(side_px)


def _annotated(picture: Picture, faces: Sequence[Face], clock: _StageClock) -> BgrImage:
    with clock.stage("annotate"):
        return draw_faces(picture.image, faces)


def _preview(picture: Picture, faces: Sequence[Face], side_px: int, clock: _StageClock) -> bytes:
    with clock.stage("annotate"):
        small = picture.preview(side_px)
        drawn = draw_faces(small, faces, scale=max(small.shape[:2]) / max(picture.size_wh))
    with clock.stage("encode"):
        return encode_jpeg(drawn)


class _StageClock:
    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._times_ms: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        took_ms = (time.perf_counter() - started) * 1e3
        self._times_ms[name] = self._times_ms.get(name, 0.0) + took_ms

    def reused(self) -> tuple[str, ...]:
        # On the way to the faces, what did not run was known before.
        return tuple(name for name in ("decode", "resize", "detect") if name not in self._times_ms)

    def timings(self) -> StageTimings:
        total_ms = (time.perf_counter() - self._started) * 1e3
        return StageTimings(
            total_ms=total_ms, **{f"{stage}_ms": t for stage, t in self._times_ms.items()}
        )
