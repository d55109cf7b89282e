"""The directory of a ZIP file, read within a bound, and all that is wrong with what it says."""

from __future__ import annotations

import io
import itertools
import re
import stat
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import BinaryIO

from facecore.errors import ArchiveError, SettingsError
from facecore.imaging.kinds import HEAD_BYTES, is_known, what_to_do
from facecore.sources.archive_names import entry_names, is_archive
from facecore.sources.names import unique_name
from facecore.sources.sorting import PassedOver, is_companion, other_kind
from facecore.sources.stores import MAX_PHOTO_BYTES
from facecore.wording import Text, data_size

_DIRECTORY_BYTES_PER_ENTRY = 512
_LEAST_DIRECTORY_BYTES = 1 << 18
_RATIO_COUNTS_FROM_BYTES = 1_000_000
# Small entries may each be packed as well as they can, but not many of them.
_RATIO_OF_ALL_COUNTS_FROM_BYTES = 10_000_000
_CHUNK_BYTES = 1 << 16
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_LOCAL_SIGNATURE = b"PK\x03\x04"
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_LEADS_OUT = re.compile(r"^[/\\]|^[A-Za-z]:[/\\]|(^|[/\\])\.\.([/\\]|$)|\0")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveLimits:
    """What is taken of an archive.

    Attributes:
        max_entries: files and folders in it.
        max_entry_bytes: of one photo's file, inflated.
        max_total_bytes: of all photos' files together, inflated.
        max_ratio: inflated size over the size in the archive, for entries of 1 MB
            and more. Deflate reaches 1032; files of photos hardly 2, plain
            uncompressed pictures perhaps 100.

    Raises:
        SettingsError: a limit is below 1.
    """

    max_entries: int = 10_000
    max_entry_bytes: int = MAX_PHOTO_BYTES
    max_total_bytes: int = 50_000_000_000
    max_ratio: float = 200.0

    def __post_init__(self) -> None:
        if not all(limit >= 1 for limit in astuple(self)):
            raise SettingsError("The limits for a ZIP file must each be at least 1.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveEntry:
    """One photo of an archive, or what stands in the place of one.

    Attributes:
        name: different for each entry of an archive; a duplicate's has a number.
        size_bytes: inflated, as the archive says; checked when it is read.
        refusal: the sentence that says why it is not read, or "".
        passed_over: it is no photo but of this kind, and nobody asked for it.
        offset, stored_bytes, crc, is_deflated: where and how its bytes are.
    """

    name: str
    size_bytes: int
    refusal: str
    passed_over: str
    offset: int
    stored_bytes: int
    crc: int
    is_deflated: bool


def read_directory(
    file: BinaryIO,
    limits: ArchiveLimits,
    passed_over: PassedOver,
    encoding: str | None = None,
    kind_of_other: Callable[[str, Callable[[], bytes]], str] = other_kind,
) -> tuple[ArchiveEntry, ...]:
    """Return the photos of an archive, and what stands in the place of one.

    Folders, and the companions that systems add, are left out.

    Args:
        file: the archive.
        limits: what is taken of it.
        passed_over: counts what is no photo.
        encoding: of names that do not say it; guessed where None.
        kind_of_other: "" for what is wanted, such as photos; see `other_kind`.

    Raises:
        ArchiveError: it is no ZIP file, or one that is refused as a whole.
    """
    infos, offset = _directory(file, limits)
    for info, name in zip(infos, entry_names(infos, encoding), strict=True):
        info.filename = name
    _check_names(infos)
    _check_places(infos, offset)
    kinds = {
        id(info): ""
        if is_archive(info.filename)
        else kind_of_other(info.filename, partial(_head, file, info))
        for info in infos
        if not (info.filename.endswith("/") or is_companion(PurePosixPath(info.filename)))
    }
    passed_over.update(kind for kind in kinds.values() if kind)
    # What nobody would take for a photo is counted, and no more.
    infos = [info for info in infos if not (kind := kinds.get(id(info), "-")) or is_known(kind)]
    _check_sizes([i for i in infos if not kinds[id(i)] and not is_archive(i.filename)], limits)
    return tuple(_entries([(info, kinds[id(info)]) for info in infos], limits))


class _BoundedReader(io.RawIOBase):
    """A file of which no more is read at once than a directory may have."""

    def __init__(self, file: BinaryIO, max_bytes: int) -> None:
        self._file = file
        self._max_bytes = max_bytes

    def read(self, size: int | None = -1) -> bytes:
        here = self._file.tell()
        left = self._file.seek(0, io.SEEK_END) - here
        self._file.seek(here)
        if min(left if size is None or size < 0 else size, left) > self._max_bytes:
            raise ArchiveError(
                "The ZIP file has a larger directory than any with so many entries as are "
                "taken: pack fewer into one."
            )
        return self._file.read(-1 if size is None else size)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True


def _directory(file: BinaryIO, limits: ArchiveLimits) -> tuple[list[zipfile.ZipInfo], int]:
    most = max(_LEAST_DIRECTORY_BYTES, limits.max_entries * _DIRECTORY_BYTES_PER_ENTRY)
    try:
        # Each entry becomes an object of some 800 bytes, so the directory is bounded first.
        with zipfile.ZipFile(_BoundedReader(file, most)) as archive:
            infos, offset = archive.infolist(), archive.start_dir
    except ArchiveError:
        raise
    # zipfile meets broken directories with whatever the broken field causes.
    except Exception as error:
        raise ArchiveError("This is not a ZIP file that can be read: pack it again.") from error
    if len(infos) > limits.max_entries:
        raise ArchiveError(
            "The ZIP file has {n} entries, more than the limit of {most}: pack fewer into one.",
            n=len(infos),
            most=limits.max_entries,
        )
    return infos, offset


def _check_names(infos: list[zipfile.ZipInfo]) -> None:
    for info in infos:
        if _LEADS_OUT.search(info.orig_filename) or _LEADS_OUT.search(info.filename):
            raise ArchiveError(
                "The ZIP file has an entry whose name leads to another folder than its own, as "
                "in one that was made to do harm: it is not read."
            )


def _check_places(infos: list[zipfile.ZipInfo], directory_offset: int) -> None:
    # Entries that share bytes make a small file of any inflated size (David Fifield,
    # "A better zip bomb", WOOT 2019).
    ordered = sorted(infos, key=lambda info: info.header_offset)
    starts = [*(info.header_offset for info in ordered), directory_offset]
    for info, (start, following) in zip(ordered, itertools.pairwise(starts), strict=True):
        if start < 0 or start + _LOCAL_HEADER.size + info.compress_size > following:
            raise ArchiveError(
                "The ZIP file is a bomb or broken: an entry shares its bytes with something "
                "else. It is not read."
            )


def stored_chunks(file: BinaryIO, offset: int, stored_bytes: int) -> Iterator[bytes]:
    """Return an entry's bytes as they are in the archive; none where it has no header there."""
    file.seek(offset)
    header = file.read(_LOCAL_HEADER.size)
    if len(header) == _LOCAL_HEADER.size:
        signature, name_bytes, extra_bytes = _LOCAL_HEADER.unpack(header)
        if signature == _LOCAL_SIGNATURE:
            file.seek(name_bytes + extra_bytes, io.SEEK_CUR)
            left = stored_bytes
            while left and (chunk := file.read(min(_CHUNK_BYTES, left))):
                left -= len(chunk)
                yield chunk


def _head(file: BinaryIO, info: zipfile.ZipInfo) -> bytes:
    """Return an entry's first bytes, inflated; b"" where they cannot be had."""
    if info.flag_bits & _ENCRYPTED:
        return b""
    # Deflated bytes may hold as many as these, or a thousand times more: no more is made.
    stored = next(stored_chunks(file, info.header_offset, min(info.compress_size, 4096)), b"")
    if info.compress_type != zipfile.ZIP_DEFLATED:
        return stored if info.compress_type == zipfile.ZIP_STORED else b""
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(stored, HEAD_BYTES)
    except zlib.error:
        return b""


def _refusals(info: zipfile.ZipInfo, limits: ArchiveLimits, *, is_duplicate: bool) -> Iterator[str]:
    if is_archive(info.filename):
        yield Text("This is an archive within an archive, which is not opened: unpack it first.")
    if is_duplicate:
        yield Text("The ZIP file has an entry of this name already: give each its own.")
    if info.flag_bits & _ENCRYPTED:
        yield Text("This entry of the ZIP file is encrypted: pack it without a password.")
    if stat.S_ISLNK(info.external_attr >> 16):
        yield Text("This entry of the ZIP file is a link to another file: pack the file itself.")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        yield Text(
            "This entry of the ZIP file is packed by a method that is not read: pack it as an "
            "ordinary ZIP file (deflate)."
        )
    if info.compress_type == zipfile.ZIP_STORED and info.compress_size != info.file_size:
        yield Text("This entry of the ZIP file is damaged (its sizes differ): pack it again.")
    if info.file_size > limits.max_entry_bytes:
        size, most = map(data_size, (info.file_size, limits.max_entry_bytes))
        yield Text(
            "This entry of the ZIP file has {size}, more than the limit of {most}: make it "
            "smaller.",
            size=size,
            most=most,
        )


def _check_sizes(photos: list[zipfile.ZipInfo], limits: ArchiveLimits) -> None:
    for info in photos:
        ratio = info.file_size / max(1, info.compress_size)
        if info.file_size >= _RATIO_COUNTS_FROM_BYTES and ratio > limits.max_ratio:
            raise ArchiveError(
                "The ZIP file is a bomb: an entry would inflate to {ratio:.0f} times its "
                "size, as no photo does. It is not read.",
                ratio=ratio,
            )
    taken = [info for info in photos if info.file_size <= limits.max_entry_bytes]
    total = sum(info.file_size for info in taken)
    stored = sum(info.compress_size for info in taken)
    if total >= _RATIO_OF_ALL_COUNTS_FROM_BYTES and total > stored * limits.max_ratio:
        raise ArchiveError(
            "The ZIP file is a bomb: all together would inflate to {ratio:.0f} times "
            "their size, as no photos do. It is not read.",
            ratio=total / max(1, stored),
        )
    if total > limits.max_total_bytes:
        raise ArchiveError(
            "The photos in the ZIP file would take {size} inflated, more than the limit of "
            "{limit}: pack fewer into one.",
            size=data_size(total),
            limit=data_size(limits.max_total_bytes),
        )


def _entries(
    infos: list[tuple[zipfile.ZipInfo, str]], limits: ArchiveLimits
) -> Iterator[ArchiveEntry]:
    seen: Counter[str] = Counter()
    taken = {info.filename for info, _ in infos}
    for info, kind in infos:
        seen[info.filename] += 1
        is_duplicate = seen[info.filename] > 1
        name = unique_name(info.filename, taken) if is_duplicate else info.filename
        taken.add(name)
        refusals = _refusals(info, limits, is_duplicate=is_duplicate)
        over = Text("Passed over: {why}", why=what_to_do(kind))
        yield ArchiveEntry(
            name=name,
            size_bytes=info.file_size,
            refusal=over if kind else next(refusals, ""),
            passed_over=kind,
            offset=info.header_offset,
            stored_bytes=info.compress_size,
            crc=info.CRC,
            is_deflated=info.compress_type == zipfile.ZIP_DEFLATED,
        )
