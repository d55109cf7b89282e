"""Files as people drop them on a page: photos of unusual kinds, and things that are no photo."""

from __future__ import annotations

import functools
import io

import pillow_heif
from PIL import Image

from facecore.sources.samples import samples
from tests.sources.crafted import Entry, archive

ORIENTATION = 0x0112
TURNED_RIGHT = 6  # as phones store what was taken upright


def _portrait() -> Image.Image:
    return Image.open(io.BytesIO(samples()[-1].read())).convert("RGB")


def _saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def _from_a_phone(picture: Image.Image) -> bytes:
    """Return a HEIC that lies on its side, and says so as iPhones do, in its EXIF and its box."""
    exif = Image.Exif()
    exif[ORIENTATION] = TURNED_RIGHT
    lying = picture.transpose(Image.Transpose.ROTATE_90)
    file = io.BytesIO()
    pillow_heif.from_pillow(lying).save(file, quality=90, exif=exif.tobytes())
    return file.getvalue()


@functools.cache
def read_files() -> dict[str, bytes]:
    """Return files that are read; each but the dot shows one and the same portrait."""
    portrait = _portrait()
    mirrored = portrait.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    deep = portrait.convert("L").convert("I").point(lambda level: level * 257).convert("I;16")
    return {
        "phone.heic": _from_a_phone(portrait),
        "still.gif": _saved(portrait, "GIF"),
        "moving.gif": _saved(portrait, "GIF", save_all=True, append_images=[mirrored]),
        "web.jfif": _saved(portrait, "JPEG"),
        "scan.tiff": _saved(portrait, "TIFF"),
        "new.avif": _saved(portrait, "AVIF"),
        "print.jpg": _saved(portrait.convert("CMYK"), "JPEG"),
        "deep.png": _saved(deep, "PNG"),
        "dot.png": _saved(portrait.resize((1, 1)), "PNG"),
    }


@functools.cache
def refused_files() -> dict[str, tuple[bytes, str]]:
    """Return files that are not read, each with a part of the sentence that says why."""
    jpeg = _saved(_portrait(), "JPEG")
    return {
        "broken.jpg": (jpeg[:300], "header is damaged"),
        "paper.pdf": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", "This is a PDF"),
        "logo.svg": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "This is an SVG drawing"),
        "layers.psd": (b"8BPS\0\1" + bytes(6) + b"\0\3", "This is a Photoshop file"),
        "huge.png": (
            _saved(Image.new("1", (15_000, 12_000)), "PNG"),
            "megapixels",
        ),
        "empty.jpg": (b"", "empty"),
        "notes.txt": (b"Call Anna on Monday.", "This is not a picture that can be read"),
        "photos.zip": (archive([Entry(name="a.jpg", data=jpeg)]), "give it to Batch"),
        "clip.mp4": (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "This is a video"),
    }
