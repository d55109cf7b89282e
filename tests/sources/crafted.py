"""ZIP files made byte by byte, so that each of their fields can lie."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

DEFLATED, STORED = 8, 0
UTF_8 = 0x800


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An entry of an archive; what is None is as it should be."""

    name: str
    data: bytes = b"photo"
    method: int = DEFLATED
    flags: int = UTF_8
    attributes: int = 0
    extra: bytes = b""
    size: int | None = None
    stored_size: int | None = None
    crc: int | None = None
    offset: int | None = None
    stored: bytes | None = None
    signature: bytes = b"PK\x03\x04"
    raw_name: bytes | None = None

    @property
    def packed(self) -> bytes:
        """The entry's bytes in the archive."""
        if self.stored is not None:
            return self.stored
        return deflated(self.data) if self.method == DEFLATED else self.data

    @property
    def name_bytes(self) -> bytes:
        """The name as it is in the archive."""
        return self.name.encode() if self.raw_name is None else self.raw_name

    def fields(self) -> bytes:
        """The part that the local header and the directory have in common."""
        return struct.pack(
            "<HHHHHIIIHH",
            *(20, self.flags, self.method, 0, 0x21),
            zlib.crc32(self.data) if self.crc is None else self.crc,
            len(self.packed) if self.stored_size is None else self.stored_size,
            len(self.data) if self.size is None else self.size,
            *(len(self.name_bytes), len(self.extra)),
        )

    def local_header(self) -> bytes:
        """What stands before the entry's bytes."""
        return self.signature + self.fields() + self.name_bytes + self.extra

    def directory_entry(self, offset: int) -> bytes:
        """What stands in the directory."""
        return (
            b"PK\x01\x02\x14\x03"
            + self.fields()
            + struct.pack("<HHHII", 0, 0, 0, self.attributes, offset)
            + self.name_bytes
            + self.extra
        )


def deflated(data: bytes) -> bytes:
    """Deflate without any header."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def archive(entries: Sequence[Entry]) -> bytes:
    """Return a ZIP file with these entries."""
    body = b""
    directory = b""
    for entry in entries:
        offset = len(body) if entry.offset is None else entry.offset
        directory += entry.directory_entry(offset)
        body += entry.local_header() + entry.packed
    return with_directory(body, directory, len(entries))


def with_directory(body: bytes, directory: bytes, count: int) -> bytes:
    """Put a directory and its end behind the entries."""
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, count, count, len(directory), len(body), 0)
    return body + directory + end


def quoted_overlap(count: int, kernel: bytes) -> bytes:
    """Return a bomb in which each entry quotes the headers of all that follow it.

    The method is David Fifield's: a stored block of deflate holds the next local
    header, so that every entry ends with the same kernel.
    """
    packed, data = deflated(kernel), kernel
    body = b""
    made: list[tuple[Entry, int]] = []
    for number in reversed(range(count)):
        if body:
            header = made[-1][0].local_header()
            quote = struct.pack("<BHH", 0, len(header), len(header) ^ 0xFFFF)
            packed, data = quote + header + packed, header + data
            body = quote + body
        entry = Entry(name=f"{number}.jpg", data=data, stored=packed)
        body = entry.local_header() + body if body else entry.local_header() + packed
        made.append((entry, len(body)))
    directory = b"".join(
        entry.directory_entry(len(body) - from_end) for entry, from_end in reversed(made)
    )
    return with_directory(body, directory, count)


def zip64(entry: Entry, *, size: int, stored_size: int, offset: int) -> Entry:
    """Return an entry whose sizes and place are told by the 64-bit extra field alone."""
    extra = struct.pack("<HHQQQ", 1, 24, size, stored_size, offset)
    return replace(entry, extra=extra, size=0xFFFFFFFF, stored_size=0xFFFFFFFF, offset=0xFFFFFFFF)
