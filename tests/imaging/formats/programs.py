"""What Pillow, OpenCV and libheif write."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import Image

from tests.imaging.formats.scene import (
    BITS,
    HEIGHT,
    INDEX,
    PALETTE,
    RGB,
    WIDTH,
    Case,
    grey_rgb,
    saved,
    stored,
)


def by_pillow() -> Iterator[Case]:
    """Return what Pillow writes."""
    colour = Image.fromarray(RGB)
    bits = Image.fromarray(BITS * 255).convert("1")
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "zstd", "lzma"):
        for mode in ("L", "RGB", "RGBA", "CMYK"):
            name = f"TIFF {compression} {mode}"
            data = saved(colour.convert(mode), "TIFF", compression=compression)
            rgb = np.asarray(colour.convert(mode).convert("RGB"))
            yield Case(name=name, data=data, rgb=rgb, most=1 if mode == "CMYK" else 0)
    for compression in ("group3", "group4", "tiff_ccitt", "tiff_lzw", "packbits"):
        data = saved(bits, "TIFF", compression=compression)
        yield Case(name=f"TIFF {compression} 1 bit", data=data, rgb=grey_rgb(BITS * 255))
    data = saved(colour, "TIFF", compression="jpeg", quality=95)
    yield Case(name="TIFF JPEG", data=data, rgb=RGB, most=40, mean=6)
    data = saved(colour.convert("YCbCr"), "TIFF")
    yield Case(name="TIFF YCbCr", data=data, rgb=RGB, most=3, mean=2)
    frames: dict[str, Any] = {"save_all": True, "append_images": [colour.rotate(180)]}
    for image_format in ("TIFF", "PNG", "GIF"):
        data = saved(colour, image_format, **frames)
        most, mean = (70, 8.0) if image_format == "GIF" else (0, 0.0)
        yield Case(name=f"{image_format}, two frames", data=data, rgb=RGB, most=most, mean=mean)
    for quality in (60, 95):
        for sampling in ("4:4:4", "4:2:2", "4:2:0", "4:1:1"):
            for progressive in (False, True):
                how = f"{quality} {sampling}{' progressive' if progressive else ''}"
                data = saved(
                    colour,
                    "JPEG",
                    quality=quality,
                    subsampling=sampling,
                    progressive=progressive,
                )
                yield Case(name=f"JPEG {how}", data=data, rgb=RGB, most=45, mean=8)
    data = saved(colour.convert("L"), "JPEG", quality=95)
    yield Case(
        name="JPEG grey", data=data, rgb=np.asarray(colour.convert("L").convert("RGB")), most=6
    )
    yield Case(
        name="JPEG CMYK",
        data=saved(colour.convert("CMYK"), "JPEG", quality=98),
        rgb=RGB,
        most=30,
        mean=6,
    )
    data = saved(colour, "JPEG", quality=98, keep_rgb=True)
    yield Case(name="JPEG RGB", data=data, rgb=RGB, most=12, mean=2)
    data = saved(colour, "JPEG", quality=95, restart_marker_rows=1)
    yield Case(name="JPEG with restarts", data=data, rgb=RGB, most=30, mean=6)
    yield Case(
        name="MPO", data=saved(colour, "MPO", quality=95, **frames), rgb=RGB, most=45, mean=6
    )
    for mode in ("RGB", "RGBA"):
        picture = colour.convert(mode)
        data = saved(picture, "WEBP", lossless=True, exact=True)
        yield Case(name=f"WebP lossless {mode}", data=data, rgb=RGB)
        yield Case(
            name=f"WebP {mode}", data=saved(picture, "WEBP", quality=95), rgb=RGB, most=45, mean=8
        )
    data = saved(colour, "WEBP", lossless=True, **frames)
    yield Case(name="WebP animated", data=data, rgb=RGB)
    for mode in ("L", "RGB", "RGBA"):
        for sampling in ("4:4:4", "4:2:2", "4:2:0", "4:0:0")[: 3 if mode != "L" else 4]:
            data = saved(colour.convert(mode), "AVIF", quality=95, subsampling=sampling)
            rgb = np.asarray(colour.convert(mode).convert("RGB"))
            yield Case(name=f"AVIF {mode} {sampling}", data=data, rgb=rgb, most=45, mean=8)
    data = saved(colour, "AVIF", quality=95, **frames)
    yield Case(name="AVIF animated", data=data, rgb=RGB, most=45, mean=8)
    few = Image.fromarray(PALETTE[INDEX])
    pal = few.quantize(16)
    for interlace in (0, 1):
        data = saved(pal, "GIF", interlace=interlace)
        yield Case(name=f"GIF{', interlaced' if interlace else ''}", data=data, rgb=PALETTE[INDEX])
    yield Case(
        name="GIF grey", data=saved(colour.convert("L"), "GIF"), rgb=_shown(colour.convert("L"))
    )


def by_opencv() -> Iterator[Case]:
    """Return what OpenCV writes and Pillow does not."""
    bgr = np.ascontiguousarray(RGB[:, :, ::-1])
    wide = bgr.astype(np.uint16) * 257
    for code, name in (
        (1, "none"),
        (5, "LZW"),
        (8, "deflate"),
        (32773, "PackBits"),
        (32946, "ZIP"),
    ):
        for picture, depth in ((bgr, 8), (wide, 16)):
            ok, data = cv2.imencode(".tiff", picture, [cv2.IMWRITE_TIFF_COMPRESSION, code])
            if ok:
                yield Case(
                    name=f"TIFF by OpenCV, {name}, {depth} bit", data=data.tobytes(), rgb=RGB
                )
    for sampling, name in (
        (cv2.IMWRITE_JPEG_SAMPLING_FACTOR_440, "4:4:0"),
        (cv2.IMWRITE_JPEG_SAMPLING_FACTOR_411, "4:1:1"),
    ):
        _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling])
        yield Case(name=f"JPEG by OpenCV, {name}", data=data.tobytes(), rgb=RGB, most=45, mean=8)


def _shown(picture: Image.Image) -> NDArray[np.uint8]:
    return np.asarray(picture.convert("RGB"))


def heics() -> Iterator[Case]:
    """Return HEIC of every depth, subsampling and turn."""
    for mode in ("L", "LA", "RGB", "RGBA"):
        picture = Image.fromarray(RGB).convert(mode)
        for sampling in ("444", "422", "420")[: 1 if mode[0] == "L" else 3]:
            buffer = io.BytesIO()
            pillow_heif.from_pillow(picture).save(buffer, quality=90, chroma=sampling)
            name = f"HEIC {mode} {sampling}"
            yield Case(name=name, data=buffer.getvalue(), rgb=_shown(picture), most=45, mean=8)
    for bits in (10, 12):
        pillow_heif.options.SAVE_HDR_TO_12_BIT = bits == 12
        deep = (RGB.astype("<u2") * 257).tobytes()
        buffer = io.BytesIO()
        pillow_heif.encode("RGB;16", (WIDTH, HEIGHT), deep, buffer, quality=90)
        yield Case(name=f"HEIC {bits} bit", data=buffer.getvalue(), rgb=RGB, most=45, mean=8)
    pillow_heif.options.SAVE_HDR_TO_12_BIT = False
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        turned = stored(RGB, orientation)
        buffer = io.BytesIO()
        pillow_heif.encode(
            "RGB",
            turned.shape[1::-1],
            turned.tobytes(),
            buffer,
            quality=90,
            chroma="444",
            exif=exif.tobytes(),
        )
        name = f"HEIC orientation {orientation}"
        yield Case(name=name, data=buffer.getvalue(), rgb=RGB, most=45, mean=8)
