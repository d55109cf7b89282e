"""The settings of the analysis, each declared once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from facecore.settings.setting import (
    FINDING,
    FINDING_MORE,
    READING,
    READING_MORE,
    Setting,
    check_all,
    declared,
    setting,
)

CropShape = Literal["square", "box"]
CropSource = Literal["full", "capped"]
InputShape = Literal["aspect", "square"]
When = Literal["never", "when-in-doubt", "always"]

MAX_FACES = 200
"""The detector network itself gives at most 200 boxes (``keep_top_k``)."""

MAX_CROP_MARGIN_RATIO = 1.0

DEFAULT_MAX_PIXELS = 100_000_000
MAX_PIXELS_CEILING = 178_000_000
"""Pillow refuses to open a picture of more than 178,956,970 pixels, so no limit can lie above."""

ONE_LOOK = {
    "closer_look": "never",
    "orientation": "never",
    "aligned": False,
    "calibrated": False,
}
"""What holds of all that was saved before there was more than one look, and calibration."""

MODELS_DIR_VARIABLE = "FACECORE_MODELS_DIR"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisSettings:
    """What may change from one analysis to the next, with the same networks.

    Raises:
        SettingsError: a value is outside its range.
    """

    confidence: float = setting(
        0.7,
        "confidence",
        FINDING,
        limits=(0.0, 1.0),
        step=0.01,
        help="How sure the detector must be before something counts as a face. Lower finds more "
        "faces and more mistakes. Moving it needs no new detection.",
    )
    max_side_px: int | None = setting(
        800,
        "longest side for detection",
        FINDING_MORE,
        limits=(32, 16384),
        offered=(320, 480, 640, 800, 1024, 1280, 1600, 2048, None),
        unit="px",
        none="none",
        stages=("detect",),
        help="The detector looks at a copy no larger than this; none leaves the photo as it is.",
    )
    input_shape: InputShape = setting(
        "aspect",
        "detector input shape",
        FINDING_MORE,
        choices=get_args(InputShape),
        stages=("detect",),
        help="aspect keeps the photo's own shape, square squashes it as the article does.",
    )
    input_size_px: int = setting(
        300,
        "detector input size",
        FINDING,
        choices=(300, 450, 600, 900, 1200),
        stages=("detect",),
        help="Larger finds smaller faces: 600 takes four times the work of 300, 900 nine times.",
    )
    drop_outside: bool = setting(
        True,
        "drop boxes outside the photo",
        FINDING_MORE,
        stages=("detect",),
        help="Where a face fills the photo, the detector puts boxes outside it.",
    )
    rescue: bool = setting(
        True,
        "close-up rescue",
        FINDING_MORE,
        stages=("detect",),
        help="Looks a second time, with a border, where the first look shows signs of a close-up. "
        "Its time is part of detect.",
    )
    closer_look: When = setting(
        "when-in-doubt",
        "closer look",
        FINDING,
        choices=get_args(When),
        stages=("detect",),
        help="Looks at the photo's parts for small faces: when in doubt where the first look shows "
        "signs of them, and at every photo that is longer than three times its width.",
    )
    orientation: When = setting(
        "when-in-doubt",
        "any orientation",
        FINDING,
        choices=get_args(When),
        stages=("detect",),
        help="Looks at the photo turned, on both sides and on its head, and takes the direction "
        "of the surest face: when in doubt where no face is found or one seems not upright.",
    )
    crop_margin_ratio: float = setting(
        0.2,
        "crop margin",
        READING_MORE,
        limits=(0.0, MAX_CROP_MARGIN_RATIO),
        step=0.05,
        stages=("classify",),
        help="How much around the face the networks see, as a part of the face's own size on "
        "each side. Too much, and everybody is read as a baby.",
    )
    crop_shape: CropShape = setting(
        "square",
        "crop shape",
        READING_MORE,
        choices=get_args(CropShape),
        stages=("classify",),
        help="The networks want a square picture. square widens the crop, box stretches it.",
    )
    crop_source: CropSource = setting(
        "full",
        "crop from",
        READING_MORE,
        choices=get_args(CropSource),
        stages=("classify",),
        help="full cuts faces out of the photo as it is, capped out of the detector's copy.",
    )
    careful: bool = setting(
        False,
        "careful",
        READING,
        stages=("classify",),
        help="Reads each face six times, in three margins and mirrored, and averages: right a "
        "little more often, for six times the work.",
    )
    aligned: bool = setting(
        False,
        "aligned",
        READING,
        stages=("classify",),
        help="Turns and scales each face by the landmarks that the modern set's detector finds in "
        "it, and reads it as it is and mirrored: right more often than careful, for a third of the "
        "work.",
    )
    calibrated: bool = setting(
        True,
        "calibrated",
        READING,
        help="Puts the networks' probabilities right by what was measured on labelled photos: of "
        "the answers with 70 %, seven in ten are to be right. Some answers change. It holds for "
        "aligned crops and for square ones with a margin of 15 to 25 %; others stay as they are.",
    )
    unsure_below: float = setting(
        0.6,
        "unsure below",
        READING,
        limits=(0.0, 1.0),
        step=0.05,
        help="An answer whose probability is lower is marked unsure.",
    )
    max_faces: int = setting(
        MAX_FACES,
        "most faces",
        FINDING_MORE,
        limits=(1, MAX_FACES),
        step=1,
        help="Only the surest faces are read, up to this number.",
    )
    reduced_decode: bool = setting(
        False,
        "reduced decoding",
        stages=("detect", "classify"),
        help="Decodes a large JPEG at a half, a quarter or an eighth of its size where the "
        "detector's copy and the crops need no more; a small face makes it decode again, finer.",
    )
    batch_faces: bool = setting(
        True,
        "all faces at once",
        stages=("classify",),
        help="One pass of each network for all faces of a photo, or one for each.",
    )

    def __post_init__(self) -> None:
        check_all(self)

    @property
    def detection_key(self) -> tuple[object, ...]:
        """All that a detector pass depends on."""
        return self._of("detect")

    @property
    def crop_key(self) -> tuple[object, ...]:
        """All that the reading of a face in a given box depends on."""
        capped_at = self.max_side_px if self.crop_source == "capped" else None
        return (*self._of("classify"), capped_at)

    def _of(self, stage: str) -> tuple[object, ...]:
        known = declared(AnalysisSettings).items()
        return tuple(getattr(self, name) for name, one in known if stage in one.stages)


MAX_MEGAPIXELS = Setting(
    name="max_megapixels",
    default=DEFAULT_MAX_PIXELS / 1e6,
    label="largest photo in megapixels",
    limits=(0.01, MAX_PIXELS_CEILING / 1e6),
    help="Larger photos are refused unread.",
)


def megapixels_to_limit(megapixels: float) -> int:
    """Turn a limit in megapixels (0.01 to 178) into pixels.

    Raises:
        SettingsError: it is outside that range.
    """
    MAX_MEGAPIXELS.check(megapixels)
    return round(megapixels * 1e6)
