"""Reading photos out of ZIP files that strangers made; nothing is ever extracted to disk.

An archive that was made to do harm is refused as a whole: one that would inflate to
far more than it is, whose entries share bytes, whose names lead out of a folder, or
that has too many entries. An entry that just cannot be read costs only itself.

`archive_directory` reads what an archive says of itself; its entries are inflated here, one
at a time, and every byte is counted. The format: APPNOTE.TXT 6.3.10 by PKWARE.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO

from facecore.errors import ArchiveError, DamagedImageError, UnsupportedImageError
from facecore.sources.archive_directory import (
    ArchiveEntry,
    ArchiveLimits,
    read_directory,
    stored_chunks,
)
from facecore.sources.sorting import PassedOver, other_kind
from facecore.wording import Text

ARCHIVE_SUFFIX = ".zip"


class PhotoArchive:
    """The photos of a ZIP file, or its tables; safe to share between threads."""

    def __init__(
        self,
        open_file: Callable[[], BinaryIO],
        limits: ArchiveLimits | None = None,
        encoding: str | None = None,
        *,
        kind_of_other: Callable[[str, Callable[[], bytes]], str] = other_kind,
    ) -> None:
        """Read the directory and check all that it says.

        Args:
            open_file: opens the file to be read from anywhere; each use closes its own.
            limits: the defaults where None.
            encoding: of names that do not say it; guessed where None.
            kind_of_other: "" for the entries that are wanted; see `other_kind`.

        Raises:
            ArchiveError: it is no ZIP file, or one that is refused as a whole.
        """
        self._open_file = open_file
        self._refusal = ""
        with self._file() as file:
            self.passed_over = PassedOver()
            """What is no photo, by its kind."""
            self.entries = read_directory(
                file, limits or ArchiveLimits(), self.passed_over, encoding, kind_of_other
            )

    def read(self, entry: ArchiveEntry) -> bytes:
        """Inflate one photo's file.

        Raises:
            ImageError: this entry cannot be read.
            ArchiveError: it lies about its size; from then on nothing of the archive
                is read any more.
        """
        if self._refusal:
            raise ArchiveError(self._refusal)
        if entry.refusal:
            raise UnsupportedImageError(entry.refusal)
        try:
            with self._file() as file:
                data = self._inflated(entry, stored_chunks(file, entry.offset, entry.stored_bytes))
        except OSError as error:
            raise DamagedImageError(
                "The ZIP file cannot be read here ({reason}): check the disk.",
                reason=error.strerror,
            ) from error
        if len(data) != entry.size_bytes or zlib.crc32(data) != entry.crc:
            raise DamagedImageError(
                "This entry of the ZIP file is damaged (its checksum is wrong): pack it again."
            )
        return data

    def _inflated(self, entry: ArchiveEntry, chunks: Iterator[bytes]) -> bytes:
        if not entry.is_deflated:
            return b"".join(chunks)
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        data = bytearray()
        try:
            for chunk in chunks:
                # One byte more than it may have tells that it lied.
                data += inflater.decompress(chunk, entry.size_bytes + 1 - len(data))
                if len(data) > entry.size_bytes:
                    self._refusal = Text(
                        "The ZIP file is a bomb: an entry inflates to more than the {claimed} "
                        "bytes that it claims. It is not read.",
                        claimed=entry.size_bytes,
                    )
                    raise ArchiveError(self._refusal)
        except zlib.error as error:
            raise DamagedImageError(
                "This entry of the ZIP file is damaged: pack it again."
            ) from error
        return bytes(data) if inflater.eof else b""

    def _file(self) -> BinaryIO:
        try:
            return self._open_file()
        except OSError as error:
            raise ArchiveError(
                "The ZIP file cannot be read ({reason}): check its permissions.",
                reason=error.strerror or type(error).__name__,
            ) from error
