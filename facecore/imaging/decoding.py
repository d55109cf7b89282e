"""Reading pictures that strangers made: header first, pixels only within the limit."""

from __future__ import annotations

import io
import re
import warnings
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from facecore.errors import DamagedImageError, ImageTooLargeError, UnsupportedImageError
from facecore.imaging.geometry import Resolution, fit_within
from facecore.imaging.headers import check_structure, check_tags, png_is_whole
from facecore.settings import DEFAULT_MAX_PIXELS

BgrImage = NDArray[np.uint8]
"""A picture: shape (height, width, 3), uint8, blue-green-red, 0 to 255."""

ACCEPTED_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "AVIF")
ACCEPTED_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".avif")

_FORMATS_IN_WORDS = "JPEG, PNG, WebP, BMP, TIFF or AVIF"
_EXIF_ORIENTATION = 0x0112
_TIFF_TILE_WIDTH, _TIFF_TILE_LENGTH = 322, 323  # TIFF 6.0, section 15
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


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """What a file says of itself.

    Attributes:
        format: Pillow's name of the format.
        size_wh: in pixels, as stored; of a TIFF, as it is shown.
        orientation: EXIF orientation 1 to 8, still to be applied; 1 for a TIFF.
        has_alpha: whether it has transparency.
        is_progressive: whether it is a JPEG whose pixels come in several passes.
    """

    format: str
    size_wh: tuple[int, int]
    orientation: int
    has_alpha: bool = False
    is_progressive: bool = False

    @property
    def upright_wh(self) -> tuple[int, int]:
        """Width and height once the orientation is applied."""
        return self.size_wh[::-1] if self.orientation >= 5 else self.size_wh


def read_header(data: bytes, *, max_pixels: int = DEFAULT_MAX_PIXELS) -> ImageHeader:
    """Read format, size and orientation; the size is checked before anything is decoded.

    Raises:
        UnsupportedImageError: empty, no picture, or a format that is not accepted.
        DamagedImageError: a picture whose header is broken, or has far too many parts.
        ImageTooLargeError: more than ``max_pixels``.
    """
    if not data:
        raise UnsupportedImageError("The file is empty: choose another one.")
    check_structure(data)
    with _open(data, max_pixels) as picture:
        width, height = picture.size
        if width < 1 or height < 1:
            raise DamagedImageError("The picture says it has no pixels: choose another file.")
        for size_wh in (picture.size, _tile_wh(picture)):
            if size_wh[0] * size_wh[1] > max_pixels:
                raise ImageTooLargeError(
                    f"The picture claims {size_wh[0]}×{size_wh[1]} pixels, more than the limit "
                    f"of {_megapixels(max_pixels)} megapixels: make it smaller and try again."
                )
        return ImageHeader(
            picture.format or "",
            (width, height),
            _orientation(picture, data),
            has_alpha="A" in picture.getbands(),
            is_progressive="progressive" in picture.info,
        )


def decode_image(data: bytes, *, max_pixels: int = DEFAULT_MAX_PIXELS) -> BgrImage:
    """Decode a file's bytes to an upright picture.

    OpenCV decodes; where it cannot or should not, Pillow does. Grey, 16-bit, palette,
    CMYK and transparent pictures become plain BGR; transparency is dropped. Of
    an animation the first frame is read.

    Returns:
        The upright picture, a new array.

    Raises:
        ImageError: of the kind that fits, with what to do.
    """
    header = read_header(data, max_pixels=max_pixels)
    image = _decode_with_opencv(data, header) if _is_for_opencv(data, header) else None
    if image is None:
        image = _upright(_decode_with_pillow(data, max_pixels), header.orientation)
    if image.shape[0] * image.shape[1] > max_pixels:
        raise ImageTooLargeError(
            f"The picture has more than {_megapixels(max_pixels)} megapixels, "
            "though its header says less: choose another file."
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
            f"{image.dtype} of shape {image.shape}."
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


def _tile_wh(picture: Image.Image) -> tuple[int, int]:
    """Return a TIFF's tile size: a small picture may claim a huge tile, decoded whole."""
    tags = getattr(picture, "tag_v2", {})
    width, height = tags.get(_TIFF_TILE_WIDTH, 0), tags.get(_TIFF_TILE_LENGTH, 0)
    return (width, height) if isinstance(width, int) and isinstance(height, int) else (0, 0)


def _is_for_opencv(data: bytes, header: ImageHeader) -> bool:
    if header.format == "TIFF":
        # OpenCV multiplies a TIFF's colours by its transparency.
        return not header.has_alpha
    if header.format == "AVIF":
        # OpenCV gives the same pixels, but takes twice the memory for them.
        return False
    # OpenCV reserves whatever memory a chunk's length claims, up to 4 GB.
    return header.format != "PNG" or png_is_whole(data)


def _orientation(picture: Image.Image, data: bytes) -> int:
    try:
        # A PNG may keep its EXIF behind the pixels, where only a full load finds it.
        if picture.format == "PNG" and "exif" not in picture.info and b"eXIf" in data:
            picture.load()
        block = picture.info.get("exif") or b""
        check_tags(re.sub(rb"^(Exif\0\0)+", b"", block))
        exif = Image.Exif()
        exif.load(block)
        orientation = exif.get(_EXIF_ORIENTATION, 1)
    except Exception:  # noqa: BLE001 - a broken tag must not cost the photo
        return 1
    return orientation if orientation in range(1, 9) else 1


def _decode_with_opencv(
    data: bytes, header: ImageHeader, flags: int = cv2.IMREAD_COLOR
) -> BgrImage | None:
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
    """Decode, but do not turn upright: the caller does, when Pillow's own pixels are gone."""
    with _open(data, max_pixels) as picture:
        if picture.mode in ("I", "F"):
            raise UnsupportedImageError(
                "Pictures of 32-bit numbers cannot be read: save it with 8 or 16 bits."
            )
        try:
            picture.load()
            return _bgr_in_bands(picture)
        except MemoryError:
            raise
        except Exception as error:
            raise DamagedImageError(
                "The picture is cut short or damaged: save it again or choose another file."
            ) from error


def _bgr_in_bands(picture: Image.Image) -> BgrImage:
    # Converted as a whole, a picture would be there three times over.
    width, height = picture.size
    image = np.empty((height, width, 3), np.uint8)
    rows = max(1, _BAND_PIXELS // width)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        band = picture.crop((0, top, width, bottom))
        if band.mode.startswith("I;16"):
            image[top:bottom] = (np.asarray(band, dtype=np.uint16) >> 8)[:, :, None]
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
        raise DamagedImageError(f"The picture could not be written as {suffix[1:].upper()}.")
    return encoded.tobytes()


def _megapixels(pixels: int) -> str:
    return f"{pixels / 1e6:g}"
