"""The room for decoded photos that sessions share."""

from __future__ import annotations

import gc

import numpy as np

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.analysis.open_photo import OpenPhoto
from facecore.settings import AnalysisSettings
from facecore.ui.decoded import DecodedRoom

SIDE_PX = 10
PHOTO_BYTES = SIDE_PX * SIDE_PX * 3
PLENTY = 100 * PHOTO_BYTES


def _decoded(analyzer: FaceAnalyzer, count: int) -> list[OpenPhoto]:
    opened = [analyzer.open(np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8)) for _ in range(count)]
    assert all(photo.picture(AnalysisSettings()).image.nbytes == PHOTO_BYTES for photo in opened)
    return opened


def _sizes(photos: list[OpenPhoto]) -> list[int]:
    return [photo.image_bytes // PHOTO_BYTES for photo in photos]


def test_session_without_photos_fits() -> None:
    """Nothing is let go where there is nothing."""
    DecodedRoom(0).fit([], PLENTY)


def test_first_of_a_session_stay(analyzer: FaceAnalyzer) -> None:
    """As many as the session may have are kept, in the order given."""
    photos = _decoded(analyzer, 3)
    DecodedRoom(PLENTY).fit(photos, 2 * PHOTO_BYTES)
    assert _sizes(photos) == [1, 1, 0]


def test_what_others_hold_is_not_free(analyzer: FaceAnalyzer) -> None:
    """A later session keeps only what the earlier ones left, and takes nothing from them."""
    room = DecodedRoom(3 * PHOTO_BYTES)
    first, second = _decoded(analyzer, 2), _decoded(analyzer, 2)
    room.fit(first, PLENTY)
    room.fit(second, PLENTY)
    assert _sizes(first) == [1, 1]
    assert _sizes(second) == [1, 0]
    # Its own photos do not count against a session a second time.
    room.fit(first, PLENTY)
    assert _sizes(first) == [1, 1]


def test_session_that_is_gone_leaves_its_room(analyzer: FaceAnalyzer) -> None:
    """Photos that nobody has any more take no room."""
    room = DecodedRoom(PHOTO_BYTES)
    gone = _decoded(analyzer, 1)
    room.fit(gone, PLENTY)
    del gone
    gc.collect()
    photos = _decoded(analyzer, 1)
    room.fit(photos, PLENTY)
    assert _sizes(photos) == [1]
