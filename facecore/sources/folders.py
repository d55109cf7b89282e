"""Finding the photos of a batch, one after the other, without opening any."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

from facecore.errors import ArchiveError, FacecoreError, ImageError
from facecore.imaging.kinds import PHOTO_SUFFIXES
from facecore.sources.archive import ARCHIVE_SUFFIX, PhotoArchive
from facecore.sources.archive_directory import MAX_PHOTO_BYTES, ArchiveLimits
from facecore.sources.photo import Photo
from facecore.wording import data_size


def find_photos(paths: Iterable[Path], *, recursive: bool = False) -> Iterator[Photo]:
    """Find photos by name: each file as it is, each folder's photos in the order of their names.

    A ZIP file that is named gives the photos in it; one in a folder is passed over. A
    folder or a ZIP file without photos, or one that cannot be looked into, is a problem.

    Args:
        paths: files, folders and ZIP files.
        recursive: look into folders within folders as well; links to folders are
            not followed.
    """
    for path in paths:
        if _is(Path.is_dir, path):
            yield from _photos_of_folder(path, recursive)
        elif path.suffix.lower() == ARCHIVE_SUFFIX and _is(Path.is_file, path):
            yield from photos_of_archive(str(path), partial(_opened, path))
        else:
            there = _is(Path.is_file, path)
            yield Photo(name=str(path), read=partial(read_photo, path), problem=not there)


def photos_of_archive(
    name: str, open_file: Callable[[], BinaryIO], limits: ArchiveLimits | None = None
) -> Iterator[Photo]:
    """Find the photos in a ZIP file, in its own order, each as if the file were a folder.

    A file that is refused as a whole, or has no photos, is a problem.

    Args:
        name: of the ZIP file.
        open_file: opens it; each use closes its own.
        limits: those of `facecore.sources.archive.PhotoArchive` where None.
    """
    try:
        archive = PhotoArchive(open_file, limits)
    except ArchiveError as error:
        yield _problem(name, error)
        return
    for entry in archive.entries:
        yield Photo(name=f"{name}/{entry.name}", read=partial(archive.read, entry))
    if not archive.entries:
        yield _problem(name, ImageError("This ZIP file has no photos in it: name another one."))


def read_photo(path: Path, *, max_bytes: int = MAX_PHOTO_BYTES) -> bytes:
    """Return a photo's bytes.

    Raises:
        ImageError: it cannot be read, is no regular file, or is larger than that.
    """
    try:
        if path.is_dir():
            raise ImageError("This is a folder: name a photo.")
        if path.exists() and not path.is_file():
            raise ImageError("This is not a regular file: name a photo.")
        size = path.stat().st_size
        if size > max_bytes:
            raise ImageError(
                f"This file has {data_size(size)}, more than the limit of {data_size(max_bytes)}: "
                "make it smaller."
            )
        return path.read_bytes()
    except (FileNotFoundError, ValueError):  # ValueError: the name has a zero byte
        raise ImageError("There is no such file: check the name.") from None
    except OSError as error:
        raise ImageError(_cannot_be_read("file", error)) from error


def _opened(path: Path) -> BinaryIO:
    return path.open("rb")


def _is(kind: Callable[[Path], bool], path: Path) -> bool:
    try:
        return kind(path)
    except OSError:
        return False  # such as a name that is too long: reading it tells


def _photos_of_folder(folder: Path, recursive: bool) -> Iterator[Photo]:
    found = False
    for photo in _walk(folder, recursive):
        found = True
        yield photo
    if not found:
        where = "in it" if recursive else "right in it"
        sentence = f"This folder has no photos {where}: name another one."
        yield _problem(str(folder), ImageError(sentence))


def _walk(folder: Path, recursive: bool) -> Iterator[Photo]:
    unreadable: list[OSError] = []
    for place, folders, files in os.walk(folder, onerror=unreadable.append):
        folders[:] = sorted(folders) if recursive else []
        for name in sorted(files):
            path = Path(place, name)
            if path.suffix.lower() in PHOTO_SUFFIXES:
                yield Photo(name=str(path), read=partial(read_photo, path))
        while unreadable:
            yield _unreadable(unreadable.pop())
    while unreadable:
        yield _unreadable(unreadable.pop())


def _unreadable(error: OSError) -> Photo:
    return _problem(error.filename, ImageError(_cannot_be_read("folder", error)))


def _problem(name: str, error: FacecoreError) -> Photo:
    def tell() -> bytes:
        raise error

    return Photo(name=name, read=tell, problem=True)


def _cannot_be_read(what: str, error: OSError) -> str:
    return (
        f"The {what} cannot be read ({error.strerror or type(error).__name__}): "
        "check its permissions."
    )
