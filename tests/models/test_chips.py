"""Faces cut out upright by their landmarks."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from facecore.imaging.decoding import shrink
from facecore.imaging.pictures import Picture
from facecore.models.chips import TEMPLATE, Chip, similarity

CHIP = Chip(64, 0.2)


@pytest.mark.parametrize("degrees", [0, 30, 180])
@pytest.mark.parametrize("side_px", [40, 64, 500])
def test_landmarks_land_where_they_should(degrees: float, side_px: int) -> None:
    """Bright dots at the landmarks of a face of any size and turn are at the chip's places."""
    turn = cv2.getRotationMatrix2D((0, 0), degrees, side_px)
    places = TEMPLATE @ turn[:, :2].T + (700, 800)
    image = np.zeros((1600, 1500, 3), np.uint8)
    for x, y in places:
        cv2.circle(image, (round(x), round(y)), max(1, side_px // 30), (255, 255, 255), -1)
    chip = CHIP.cut(Picture.in_full(image), tuple(map(tuple, places.tolist())))
    assert chip.shape == (64, 64, 3)
    for x, y in (TEMPLATE + 0.2) / 1.4 * 64 - 0.5:
        around = chip[round(y) - 2 : round(y) + 3, round(x) - 2 : round(x) + 3, 0].astype(float)
        rows, columns = np.indices(around.shape)
        middle = np.array([(columns * around).sum(), (rows * around).sum()]) / around.sum()
        corner = (round(x) - 2, round(y) - 2)
        assert np.add(middle, corner) == pytest.approx((x, y), abs=0.8)


def test_a_reduced_photo_gives_the_same_chip() -> None:
    """Landmarks are in pixels of the photo in full, whatever it was decoded at."""
    photo = np.random.default_rng(0).integers(0, 255, (50, 50, 3), np.uint8)
    photo = shrink(photo, (800, 800))
    landmarks = tuple(map(tuple, (TEMPLATE * 300 + 200).tolist()))
    small = shrink(photo, (400, 400))
    full = CHIP.cut(Picture.in_full(photo), landmarks)
    reduced = CHIP.cut(Picture(small, (800, 800), 2), landmarks)
    assert np.abs(full.astype(int) - reduced).mean() < 6
    assert CHIP.photo_side_px(landmarks) == pytest.approx(420)


def test_what_is_outside_is_black_and_long_photos_are_no_trouble() -> None:
    """A face at the edge of a photo longer than OpenCV turns is cut out, the rest black."""
    photo = np.full((100, 40_000, 3), 255, np.uint8)
    landmarks = tuple(map(tuple, (TEMPLATE * 80 + (39_960, 10)).tolist()))
    chip = CHIP.cut(Picture.in_full(photo), landmarks)
    assert (chip[32, 5], chip[32, -5]) == (pytest.approx(255), pytest.approx(0))


def test_landmarks_on_one_spot_still_give_a_turn() -> None:
    """Points that are all the same are moved, not blown up."""
    turn = similarity(np.full((5, 2), 7.0), TEMPLATE)
    assert np.isfinite(turn).all()
    assert turn[:, :2] == pytest.approx(np.eye(2))
