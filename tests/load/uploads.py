"""What visitors bring: photos of all sizes and formats up to 24 megapixels, and hostile files."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from facecore.imaging.kinds import PHOTO_SUFFIXES
from tests.conftest import REPOSITORY, SAMPLES

SHARED_DATA = REPOSITORY.parent / "shared" / "data"

_24_MEGAPIXELS_WH = (6000, 4000)
_12_MEGAPIXELS_WH = (4000, 3000)
_EXIF_ORIENTATION = 0x0112
_TURNED_RIGHT = 6


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as somebody uploads it; ``kind`` is what the reports count it under."""

    kind: str
    name: str
    data: bytes


def mixed_uploads(count: int, *, seed: int = 1) -> Iterator[Upload]:
    """Return files of all kinds in a seeded random order; small photos are the most frequent.

    Folders of photos beside the repository are used where they are there.
    """
    draw = random.Random(seed)
    large = _large_files()
    folders = {
        "portrait": _files(SHARED_DATA / "fairface", ".jpg") or _files(SAMPLES, ".jpg", ".png"),
        "group": _files(SHARED_DATA / "groups", ".jpg") or _files(SAMPLES, ".jpg", ".png"),
        "7 to 14 megapixels": _files(SHARED_DATA / "large", ".jpg"),
        "hostile": hostile_files(),
    }
    kinds = [kind for kind, files in folders.items() if files for _ in range(3)]
    kinds += list(large)
    for number in range(count):
        kind = draw.choice(kinds)
        if kind in large:
            name, data = large[kind]
        else:
            path = draw.choice(folders[kind])
            # The page takes no other suffixes, and a liar would use one that is taken.
            suffix = "" if path.suffix in PHOTO_SUFFIXES else ".jpg"
            name, data = path.name + suffix, path.read_bytes()
        yield Upload(kind, f"{number:04d}-{name}", data)


def hostile_files() -> list[Path]:
    """Return the files that are known to trouble decoders; none where the folder is missing."""
    return [path for path in _files(SHARED_DATA / "hostile") if path.suffix != ".csv"]


def _files(folder: Path, *suffixes: str) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(
        path for path in folder.iterdir() if not suffixes or path.suffix.lower() in suffixes
    )


SAMPLES_AND_PORTRAITS = [
    *_files(SAMPLES, ".jpg", ".png"),
    *_files(SHARED_DATA / "fairface", ".jpg"),
]
"""Honest photos of one person each, those of the project first."""


def _large_files() -> dict[str, tuple[str, bytes]]:
    """Make a photo large, with some noise as a camera's, in the ways that cost most to decode."""
    picture = Image.open(SAMPLES / "astronaut.png").convert("RGB")
    twelve = picture.resize(_12_MEGAPIXELS_WH)
    full = picture.resize(_24_MEGAPIXELS_WH)
    noise = Image.effect_noise(_24_MEGAPIXELS_WH, 8).convert("RGB")
    full = Image.blend(full, noise, 0.05)
    turned = Image.Exif()
    turned[_EXIF_ORIENTATION] = _TURNED_RIGHT
    return {
        "24 MP JPEG": ("camera.jpg", _saved(full, "JPEG", quality=88)),
        "24 MP JPEG, turned": ("phone.jpg", _saved(full, "JPEG", quality=80, exif=turned)),
        "24 MP JPEG, progressive": ("web.jpg", _saved(full, "JPEG", quality=80, progressive=True)),
        "24 MP PNG": ("screen.png", _saved(full, "PNG", compress_level=1)),
        "12 MP WebP": ("web.webp", _saved(twelve, "WEBP", quality=70, method=0)),
        "12 MP PNG, turned": ("turned.png", _saved(twelve, "PNG", compress_level=1, exif=turned)),
    }


def _saved(picture: Image.Image, image_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, image_format, **options)
    return buffer.getvalue()
