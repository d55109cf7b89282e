"""Reading pictures that strangers made: header first, pixels only within the limit."""

from __future__ import annotations

import warnings

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facecore.errors import DamagedImageError, ImageError, ImageTooLargeError, UnsupportedImageError
from facecore.imaging import bmp, heif
from facecore.imaging.geometry import Resolution, fit_within
from facecore.imaging.headers import (
    HEIC,
    ImageHeader,
    bits_in_words,
    check_size,
    open_heic,
    open_picture,
    read_header,
    undecodable,
)
from facecore.imaging.structure import png_is_whole
from facecore.settings import DEFAULT_MAX_PIXELS

BgrImage = NDArray[np.uint8]
"""A picture: shape (height, width, 3), uint8, blue-green-red, 0 to 255."""

_TIFF_BITS = 258
# OpenCV turns these two upright itself, from the same tag. The others it
# leaves as they are or not, by its version, so they are turned here.
_ORIENTED_BY_OPENCV = ("JPEG", "MPO", "TIFF")
_BAND_PIXELS = 1 << 20
_REDUCED = {
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}

# A broken file is told of by our own sentence, and our own pixel limit is the one
# that counts: OpenCV and Pillow need not complain on stderr as well. (The C
# libraries inside them, libpng and libjpeg, cannot be kept from it.)
warnings.filterwarnings("ignore", module=r"PIL\.")
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


def decode_image(data: bytes, *, max_pixels: int = DEFAULT_MAX_PIXELS) -> BgrImage:
    """Decode a file's bytes to an upright picture.

    OpenCV decodes; where it cannot or should not, Pillow does, and libheif a HEIC.
    Grey, 16-bit, palette, CMYK and transparent pictures become plain BGR; transparency
    is dropped. Of an animation the first frame is read.

    Returns:
        The upright picture, a new array.

    Raises:
        ImageError: of the kind that fits, with what to do.
    """
    header = read_header(data, max_pixels=max_pixels)
    if header.format == HEIC:
        return _decode_heic(data, max_pixels)
    image = _decode_with_opencv(data, header) if _is_for_opencv(data, header) else None
    if image is None:
        image = _upright(_decode_with_pillow(data, max_pixels), header.orientation)
    if image.shape[0] * image.shape[1] > max_pixels:
        raise ImageTooLargeError(
            "The picture has more than {most:g} megapixels, though its header "
            "says less: choose another file.",
            most=max_pixels / 1e6,
        )
    return image


def decode_reduced(data: bytes, header: ImageHeader, reduction: int) -> BgrImage | None:
    """Decode a JPEG, whose header was read, at a half, a quarter or an eighth of its size.

    Args:
        data: the file.
        header: what `read_header` gave for it.
        reduction: 2, 4 or 8.

    Returns:
        The upright picture, its sides rounded up, or None where OpenCV cannot decode it.
    """
    return _decode_with_opencv(data, header, _REDUCED[reduction])


def check_bgr(image: NDArray[np.generic]) -> BgrImage:
    """Check that an array is a BGR picture and give it back.

    Raises:
        UnsupportedImageError: it is not uint8 of shape (height, width, 3), or is empty.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise UnsupportedImageError(
            "An array must be a BGR picture: uint8 of shape (height, width, 3), not "
            "{dtype} of shape {shape}.",
            dtype=image.dtype,
            shape=image.shape,
        )
    return image.astype(np.uint8, copy=False)


def cap_longest_side(image: BgrImage, max_side_px: int | None) -> BgrImage:
    """Return a copy of at most ``max_side_px`` on its longest side; itself where it fits."""
    return shrink(image, fit_within((image.shape[1], image.shape[0]), max_side_px))


def shrink(image: BgrImage, size_wh: Resolution) -> BgrImage:
    """Return a copy of this size, whose pixels are averages; the picture itself if it has it."""
    if image.shape[1::-1] == size_wh:
        return image
    return cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def shrink_to_show(image: BgrImage, size_wh: Resolution) -> BgrImage:
    """Return a copy of this size to look at, in a fifth of the time of `shrink`.

    It is halved while it is twice as large, and then four neighbours are weighed for each
    pixel, while `shrink` averages all that a pixel covers. No network sees it.
    """
    if image.shape[1::-1] == size_wh:
        return image
    while image.shape[1] >= 2 * size_wh[0] and image.shape[0] >= 2 * size_wh[1]:
        height, width = image.shape[0] // 2, image.shape[1] // 2
        # Exactly two to one, which is quick: an odd row or column at the end is left out.
        image = shrink(image[: 2 * height, : 2 * width], (width, height))
    return cv2.resize(image, size_wh, interpolation=cv2.INTER_LINEAR).astype(np.uint8, copy=False)


def encode_png(image: BgrImage) -> bytes:
    """Encode as PNG, with the light compression that is quickest."""
    return _encode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 1])


def encode_jpeg(image: BgrImage, quality: int = 90) -> bytes:
    """Encode as JPEG; quality 0 to 100."""
    return _encode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])


def _is_for_opencv(data: bytes, header: ImageHeader) -> bool:
    if header.format == "TIFF":
        # OpenCV multiplies a TIFF's colours by its transparency.
        return not header.has_alpha
    if header.format in ("AVIF", "GIF"):
        # OpenCV gives the same pixels of an AVIF, but takes twice the memory for them.
        return False
    if header.format == "BMP":
        return bmp.is_for_opencv(data)
    # OpenCV reserves whatever memory a chunk's length claims, up to 4 GB.
    return header.format != "PNG" or png_is_whole(data)


def _decode_with_opencv(
    data: bytes, header: ImageHeader, flags: int = cv2.IMREAD_COLOR
) -> BgrImage | None:
    if header.format not in _ORIENTED_BY_OPENCV:
        flags |= cv2.IMREAD_IGNORE_ORIENTATION
    data, width = bmp.widened(data) if header.format == "BMP" else (data, None)
    try:
        decoded = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), flags)
    except cv2.error:
        return None
    # It can also answer None, which its type does not tell.
    if decoded is None or decoded.size == 0:
        return None
    image = np.ascontiguousarray(decoded[:, :width]).astype(np.uint8, copy=False)
    if header.format in _ORIENTED_BY_OPENCV:
        return image
    return _upright(image, header.orientation)


def _decode_with_pillow(data: bytes, max_pixels: int) -> BgrImage:
    """Decode, but do not turn upright: the caller does, when Pillow's own pixels are gone."""
    with open_picture(data, max_pixels) as picture:
        if picture.mode in ("I", "F"):
            raise UnsupportedImageError(bits_in_words(32, floating_point=picture.mode == "F"))
        try:
            picture.load()
            return _bgr_in_bands(picture)
        except MemoryError:
            raise
        except Exception as error:
            raise undecodable(data) from error


def _decode_heic(data: bytes, max_pixels: int) -> BgrImage:
    try:
        image = heif.decode(open_heic(data))
    except (MemoryError, ImageError):
        raise
    except Exception as error:
        raise undecodable(data) from error
    check_size(image.shape[1::-1], max_pixels)
    return image


def _bgr_in_bands(picture: Image.Image) -> BgrImage:
    tags = getattr(picture, "tag_v2", {})
    shift = tags.get(_TIFF_BITS, (16,))[0] - 8
    # Converted as a whole, a picture would be there three times over.
    width, height = picture.size
    image = np.empty((height, width, 3), np.uint8)
    rows = max(1, _BAND_PIXELS // width)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        band = picture.crop((0, top, width, bottom))
        if band.mode.startswith("I;16"):
            image[top:bottom] = (np.asarray(band, dtype=np.uint16) >> shift)[:, :, None]
        else:
            image[top:bottom] = np.asarray(band.convert("RGB"))[:, :, ::-1]
    return image


def _upright(image: BgrImage, orientation: int) -> BgrImage:
    # EXIF 2.32, tag 0x0112: how the stored rows and columns lie in the scene.
    if orientation in (5, 6, 7, 8):
        image = image.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    return np.ascontiguousarray(image)


def _encode(suffix: str, image: BgrImage, parameters: list[int]) -> bytes:
    ok, encoded = cv2.imencode(suffix, image, parameters)
    if not ok:
        raise DamagedImageError(
            "The picture could not be written as {format}.", format=suffix[1:].upper()
        )
    return encoded.tobytes()
