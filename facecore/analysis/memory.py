"""What was found out about one photo, so that changing settings do nothing twice."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from facecore.analysis.finding import Found
from facecore.imaging.pictures import FULL_SIZE, ImageInput, Picture, decode_picture
from facecore.models.attributes import Attributes
from facecore.results import Detection, Face
from facecore.settings import DEFAULT_MAX_PIXELS, AnalysisSettings

KNOWN_FACES_PER_PHOTO = 1000
"""Read faces that are remembered of a photo, over all crop settings."""

REDUCED_OVER_CAP = 2
"""How many times as long as the detector's copy a photo decoded at reduced size is at least."""


class PhotoMemory:
    """A photo, its pixels where they are decoded, its candidates and read faces.

    It decodes, and holds no networks: what reads the photo is told of it, and must be
    of the same runtime options each time. For one thread at a time.
    """

    def __init__(self, image: ImageInput, max_pixels: int = DEFAULT_MAX_PIXELS) -> None:
        """Take a file's bytes or an upright BGR array; decodes nothing yet."""
        self._photo = image
        self._max_pixels = max_pixels
        # The finest so far, and no other.
        self._picture: Picture | None = None
        self._finest_px = 0
        self._reduced_decode = False
        self._found_with: tuple[object, ...] = ()
        self._found: Found | None = None
        self._known: OrderedDict[tuple[object, ...], Attributes] = OrderedDict()

    def side_for(self, settings: AnalysisSettings, drawn_side_px: int) -> int:
        """Return `least_side_px`; lets the pixels go where the way of decoding has changed."""
        if settings.reduced_decode != self._reduced_decode:
            # Each way of decoding costs its own time, whatever was there before.
            self.release_image()
            self._finest_px = 0
            self._reduced_decode = settings.reduced_decode
        return least_side_px(settings, drawn_side_px)

    def is_decoded(self, side_px: int) -> bool:
        """Return whether so many pixels are there, or no more are to be had."""
        return self._picture is not None and self._picture.serves(side_px)

    def decoded(self, side_px: int) -> Picture:
        """Return the upright photo with at least so many pixels on its longest side.

        Raises:
            ImageError: the photo cannot be read.
        """
        if self._picture is None or not self._picture.serves(side_px):
            self.release_image()  # so that there are never two
            # Pixels that were needed once will be again: they are decoded at once.
            self._finest_px = max(self._finest_px, side_px)
            self._picture = decode_picture(
                self._photo, self._finest_px, max_pixels=self._max_pixels
            )
        return self._picture

    def picture(self, settings: AnalysisSettings, drawn_side_px: int = FULL_SIZE) -> Picture:
        """Return the upright photo, no finer than it is needed, or as fine as it is there already.

        Args:
            settings: whether it may be reduced, and what for.
            drawn_side_px: longest side of the copy that is to be drawn on.

        Raises:
            ImageError: the photo cannot be read.
        """
        return self.decoded(self.side_for(settings, drawn_side_px))

    def found(self, settings: AnalysisSettings) -> Found | None:
        """Return what was found last, or None where these settings would find something else."""
        return self._found if self._found_with == settings.detection_key else None

    def keep_found(self, found: Found, settings: AnalysisSettings) -> None:
        """Remember what is found under these settings, in the place of all before."""
        self._found, self._found_with = found, settings.detection_key

    def unread(
        self, detections: Sequence[Detection], settings: AnalysisSettings
    ) -> list[Detection]:
        """Return those that were never read with these crops; of equal boxes one."""
        keyed = {_key(one, settings): one for one in detections}
        return [one for key, one in keyed.items() if key not in self._known]

    def faces(
        self,
        detections: Sequence[Detection],
        settings: AnalysisSettings,
        read: Sequence[Detection],
        answers: Sequence[Attributes],
    ) -> tuple[Face, ...]:
        """Return detections as faces, once the answers for those that were `unread` are there."""
        self._known.update(
            (_key(one, settings), answer) for one, answer in zip(read, answers, strict=True)
        )
        faces = tuple(Face(one, self._known[_key(one, settings)]) for one in detections)
        while len(self._known) > KNOWN_FACES_PER_PHOTO:
            self._known.popitem(last=False)
        return faces

    @property
    def image_bytes(self) -> int:
        """Memory that the decoded photo takes now; 0 when it is not decoded."""
        return 0 if self._picture is None else self._picture.image.nbytes

    def release_image(self) -> None:
        """Let the decoded photo go; what was found out stays, and decoding can happen again."""
        self._picture = None


def _key(one: Detection, settings: AnalysisSettings) -> tuple[object, ...]:
    return one.box, one.landmarks_xy, one.turned_degrees, settings.crop_key


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
