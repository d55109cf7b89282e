"""Photos with their faces drawn, packed into a ZIP file one after the other."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import PurePosixPath
from typing import BinaryIO

from facecore.errors import ArchiveError, ImageError
from facecore.export import FailedRow, PhotoRow, Row
from facecore.imaging.decoding import BgrImage, cap_longest_side, decode_image, encode_jpeg
from facecore.imaging.drawing import draw_faces
from facecore.sources.photo import Photo

SIDE_PX = 1600
_QUALITY = 85
_LONGEST_STEM = 80


def write_annotated_zip(
    rows: Iterable[tuple[Photo, Row]],
    file: BinaryIO,
    *,
    max_pixels: int,
    turn: Callable[[], AbstractContextManager[object]],
) -> int:
    """Write each photo that was read, with its faces drawn, as a JPEG; return how many.

    One photo is in memory at a time. A photo whose longest side is more than 1600
    pixels is made smaller. Names begin with the photo's number in the batch.

    Args:
        rows: photos with their rows, from the first of the batch on.
        file: where the ZIP file goes.
        max_pixels: larger photos are refused unread.
        turn: held while a photo is read, decoded and drawn.
    """
    written = 0
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for photo, row in rows:
            if isinstance(row, FailedRow):
                continue
            try:
                with turn():
                    # Inflated in here, so that those who wait hold nothing.
                    image = decode_image(photo.read(), max_pixels=max_pixels)
                    drawn = drawn_jpeg(image, row)
            except (ArchiveError, ImageError):
                continue  # it could be read before, and its row says what was found
            written += 1
            archive.writestr(_entry(written, photo.name, row), drawn)
    return written


def drawn_jpeg(image: BgrImage, row: PhotoRow) -> bytes:
    """Return a JPEG of a photo with its faces drawn, at most 1600 pixels long.

    Faces have the numbers of their tracks where they have tracks.
    """
    small = cap_longest_side(image, SIDE_PX)
    scale = max(small.shape[:2]) / max(image.shape[:2])
    faces = [face.face() for face in row.faces]
    numbers = numbers_of(row)
    return encode_jpeg(draw_faces(small, faces, scale=scale, numbers=numbers), _QUALITY)


def numbers_of(row: PhotoRow) -> list[int]:
    """Return the number that each face has where it is shown: of its track, or from 1 on."""
    return [place if face.track is None else face.track for place, face in enumerate(row.faces, 1)]


def _entry(number: int, name: str, row: PhotoRow) -> zipfile.ZipInfo:
    path = PurePosixPath(name)
    # Behind the last dot of a video's frame are the parts of its second.
    short = path.stem if row.time_s is None else path.name
    stem = re.sub(r"[^\w.()-]+", "_", short)[:_LONGEST_STEM].strip(".")
    # The time of the reading: whoever asks for the same photos again gets the same bytes,
    # which the server then keeps once.
    read_at = datetime.fromisoformat(row.resources.timestamp)
    entry = zipfile.ZipInfo(f"{number:04}-{stem or 'photo'}.jpg", read_at.timetuple()[:6])
    entry.external_attr = 0o644 << 16
    return entry
