"""The photos in files that somebody uploads; each is a photo, or a ZIP file of them."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import PurePosixPath
from typing import BinaryIO, Protocol

from facecore.errors import ArchiveError, ImageError
from facecore.imaging.kinds import HEAD_BYTES
from facecore.sources.archive import PhotoArchive
from facecore.sources.archive_directory import ArchiveLimits
from facecore.sources.folders import is_archive, photos_of_archive
from facecore.sources.photo import Photo
from facecore.sources.sorting import PassedOver, is_companion, sorted_photo

TABLE_SUFFIX = ".csv"
_TABLES = 10


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
    uploads: Sequence[Upload],
    limits: ArchiveLimits,
    passed_over: PassedOver,
    *,
    videos: bool = False,
) -> Iterator[Photo]:
    """Find the photos in uploaded files, in their order; no photo is opened.

    Args:
        uploads: photos and ZIP files of them.
        limits: what is taken of a ZIP file.
        passed_over: counts what is none.
        videos: find videos as well.
    """
    for upload in uploads:
        head = partial(_head, upload)
        photo = Photo(name=upload.name, read=upload.getvalue, key=f"upload:{upload.file_id}")
        if is_archive(upload.name, head) and not is_companion(PurePosixPath(upload.name)):
            opener = partial(_opened, upload)
            yield from photos_of_archive(
                upload.name, opener, limits, passed_over=passed_over, videos=videos
            )
        elif found := sorted_photo(photo, upload.name, head, passed_over, videos=videos):
            yield found


def tables_of_uploads(
    uploads: Sequence[Upload], max_bytes: int, problems: list[str]
) -> Iterator[tuple[str, bytes]]:
    """Find the CSV files in uploads and in ZIP files among them: name and bytes of each.

    A ZIP file that is refused as a whole has none, as the photos in it tell.

    Args:
        uploads: tables, ZIP files and others.
        max_bytes: of one table.
        problems: gets a sentence for each table that cannot be read.
    """
    limits = ArchiveLimits(max_entry_bytes=max_bytes, max_total_bytes=_TABLES * max_bytes)
    for upload in uploads:
        if not _no_table(upload.name):
            yield upload.name, upload.getvalue()
        elif is_archive(upload.name, partial(_head, upload)):
            with suppress(ArchiveError):
                opener = partial(_opened, upload)
                archive = PhotoArchive(opener, limits, kind_of_other=_no_table)
                for entry in archive.entries:
                    name = f"{upload.name}/{entry.name}"
                    try:
                        yield name, archive.read(entry)
                    except ImageError as error:
                        problems.append(f"{name}: {error}")


def _no_table(name: str, _: object = None) -> str:
    return "" if name.lower().endswith(TABLE_SUFFIX) else "other"


def _head(upload: Upload) -> bytes:
    return upload.getvalue()[:HEAD_BYTES]


def _opened(upload: Upload) -> BinaryIO:
    # Shares the upload's bytes as long as nobody writes.
    return io.BytesIO(upload.getvalue())
