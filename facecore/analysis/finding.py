"""Finding the faces of a photo: which looks are taken at it, and when one more pays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from facecore.analysis.looks import Looks, count, merged, strips_of, surest
from facecore.imaging.decoding import BgrImage
from facecore.imaging.geometry import BoxTuple, Resolution
from facecore.imaging.pictures import Picture
from facecore.models.sets import Detector
from facecore.results import Detection, Look
from facecore.settings import AnalysisSettings

SMALL_FACE_RATIO = 1 / 5
PROBED_PARTS = 3

TURNS = (90, 180, 270)
UPRIGHT_HEIGHT_OVER_WIDTH = 1.1


@dataclass(frozen=True, slots=True)
class Found:
    """What the detector offers for a photo, by falling confidence, and the looks it took."""

    candidates: tuple[Detection, ...]
    looks: tuple[Look, ...]


def find_faces(
    detector: Detector, picture: Picture, capped: BgrImage, settings: AnalysisSettings
) -> Found:
    """Look at a photo as often as it takes to find its faces.

    First as a whole, or in strips where it is long. Then turned, where that shows no face or
    one that seems not to be upright: the direction of the surest face counts. Then closer, in
    parts, where there are signs of small faces.

    Args:
        detector: of any set of models.
        picture: the photo.
        capped: the detector's copy of it.
        settings: which looks may be taken.

    Raises:
        EngineError: a network cannot be run.
    """
    looks = Looks(detector, picture, capped, settings)
    found = {0: looks.first()}
    for degrees in _turns(looks, found[0], detector, settings):
        found[degrees] = looks.first(degrees)
    best = max(found, key=lambda degrees: surest(found[degrees]))
    if surest(found[best]) < detector.noise_below:
        best = 0  # noise knows no direction
    found[best] = _closer(looks, found[best], best, detector, settings)
    if not count(found[best]):
        best = 0
    return Found(found[best], tuple(looks.taken))


def side_for_parts_px(picture: Picture, settings: AnalysisSettings) -> int:
    """Return how long a photo must be so that no strip of it has to be enlarged."""
    longest: int = max(picture.image.shape[:2])
    if picture.reduction == 1 or settings.max_side_px is None:
        return longest
    x0, y0, x1, y1 = strips_of(picture.size_wh, settings)[0]
    return max(longest, settings.max_side_px * max(picture.size_wh) // max(x1 - x0, y1 - y0))


def small_faces(
    found: Sequence[Detection], resolution_wh: Resolution, detector: Detector
) -> list[Detection]:
    """Return the signs of small faces that a closer look may find; none where it would not pay.

    They are small candidates, unsure but surer than noise, where there is no sure face, or
    where no sure face is large and they are at least as many, and two.
    """
    limit_px = SMALL_FACE_RATIO * min(max(resolution_wh), 3 * min(resolution_wh))
    sure = found[: count(found)]
    unsure = [
        one
        for one in found[len(sure) :]
        if one.confidence >= detector.noise_below and one.box.height < limit_px
    ]
    pays = not sure or len(unsure) >= max(2, len(sure))
    return unsure if pays and all(one.box.height < limit_px for one in sure) else []


def doubtful_turns(
    face: Detection, resolution_wh: Resolution, detector: Detector
) -> tuple[int, ...]:
    """Return by how much a photo is to be turned where this is its surest face.

    A face that is not as sure as upright ones are may lie on its side where it is wide, and be
    upside down where it lies in the photo's lower half or is clearly unsure. Landmarks that are
    not upright say so; those that are prove nothing, as a detector puts them where it expects them.
    """
    landmarks = face.landmarks_xy
    if landmarks is not None and not eyes_above_mouth(landmarks):
        return TURNS
    if face.confidence >= detector.upright_from:
        return ()
    box, is_unsure = face.box, face.confidence < detector.turned_below
    is_wide = box.height < UPRIGHT_HEIGHT_OVER_WIDTH * box.width
    # Without landmarks what lies on its side is wide; with them it often is not.
    if is_wide or (is_unsure and landmarks is not None):
        return TURNS
    return (180,) if is_unsure or box.y0 + box.y1 > resolution_wh[1] else ()


def eyes_above_mouth(landmarks_xy: Sequence[tuple[float, float]]) -> bool:
    """Return whether a face is upright: its eyes lie more above its mouth than beside it.

    Args:
        landmarks_xy: both eyes, the nose, both corners of the mouth.
    """
    eyes, mouth = np.mean(landmarks_xy[:2], axis=0), np.mean(landmarks_xy[-2:], axis=0)
    return bool(mouth[1] - eyes[1] > abs(mouth[0] - eyes[0]))


def _turns(
    looks: Looks, found: Sequence[Detection], detector: Detector, settings: AnalysisSettings
) -> tuple[int, ...]:
    if settings.orientation == "never":
        return ()
    if settings.orientation == "always":
        return TURNS
    if not count(found):
        # A long picture without a face is a screenshot, and each look at it is many.
        return () if looks.is_long else TURNS
    return doubtful_turns(found[0], looks.size_wh, detector)


def _closer(
    looks: Looks,
    found: tuple[Detection, ...],
    degrees: int,
    detector: Detector,
    settings: AnalysisSettings,
) -> tuple[Detection, ...]:
    signs = small_faces(found, looks.size_wh, detector)
    if settings.closer_look == "never" or not (signs or settings.closer_look == "always"):
        return found
    parts = looks.closer_parts()
    if settings.closer_look == "when-in-doubt":
        # Where the most promising parts have no face, the signs meant nothing.
        parts.sort(key=lambda part: -_promise(part, signs))
        probe, parts = parts[:PROBED_PARTS], parts[PROBED_PARTS:]
        before, found = count(found), merged([*found, *looks.closer(probe, degrees)])
        if count(found) == before:
            return found
        # In a long photo the one sign has nothing to do with what is far away.
        parts = [part for part in parts if not looks.is_long or _promise(part, signs)]
    return merged([*found, *looks.closer(parts, degrees)])


def _promise(part: BoxTuple, signs: Sequence[Detection]) -> float:
    """Return the confidence of the surest sign in the middle of which the part reaches."""
    return max(
        (
            one.confidence
            for one in signs
            if part[0] <= (one.box.x0 + one.box.x1) / 2 < part[2]
            and part[1] <= (one.box.y0 + one.box.y1) / 2 < part[3]
        ),
        default=0.0,
    )
