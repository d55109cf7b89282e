"""Reading photos out of ZIP files that strangers made; nothing is ever extracted to disk.

An archive that was made to do harm is refused as a whole: one that would inflate to
far more than it is, whose entries share bytes, whose names lead out of a folder, or
that has too many entries. An entry that just cannot be read costs only itself.

`directory` reads what an archive says of itself, `archive` inflates its entries. The
format: APPNOTE.TXT 6.3.10 by PKWARE.
"""

from facecore.sources.archive import PhotoArchive
from facecore.sources.archive_directory import MAX_PHOTO_BYTES, ArchiveEntry, ArchiveLimits

ARCHIVE_SUFFIX = ".zip"

__all__ = ["ARCHIVE_SUFFIX", "MAX_PHOTO_BYTES", "ArchiveEntry", "ArchiveLimits", "PhotoArchive"]
