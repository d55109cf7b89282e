"""The photos in files that somebody uploads; each is a photo, or a ZIP file of them."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import BinaryIO, Protocol

from facecore.imaging.kinds import HEAD_BYTES
from facecore.sources.archive_directory import ArchiveLimits
from facecore.sources.folders import is_archive, photos_of_archive
from facecore.sources.photo import Photo
from facecore.sources.sorting import PassedOver, is_companion, other_kind, passed_over_photo


class Upload(Protocol):
    """What is needed of an uploaded file."""

    @property
    def name(self) -> str:
        """The file's name, as a stranger gave it."""

    @property
    def file_id(self) -> str:
        """The server's number of it."""

    @property
    def size(self) -> int:
        """Its length in bytes."""

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
        if is_companion(PurePosixPath(upload.name)):
            continue
        if is_archive(upload.name, head):
            yield from photos_of_archive(
                upload.name, _Opener(upload), limits, passed_over=passed_over
            )
        elif kind := other_kind(upload.name, head):
            passed_over[kind] += 1
            if photo := passed_over_photo(upload.name, kind):
                yield photo
        else:
            yield Photo(name=upload.name, read=upload.getvalue, key=f"upload:{upload.file_id}")


def _head(upload: Upload) -> bytes:
    return upload.getvalue()[:HEAD_BYTES]


@dataclass(frozen=True, slots=True)
class _Opener:
    upload: Upload

    def __call__(self) -> BinaryIO:
        # Shares the upload's bytes as long as nobody writes.
        return io.BytesIO(self.upload.getvalue())
