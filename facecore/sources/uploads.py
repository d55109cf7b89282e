"""The photos in files that somebody uploads; each is a photo, or a ZIP file of them."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import BinaryIO, Protocol

from facecore.imaging.kinds import HEAD_BYTES
from facecore.sources.archive_directory import ArchiveLimits
from facecore.sources.folders import is_archive, photos_of_archive
from facecore.sources.photo import Photo
from facecore.sources.sorting import PassedOver, is_companion, sorted_photo


class Upload(Protocol):
    """What is needed of an uploaded file.

    ``name`` is the file's, as a stranger gave it, ``file_id`` the server's number of it,
    ``size`` its length in bytes.
    """

    name: str
    file_id: str
    size: int

    def getvalue(self) -> bytes:
        """Return the file's bytes."""


def photos_of_uploads(
    uploads: Sequence[Upload], limits: ArchiveLimits, passed_over: PassedOver
) -> Iterator[Photo]:
    """Find the photos in uploaded files, in their order; no photo is opened.

    Args:
        uploads: photos and ZIP files of them.
        limits: what is taken of a ZIP file.
        passed_over: counts what is none.
    """
    for upload in uploads:
        head = partial(_head, upload)
        photo = Photo(name=upload.name, read=upload.getvalue, key=f"upload:{upload.file_id}")
        if is_archive(upload.name, head) and not is_companion(PurePosixPath(upload.name)):
            opener = partial(_opened, upload)
            yield from photos_of_archive(upload.name, opener, limits, passed_over=passed_over)
        elif found := sorted_photo(photo, upload.name, head, passed_over):
            yield found


def _head(upload: Upload) -> bytes:
    return upload.getvalue()[:HEAD_BYTES]


def _opened(upload: Upload) -> BinaryIO:
    # Shares the upload's bytes as long as nobody writes.
    return io.BytesIO(upload.getvalue())
