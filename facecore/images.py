"""Reading pictures that strangers made: header first, pixels only within the limit."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from facecore.errors import DamagedImageError, ImageTooLargeError, UnsupportedImageError
from facecore.geometry import fit_within
from facecore.settings import DEFAULT_MAX_PIXELS

BgrImage = NDArray[np.uint8]
"""A picture: shape (height, width, 3), uint8, blue-green-red, 0 to 255."""

ACCEPTED_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "AVIF")
ACCEPTED_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".avif")

_FORMATS_IN_WORDS = "JPEG, PNG, WebP, BMP, TIFF or AVIF"
_EXIF_ORIENTATION = 0x0112
# OpenCV turns these two upright itself, from the same tag. The others it
# leaves as they are or not, by its version, so they are turned here.
_ORIENTED_BY_OPENCV = ("JPEG", "MPO", "TIFF")

# A broken file is told of once, by our own sentence, and our own pixel limit is
# the one that counts: the decoders need not complain on stderr as well.
warnings.filterwarnings("ignore", module=r"PIL\.")
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """What a file says of itself: format name, stored size, EXIF orientation 1 to 8."""

    format: str
    size_wh: tuple[int, int]
    orientation: int


def read_header(data: bytes, *, max_pixels: int = DEFAULT_MAX_PIXELS) -> ImageHeader:
    """Read format, size and orientation without decoding a pixel.

    Raises:
        UnsupportedImageError: empty, no picture, or a format that is not accepted.
        DamagedImageError: a picture whose header is broken.
        ImageTooLargeError: more than ``max_pixels``.
    """
    if not data:
        raise UnsupportedImageError("The file is empty: choose another one.")
    with _open(data, max_pixels) as picture:
        width, height = picture.size
        if width * height > max_pixels:
            raise ImageTooLargeError(
                f"The picture claims {width}×{height} pixels, more than the limit of "
                f"{_megapixels(max_pixels)} megapixels: make it smaller and try again."
            )
        if width < 1 or height < 1:
            raise DamagedImageError("The picture says it has no pixels: choose another file.")
        return ImageHeader(picture.format or "", (width, height), _orientation(picture, data))


def decode_image(data: bytes, *, max_pixels: int = DEFAULT_MAX_PIXELS) -> BgrImage:
    """Decode a file's bytes to an upright picture.

    OpenCV decodes; where it cannot, Pillow has a try. Grey, 16-bit, palette,
    CMYK and transparent pictures become plain BGR; transparency is dropped. Of
    an animation the first frame is read.

    Returns:
        The upright picture, a new array.

    Raises:
        ImageError: of the kind that fits, with what to do.
    """
    header = read_header(data, max_pixels=max_pixels)
    image = _decode_with_opencv(data, header)
    if image is None:
        image = _decode_with_pillow(data, max_pixels)
    if image.shape[0] * image.shape[1] > max_pixels:
        raise ImageTooLargeError(
            f"The picture has more than {_megapixels(max_pixels)} megapixels, "
            "though its header says less: choose another file."
        )
    return image


def check_bgr(image: NDArray[np.generic]) -> BgrImage:
    """Check that an array is a BGR picture and give it back.

    Raises:
        UnsupportedImageError: it is not uint8 of shape (height, width, 3), or is empty.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise UnsupportedImageError(
            "An array must be a BGR picture: uint8 of shape (height, width, 3), not "
            f"{image.dtype} of shape {image.shape}."
        )
    return image.astype(np.uint8, copy=False)


def cap_longest_side(image: BgrImage, max_side_px: int | None) -> BgrImage:
    """Give a copy whose longest side is at most ``max_side_px``; the picture itself if it fits."""
    height, width = image.shape[:2]
    capped_wh = fit_within((width, height), max_side_px)
    if capped_wh == (width, height):
        return image
    return cv2.resize(image, capped_wh, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def encode_png(image: BgrImage) -> bytes:
    """Encode as PNG, with the light compression that is quickest."""
    return _encode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 1])


def encode_jpeg(image: BgrImage, quality: int = 90) -> bytes:
    """Encode as JPEG; quality 0 to 100."""
    return _encode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])


def _open(data: bytes, max_pixels: int) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=ACCEPTED_FORMATS)
    except Image.DecompressionBombError:
        raise ImageTooLargeError(
            "The picture claims far more pixels than the limit of "
            f"{_megapixels(max_pixels)} megapixels: make it smaller and try again."
        ) from None
    except UnidentifiedImageError:
        raise UnsupportedImageError(
            f"This is not a picture that can be read: use {_FORMATS_IN_WORDS}."
        ) from None
    except MemoryError:
        raise
    # Pillow's parsers meet broken headers with whatever the broken field causes:
    # OSError, ValueError, TypeError, struct.error, SyntaxError, OverflowError ...
    except Exception as error:
        raise DamagedImageError(
            "The picture's header is damaged: save it again or choose another file."
        ) from error


def _orientation(picture: Image.Image, data: bytes) -> int:
    try:
        # A PNG may keep its EXIF behind the pixels, where only a full load finds it.
        if picture.format == "PNG" and "exif" not in picture.info and b"eXIf" in data:
            picture.load()
        exif = Image.Exif()
        exif.load(picture.info.get("exif") or b"")
        orientation = exif.get(_EXIF_ORIENTATION, 1)
    except Exception:  # noqa: BLE001 - a broken tag must not cost the photo
        return 1
    return orientation if orientation in range(1, 9) else 1


def _decode_with_opencv(data: bytes, header: ImageHeader) -> BgrImage | None:
    flags = cv2.IMREAD_COLOR
    if header.format not in _ORIENTED_BY_OPENCV:
        flags |= cv2.IMREAD_IGNORE_ORIENTATION
    try:
        decoded = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), flags)
    except cv2.error:
        return None
    # It can also answer None, which its type does not tell.
    if decoded is None or decoded.size == 0:
        return None
    image = decoded.astype(np.uint8, copy=False)
    if header.format in _ORIENTED_BY_OPENCV:
        return image
    return _upright(image, header.orientation)


def _decode_with_pillow(data: bytes, max_pixels: int) -> BgrImage:
    with _open(data, max_pixels) as picture:
        try:
            picture.load()
            upright = ImageOps.exif_transpose(picture)
            if upright.mode.startswith("I;16"):
                grey = (np.asarray(upright, dtype=np.uint16) >> 8).astype(np.uint8)
                return np.ascontiguousarray(np.repeat(grey[:, :, None], 3, axis=2))
            return np.ascontiguousarray(np.asarray(upright.convert("RGB"))[:, :, ::-1])
        except MemoryError:
            raise
        except Exception as error:
            raise DamagedImageError(
                "The picture is cut short or damaged: save it again or choose another file."
            ) from error


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
        raise DamagedImageError(f"The picture could not be written as {suffix[1:].upper()}.")
    return encoded.tobytes()


def _megapixels(pixels: int) -> str:
    return f"{pixels / 1e6:g}"
