"""A photo's pixels, decoded no finer than they are needed.

A JPEG can be decoded at a half, a quarter or an eighth of its size for less time
and much less memory. Every other format is decoded as it is.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facecore.imaging.decoding import (
    BgrImage,
    check_bgr,
    decode_image,
    decode_reduced,
    shrink,
    shrink_to_show,
)
from facecore.imaging.geometry import BoxTuple, Resolution, fit_within
from facecore.imaging.headers import read_header
from facecore.imaging.structure import JPEG_SIGNATURE
from facecore.settings import DEFAULT_MAX_PIXELS

ImageInput = bytes | NDArray[np.uint8]
"""A file's bytes, or an upright BGR picture: uint8, (height, width, 3)."""

FULL_SIZE = sys.maxsize
"""As the least side of a picture, in pixels: decode it in full."""

_REDUCTIONS = (8, 4, 2)


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A decoded picture, perhaps smaller than the one in the file, whose pixels are the measure.

    Attributes:
        image: upright, BGR uint8 (height, width, 3).
        size_wh: width and height in full, upright, in pixels.
        reduction: how many pixels of the full width or height one of the image
            stands for: 1, 2, 4 or 8.
    """

    image: BgrImage
    size_wh: Resolution
    reduction: int = 1

    @classmethod
    def in_full(cls, image: BgrImage) -> Picture:
        """Take an array for a picture in full."""
        return cls(image, (image.shape[1], image.shape[0]))

    def serves(self, min_side_px: int) -> bool:
        """Return whether the longest side has so many pixels, or no more are to be had."""
        return self.reduction == 1 or max(self.image.shape[:2]) >= min_side_px

    def capped(self, max_side_px: int | None) -> BgrImage:
        """Return a copy no longer than this, of the size that it has when made in full."""
        return shrink(self.image, fit_within(self.size_wh, max_side_px))

    def preview(self, max_side_px: int) -> BgrImage:
        """Return a copy no longer than this to draw on and look at; it takes little time."""
        return shrink_to_show(self.image, fit_within(self.size_wh, max_side_px))

    def cut(self, window_xyxy: BoxTuple) -> BgrImage:
        """Cut out a part, given in pixels of the full size; a view, at least one pixel large."""
        height, width = self.image.shape[:2]
        x0, y0, x1, y1 = (round(edge / self.reduction) for edge in window_xyxy)
        x0, y0 = min(x0, width - 1), min(y0, height - 1)
        return self.image[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)]


def decode_picture(
    photo: ImageInput, min_side_px: int, *, max_pixels: int = DEFAULT_MAX_PIXELS
) -> Picture:
    """Decode a file's bytes, a JPEG as coarsely as its longest side may be; take an array as it is.

    Only a reduction that divides both sides is used, as 2, 4 and mostly 8 do in
    what cameras make, so that each pixel stands for whole ones. A progressive
    JPEG is decoded in full: all its passes have to be read for any size, which
    leaves little to save.

    Args:
        photo: the file, or the array.
        min_side_px: the fewest pixels of the longest side; `FULL_SIZE` decodes in full.
        max_pixels: as for `decode_image`, of the picture in full.

    Raises:
        ImageError: as `decode_image`, or it is no array of a picture.
    """
    if not isinstance(photo, bytes):
        return Picture.in_full(check_bgr(photo))
    if min_side_px < FULL_SIZE and photo.startswith(JPEG_SIGNATURE):
        header = read_header(photo, max_pixels=max_pixels)
        reduction = coarsest_reduction(header.size_wh, min_side_px)
        if reduction > 1 and not header.is_progressive:
            image = decode_reduced(photo, header, reduction)
            width, height = header.upright_wh
            # Of another size, its pixels would have no known place in the photo.
            if image is not None and image.shape == (height // reduction, width // reduction, 3):
                return Picture(image, (width, height), reduction)
    return Picture.in_full(decode_image(photo, max_pixels=max_pixels))


def coarsest_reduction(size_wh: Resolution, min_side_px: int) -> int:
    """Return the largest of 8, 4, 2 and 1 that divides both sides and leaves so many pixels.

    Where even the full size has fewer on its longest side, it is 1.
    """
    for reduction in _REDUCTIONS:
        divides = all(side % reduction == 0 for side in size_wh)
        if divides and max(size_wh) >= min_side_px * reduction:
            return reduction
    return 1
