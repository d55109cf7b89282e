"""One look of the detector at a photo: as a whole or in parts, as it lies or turned."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain

import numpy as np

from facecore.imaging.decoding import BgrImage, shrink
from facecore.imaging.geometry import (
    BoxTuple,
    Resolution,
    box_before_turn,
    fit_within,
    grid_xyxy,
    point_before_turn,
    strips_xyxy,
    surest_of_each,
)
from facecore.imaging.pictures import Picture
from facecore.models.detector import accept
from facecore.models.sets import Detector
from facecore.results import Box, Detection, Look
from facecore.settings import MAX_FACES, AnalysisSettings

SURE = 0.7
"""From this confidence on a candidate is a face for whether another look is taken. It does not
depend on ``AnalysisSettings.confidence``, so that moving that one needs no new look."""

LONG_RATIO = 3.0
"""A photo whose sides differ by more than this is looked at in strips, not squashed."""

STRIP_RATIO = 1.5
MAX_STRIPS = 40
"""Bounds the time that a picture of a pixel's width takes."""

# On mosaics of group photos, faces of a fortieth of the longer side: 3 x 3 parts find a half
# of them, 4 x 4 parts nine in ten, with no false one.
CLOSER_GRID = 4
CLOSER_GRID_OF_STRIP = 2
CLOSER_OVERLAP_RATIO = 0.25

PART_INPUT_PX = 300
"""Whatever the whole photo is looked at with: a part is magnified as it is."""

# What the edge of a part cuts is whole in the next one.
CUT_RATIO = 0.02
SAME_FACE_IOU = 0.4
SAME_FACE_INSIDE = 0.7
MOST_MERGED = 1000


class Looks:
    """The looks that are taken at one photo, and what they cost."""

    def __init__(
        self, detector: Detector, picture: Picture, capped: BgrImage, settings: AnalysisSettings
    ) -> None:
        self._detector = detector
        self._picture = picture
        self._capped = capped
        self._settings = settings
        self.size_wh = picture.size_wh
        self.strips = strips_of(picture.size_wh, settings)
        self.taken: list[Look] = []

    @property
    def is_long(self) -> bool:
        """Return whether the photo is looked at in strips."""
        return len(self.strips) > 1

    def first(self, degrees: int = 0) -> tuple[Detection, ...]:
        """Return what is seen of the whole photo, in strips where it is long.

        Args:
            degrees: by how much it is turned clockwise; what is found is where it lies unturned.

        Raises:
            EngineError: a network cannot be run.
        """
        kind = "turned" if degrees else "strips" if self.is_long else "whole"
        return self._take(kind, self.strips, degrees)

    def closer(self, parts: Sequence[BoxTuple], degrees: int) -> tuple[Detection, ...]:
        """Return what is seen in these parts of the photo; else as `first`."""
        return self._take("closer", parts, degrees)

    def closer_parts(self) -> list[BoxTuple]:
        """Return the parts of the photo for a closer look; neighbours share a quarter."""
        if not self.is_long:
            return grid_xyxy(self.strips[0], CLOSER_GRID, CLOSER_OVERLAP_RATIO)
        grids = (grid_xyxy(s, CLOSER_GRID_OF_STRIP, CLOSER_OVERLAP_RATIO) for s in self.strips)
        return [*chain.from_iterable(grids)]

    def _take(self, kind: str, parts: Sequence[BoxTuple], degrees: int) -> tuple[Detection, ...]:
        started = time.perf_counter()
        offered = [self._look_at(part, degrees) for part in parts]
        found = offered[0] if len(offered) == 1 else merged(chain.from_iterable(offered))
        self.taken.append(
            Look(
                kind=kind,
                turned_degrees=degrees,
                parts=len(parts),
                time_ms=(time.perf_counter() - started) * 1e3,
                faces=count(found),
            )
        )
        return found

    def _look_at(self, part: BoxTuple, degrees: int) -> tuple[Detection, ...]:
        is_whole = part == (0, 0, *self.size_wh)
        size_wh = part[2] - part[0], part[3] - part[1]
        if is_whole:
            image, settings = self._capped, self._settings
        else:
            # A face that the part's edge cuts looks like a close-up.
            settings = replace(self._settings, rescue=False, input_size_px=PART_INPUT_PX)
            image = shrink(self._picture.cut(part), fit_within(size_wh, settings.max_side_px))
        if degrees:
            image = np.ascontiguousarray(np.rot90(image, -degrees // 90))
        turned_wh = size_wh if degrees % 180 == 0 else size_wh[::-1]
        found = self._detector.find(image, turned_wh, settings)
        if is_whole and not degrees:
            return found
        placed = (_placed(one, part, degrees, self.size_wh) for one in found)
        return tuple(one for one in placed if not _is_cut(one.box, part, self.size_wh))


def strips_of(size_wh: Resolution, settings: AnalysisSettings) -> list[BoxTuple]:
    """Return the strips of a long photo for a first look; the whole of any other."""
    if settings.closer_look == "never":
        return [(0, 0, *size_wh)]
    return strips_xyxy(size_wh, longer_than=LONG_RATIO, length=STRIP_RATIO, most=MAX_STRIPS)


def merged(found: Iterable[Detection]) -> tuple[Detection, ...]:
    """Return what several looks found, by falling confidence, each face once."""
    surest = sorted(found, key=lambda one: -one.confidence)[:MOST_MERGED]
    boxes = np.array([one.box.xyxy for one in surest], dtype=np.int64)
    kept = surest_of_each(boxes, SAME_FACE_IOU, SAME_FACE_INSIDE, MAX_FACES)
    return tuple(surest[i] for i in kept)


def count(found: Sequence[Detection]) -> int:
    """Return how many of the candidates are sure."""
    return len(accept(found, confidence=SURE, max_faces=MAX_FACES))


def surest(found: Sequence[Detection]) -> float:
    """Return the confidence of the surest candidate; 0 where there is none."""
    return found[0].confidence if found else 0.0


def _placed(one: Detection, part: BoxTuple, degrees: int, size_wh: Resolution) -> Detection:
    """Put what was found in a turned part where it is in the photo as it lies."""
    x0, y0 = part[:2]
    part_wh = part[2] - x0, part[3] - y0
    box = np.add(box_before_turn(one.box.xyxy, degrees, part_wh), (x0, y0, x0, y0))
    fractions = landmarks = None
    if one.fractions_xyxy is not None:
        edges = np.reshape(box_before_turn(one.fractions_xyxy, degrees, (1, 1)), (2, 2))
        left, top, right, bottom = ((edges * part_wh + (x0, y0)) / size_wh).ravel().tolist()
        fractions = (left, top, right, bottom)
    if one.landmarks_xy is not None:
        points = (point_before_turn(point, degrees, part_wh) for point in one.landmarks_xy)
        landmarks = tuple((x + x0, y + y0) for x, y in points)
    return Detection(
        Box(*(int(edge) for edge in box)), one.confidence, fractions, landmarks, degrees
    )


def _is_cut(box: Box, part: BoxTuple, size_wh: Resolution) -> bool:
    slack = CUT_RATIO * max(part[2] - part[0], part[3] - part[1])
    return any(
        is_inner and gap <= slack
        for is_inner, gap in (
            (part[0] > 0, box.x0 - part[0]),
            (part[1] > 0, box.y0 - part[1]),
            (part[2] < size_wh[0], part[2] - box.x1),
            (part[3] < size_wh[1], part[3] - box.y1),
        )
    )
