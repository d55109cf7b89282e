"""What a file says of itself, and why one cannot be read; no pixel is decoded here."""

from __future__ import annotations

import io
import re
import struct
from dataclasses import dataclass

from PIL import Image, TiffImagePlugin, UnidentifiedImageError

from facecore.errors import DamagedImageError, ImageError, ImageTooLargeError, UnsupportedImageError
from facecore.imaging import heif
from facecore.imaging.kinds import HEAD_BYTES, is_read, kind_of, what_to_do
from facecore.imaging.structure import check_structure, check_tags, jpeg_frame
from facecore.settings import DEFAULT_MAX_PIXELS
from facecore.wording import Text

HEIC = "HEIC"
_PILLOW_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "AVIF", "GIF")

_EXIF_ORIENTATION = 0x0112
# TIFF 6.0; the last two are of TIFF/EP and DNG, which keep a raw picture beside a small one.
_TILE_WIDTH, _TILE_LENGTH = 322, 323
_BITS, _SAMPLE_FORMAT, _FLOATING_POINT = 258, 339, 3
_SUBFILE, _SUBDIRECTORIES, _DNG_VERSION = 254, 330, 50706
# ITU-T T.81, table B.1: what JPEG decoders read; the others are lossless or hierarchical.
_JPEG_FRAMES = (0xC0, 0xC1, 0xC2, 0xC9, 0xCA)


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """What a file says of itself.

    Attributes:
        format: Pillow's name of the format, or "HEIC".
        size_wh: in pixels, as stored; of a TIFF and a HEIC, as it is shown.
        orientation: EXIF orientation 1 to 8, still to be applied; 1 for a TIFF and a HEIC.
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
    if kind_of(data[:HEAD_BYTES]) == HEIC:
        return _read_heic(data, max_pixels)
    with open_picture(data, max_pixels) as picture:
        check_size(picture.size, max_pixels)
        check_size(_tile_wh(picture), max_pixels, least=0)
        if _is_raw(picture):
            raise UnsupportedImageError(what_to_do("RAW"))
        return ImageHeader(
            picture.format or "",
            picture.size,
            _orientation(picture, data),
            has_alpha="A" in picture.getbands(),
            is_progressive="progressive" in picture.info,
        )


def open_picture(data: bytes, max_pixels: int) -> Image.Image:
    """Open a file with Pillow, which reads its header only.

    Raises:
        ImageError: it cannot be read, and why.
    """
    try:
        return Image.open(io.BytesIO(data), formats=_PILLOW_FORMATS)
    except Image.DecompressionBombError:
        raise ImageTooLargeError(
            "The picture claims far more pixels than the limit of {megapixels} "
            "megapixels: make it smaller and try again.",
            megapixels=_megapixels(max_pixels),
        ) from None
    except UnidentifiedImageError:
        raise UnsupportedImageError(why_unread(data)) from None
    except MemoryError:
        raise
    # Pillow's parsers meet broken headers with whatever the broken field causes:
    # OSError, ValueError, TypeError, struct.error, SyntaxError, OverflowError ...
    except Exception as error:
        if str(error).startswith("Unsupported BMP"):
            raise UnsupportedImageError(
                "This BMP stores its colours in a way that is not read: save it as JPEG or PNG."
            ) from error
        raise DamagedImageError(
            "The picture's header is damaged: save it again or choose another file."
        ) from error


def open_heic(data: bytes) -> heif.Primary:
    """Open the main picture of a HEIC file, whose pixels are decoded when they are asked for.

    Raises:
        UnsupportedImageError: what reads these is not installed.
        DamagedImageError: it cannot be opened.
    """
    if not is_read(HEIC):
        raise UnsupportedImageError(what_to_do(HEIC))
    try:
        return heif.open_primary(data)
    except MemoryError:
        raise
    except Exception as error:  # as with Pillow: whatever the broken field causes
        raise DamagedImageError(
            "The picture's header is damaged: save it again or choose another file."
        ) from error


def check_size(size_wh: tuple[int, int], max_pixels: int, *, least: int = 1) -> None:
    """Check a size that a file claims.

    Raises:
        DamagedImageError: it has no pixels.
        ImageTooLargeError: it has too many.
    """
    width, height = size_wh
    if min(width, height) < least:
        raise DamagedImageError("The picture says it has no pixels: choose another file.")
    if width * height > max_pixels:
        raise ImageTooLargeError(
            "The picture claims {width}×{height} pixels, more than the limit of "
            "{megapixels} megapixels: make it smaller and try again.",
            width=width,
            height=height,
            megapixels=_megapixels(max_pixels),
        )


def undecodable(data: bytes) -> ImageError:
    """Return the error about a file whose header can be read and whose pixels cannot."""
    marker, _ = jpeg_frame(data) if kind_of(data[:HEAD_BYTES]) == "JPEG" else (0, 0)
    if marker and marker not in _JPEG_FRAMES:
        return UnsupportedImageError(why_unread(data))
    return DamagedImageError(
        "The picture is cut short or damaged: save it again or choose another file."
    )


def why_unread(data: bytes) -> str:
    """Return the sentence about a file that no decoder takes: what it is, and what to do."""
    kind = kind_of(data[:HEAD_BYTES])
    if kind == "JPEG":
        marker, bits = jpeg_frame(data)
        if marker and bits != 8:
            return Text(
                "This JPEG has {bits} bits per colour, of which 8 are read: save it with 8 or 16 "
                "bits per colour, or as JPEG or PNG.",
                bits=bits,
            )
        if marker and marker not in _JPEG_FRAMES:
            return Text(
                "This JPEG is of a lossless or hierarchical kind, which is not read: "
                "save it as an ordinary JPEG or as PNG."
            )
    if kind == "TIFF":
        return _why_tiff_is_unread(data)
    return what_to_do(kind)


def bits_in_words(bits: int, *, floating_point: bool) -> str:
    """Return the sentence about colours of so many bits, which are not read."""
    if floating_point:
        return Text(
            "This picture has {bits}-bit floating-point colours, which are not read: save it with "
            "8 or 16 bits per colour, or as JPEG or PNG.",
            bits=bits,
        )
    return Text(
        "This picture has {bits}-bit colours, which are not read: save it with 8 or 16 bits per "
        "colour, or as JPEG or PNG.",
        bits=bits,
    )


def _why_tiff_is_unread(data: bytes) -> str:
    try:
        tags = TiffImagePlugin.ImageFileDirectory_v2(data[:8])
        file = io.BytesIO(data)
        file.seek(tags.next)
        tags.load(file)
        bits, formats = tags.get(_BITS, (1,)), tags.get(_SAMPLE_FORMAT, (1,))
        if max(bits) not in (1, 2, 4, 8, 16):
            return bits_in_words(max(bits), floating_point=_FLOATING_POINT in formats)
    except (TypeError, ValueError, SyntaxError, OSError, struct.error):
        pass
    return Text("This TIFF stores its colours in a way that is not read: save it as JPEG or PNG.")


def _read_heic(data: bytes, max_pixels: int) -> ImageHeader:
    primary = open_heic(data)
    check_size(primary.size, max_pixels)
    heif.check_items(data, max_pixels)
    return ImageHeader(HEIC, primary.size, 1, has_alpha=primary.mode.lower().endswith("a"))


def _tile_wh(picture: Image.Image) -> tuple[int, int]:
    """Return a TIFF's tile size: a small picture may claim a huge tile, decoded whole."""
    tags = getattr(picture, "tag_v2", {})
    width, height = tags.get(_TILE_WIDTH, 0), tags.get(_TILE_LENGTH, 0)
    return (width, height) if isinstance(width, int) and isinstance(height, int) else (0, 0)


def _is_raw(picture: Image.Image) -> bool:
    """Return whether it is a camera's raw file, of which Pillow would give the small picture."""
    tags = getattr(picture, "tag_v2", {})
    has_small_one = tags.get(_SUBFILE) == 1 and _SUBDIRECTORIES in tags
    return bool(tags) and (has_small_one or _DNG_VERSION in tags)


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


def _megapixels(pixels: int) -> str:
    return f"{pixels / 1e6:g}"
