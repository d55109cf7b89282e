"""One photo, read again and again under changing settings without doing anything twice."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from facecore.imaging.decoding import BgrImage, encode_jpeg
from facecore.imaging.drawing import draw_faces
from facecore.imaging.pictures import FULL_SIZE, ImageInput, Picture, PictureSource
from facecore.machine.meter import ResourceMeter
from facecore.models.attributes import Attributes, crop_places, face_views
from facecore.models.detector import accept
from facecore.results import Analysis, Box, Detection, Face, StageTimings
from facecore.settings import AnalysisSettings

if TYPE_CHECKING:
    from facecore.analysis.analyzer import FaceAnalyzer

KNOWN_FACES_PER_PHOTO = 1000
"""Read faces that an open photo remembers, over all crop settings."""

REDUCED_OVER_CAP = 2
"""How many times as long as the detector's copy a photo decoded at reduced size is at least."""


class OpenPhoto:
    """One photo that remembers what was found out about it.

    A second reading decodes only where a finer picture is needed or the way of
    decoding changed, detects only where a setting of the detection changed, and
    classifies only faces that were never classified with the same crop. For one
    thread at a time.
    """

    def __init__(self, analyzer: FaceAnalyzer, photo: ImageInput) -> None:
        self._analyzer: FaceAnalyzer | None = analyzer
        self._source = PictureSource(photo, analyzer.max_pixels)
        self._reduced_decode = False
        self._detected_with: tuple[object, ...] = ()
        # The detector's copy, for as long as a reading that has made it lasts.
        self._capped: BgrImage | None = None
        self._candidates: tuple[Detection, ...] | None = None
        self._known: OrderedDict[tuple[Box, tuple[object, ...]], Attributes] = OrderedDict()

    def read(
        self,
        settings: AnalysisSettings,
        *,
        annotate: bool = True,
        preview_side_px: int | None = None,
    ) -> Analysis:
        """Return the answer under these settings.

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
            side_px = self._side_for(settings, (preview_side_px or FULL_SIZE) if annotate else 0)
            candidates = self._detected(side_px, settings, clock)
            faces = self._classified(side_px, candidates, settings, clock)
            picture = self._decoded(side_px, clock)
            annotated = preview = None
            if annotate and preview_side_px:
                preview = _preview(picture, faces, preview_side_px, clock)
            elif annotate:
                annotated = _annotated(picture, faces, clock)
            return Analysis(
                faces=faces,
                candidates=candidates,
                size_wh=picture.size_wh,
                timings=clock.timings(),
                resources=meter.usage(),
                settings=settings,
                reused=clock.reused(),
                annotated=annotated,
                preview_jpeg=preview,
            )

    def picture(self, settings: AnalysisSettings, drawn_side_px: int = FULL_SIZE) -> Picture:
        """Return the upright photo, no finer than it is needed, or as fine as it is there already.

        Args:
            settings: whether it may be reduced, and what for.
            drawn_side_px: longest side of the copy that is to be drawn on.

        Raises:
            ImageError: the photo cannot be read.
        """
        return self._source.at_least(self._side_for(settings, drawn_side_px))

    def face_places(
        self, detections: Sequence[Detection], settings: AnalysisSettings
    ) -> list[tuple[Picture, Box]]:
        """Return for each face the picture that it is read from, and its box there.

        Raises:
            ImageError: the photo cannot be read.
        """
        side_px = self._side_for(settings, 0)
        picture = self._decoded_for_crops(side_px, detections, settings, _StageClock())
        return crop_places(picture, detections, settings)

    @property
    def image_bytes(self) -> int:
        """Memory that the decoded photo takes now; 0 when it is not decoded."""
        decoded = self._source.decoded
        return 0 if decoded is None else decoded.image.nbytes

    def detach(self) -> None:
        """Let the networks go, so that a photo that is kept does not keep them in memory."""
        self._analyzer = None

    @contextmanager
    def using(self, analyzer: FaceAnalyzer) -> Iterator[None]:
        """Lend it networks of the same runtime options, which it lets go at the end."""
        self._analyzer = analyzer
        try:
            yield
        finally:
            self.detach()

    def release_image(self) -> None:
        """Let the decoded photo go; what was found out stays, and decoding can happen again."""
        self._source.release()

    @property
    def _networks(self) -> FaceAnalyzer:
        if self._analyzer is None:
            raise RuntimeError("the photo was detached from its networks")
        return self._analyzer

    def _side_for(self, settings: AnalysisSettings, drawn_side_px: int) -> int:
        if settings.reduced_decode != self._reduced_decode:
            # Each way of decoding costs its own time, whatever was there before.
            self._source.forget()
            self._reduced_decode = settings.reduced_decode
        return least_side_px(settings, drawn_side_px)

    def _decoded(self, side_px: int, clock: _StageClock) -> Picture:
        with nullcontext() if self._source.has(side_px) else clock.stage("decode"):
            return self._source.at_least(side_px)

    def _decoded_for_crops(
        self,
        side_px: int,
        detections: Sequence[Detection],
        settings: AnalysisSettings,
        clock: _StageClock,
    ) -> Picture:
        """Decode finer where a face's crop would be less than the networks take in."""
        finer_px = self._networks.classifier.side_for_crops_px(
            self._decoded(side_px, clock), detections, settings
        )
        return self._decoded(finer_px, clock)

    def _detected(
        self, side_px: int, settings: AnalysisSettings, clock: _StageClock
    ) -> tuple[Detection, ...]:
        self._capped = None
        picture = self._decoded(side_px, clock)
        if self._candidates is not None and self._detected_with == settings.detection_key:
            return self._candidates
        with clock.stage("resize"):
            self._capped = capped = picture.capped(settings.max_side_px)
        with clock.stage("detect"):
            self._candidates = self._networks.detector.candidates(capped, picture.size_wh, settings)
        self._detected_with = settings.detection_key
        return self._candidates

    def _classified(
        self,
        side_px: int,
        candidates: Sequence[Detection],
        settings: AnalysisSettings,
        clock: _StageClock,
    ) -> tuple[Face, ...]:
        accepted = accept(candidates, confidence=settings.confidence, max_faces=settings.max_faces)
        unknown = {
            (found.box, settings.crop_key): found
            for found in accepted
            if (found.box, settings.crop_key) not in self._known
        }
        new = list(unknown.values())
        picture = self._decoded_for_crops(side_px, new, settings, clock)
        with clock.stage("classify"):
            places = crop_places(picture, new, settings, self._capped)
            self._capped = None
            views = [face_views(source, box, settings) for source, box in places]
            answers = self._networks.classifier.classify_views(views, batch=settings.batch_faces)
        self._known.update(zip(unknown, answers, strict=True))
        faces = tuple(Face(d, *self._known[d.box, settings.crop_key]) for d in accepted)
        while len(self._known) > KNOWN_FACES_PER_PHOTO:
            self._known.popitem(last=False)
        return faces


def least_side_px(settings: AnalysisSettings, drawn_side_px: int) -> int:
    """Return the longest side with which a photo has to be decoded at least.

    Args:
        settings: whether it may be reduced, and the size of the detector's copy.
        drawn_side_px: longest side of what is to be drawn on; 0 for nothing,
            `FULL_SIZE` for the photo in full.
    """
    if not settings.reduced_decode or settings.max_side_px is None:
        return FULL_SIZE
    return max(REDUCED_OVER_CAP * settings.max_side_px, drawn_side_px)


def _annotated(picture: Picture, faces: Sequence[Face], clock: _StageClock) -> BgrImage:
    with clock.stage("annotate"):
        return draw_faces(picture.image, faces)


def _preview(picture: Picture, faces: Sequence[Face], side_px: int, clock: _StageClock) -> bytes:
    with clock.stage("annotate"):
        small = picture.capped(side_px)
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
