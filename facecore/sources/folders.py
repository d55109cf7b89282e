"""Finding the photos of a batch, one after the other, without opening any."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from facecore.errors import ArchiveError, FacecoreError, ImageError
from facecore.imaging.kinds import HEAD_BYTES, VIDEO_SUFFIXES, kind_of
from facecore.sources.archive import ARCHIVE_SUFFIX, PhotoArchive
from facecore.sources.archive_directory import ArchiveLimits
from facecore.sources.photo import Photo
from facecore.sources.sorting import (
    COMPANION_FOLDERS,
    PassedOver,
    in_words,
    is_video,
    other_kind,
    photo_or_video,
    sorted_photo,
)
from facecore.sources.stores import MAX_PHOTO_BYTES, Address, listed
from facecore.wording import Text, data_size


def find_photos(
    paths: Iterable[Path | str],
    *,
    recursive: bool = False,
    zip_encoding: str | None = None,
    passed_over: PassedOver | None = None,
    videos: bool = False,
) -> Iterator[Photo]:
    """Find photos: each file as it is, each folder's photos in the order of their names.

    A ZIP file that is named gives the photos in it; one in a folder is passed over. A
    folder or a ZIP file without photos, or one that cannot be looked into, is a problem.

    Args:
        paths: files, folders and ZIP files; text is an address in a store.
        recursive: look into folders within folders as well; links to folders are
            not followed.
        zip_encoding: of names in ZIP files that do not say it; guessed where None.
        passed_over: counts what is no photo in folders and ZIP files.
        videos: find videos as well.
    """
    passed_over = PassedOver() if passed_over is None else passed_over
    for path in paths:
        if isinstance(path, str):
            yield from _photos_of_store(path, recursive, zip_encoding, passed_over, videos)
        elif _is(Path.is_dir, path):
            yield from _photos_of_folder(path, recursive, passed_over, videos)
        elif _is(Path.is_file, path) and is_archive(path.name, partial(_head, path)):
            yield from photos_of_archive(
                str(path),
                partial(_opened, path),
                encoding=zip_encoding,
                passed_over=passed_over,
                videos=videos,
            )
        else:
            there = _is(Path.is_file, path)
            film = videos and there and is_video(path.name, partial(_head, path))
            read = partial(read_photo, path)
            yield Photo(name=str(path), read=read, problem=not there, is_video=film)


def is_archive(name: str, head: Callable[[], bytes]) -> bool:
    """Return whether a file is a ZIP file of photos, by its suffix or, without one, its content."""
    suffix = PurePosixPath(name).suffix.lower()
    return suffix == ARCHIVE_SUFFIX or (not suffix and kind_of(head()) == "ZIP")


def photos_of_archive(  # noqa: PLR0913 - what there is to know of an archive
    name: str,
    open_file: Callable[[], BinaryIO],
    limits: ArchiveLimits | None = None,
    *,
    encoding: str | None = None,
    passed_over: PassedOver | None = None,
    videos: bool = False,
) -> Iterator[Photo]:
    """Find the photos in a ZIP file, in its own order, each as if the file were a folder.

    A file that is refused as a whole, or has no photos, is a problem.

    Args:
        name: of the ZIP file.
        open_file: opens it; each use closes its own.
        limits: those of `facecore.sources.archive.PhotoArchive` where None.
        encoding: of names that do not say it; guessed where None.
        passed_over: counts what is no photo.
        videos: find videos as well: those that are named so.
    """
    kind_of_other = photo_or_video if videos else other_kind
    try:
        archive = PhotoArchive(open_file, limits, encoding, kind_of_other=kind_of_other)
    except ArchiveError as error:
        yield _problem(name, error)
        return
    if passed_over is not None:
        passed_over.update(archive.passed_over)
    for entry in archive.entries:
        yield Photo(
            name=f"{name}/{entry.name}",
            read=partial(archive.read, entry),
            problem=bool(entry.passed_over),
            passed_over=entry.passed_over,
            is_video=videos and PurePosixPath(entry.name).suffix.lower() in VIDEO_SUFFIXES,
        )
    if all(entry.passed_over for entry in archive.entries):
        words = _behind(Text("This ZIP file has no photos in it"), archive.passed_over)
        yield _problem(name, ImageError(words))


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
                "This file has {size}, more than the limit of {limit}: make it smaller.",
                size=data_size(size),
                limit=data_size(max_bytes),
            )
        return path.read_bytes()
    except (FileNotFoundError, ValueError):  # ValueError: the name has a zero byte
        raise ImageError("There is no such file: check the name.") from None
    except OSError as error:
        raise ImageError(_cannot_be_read(Text("file"), error)) from error


def _head(path: Path) -> bytes:
    try:
        # What is no regular file may never give a byte.
        if not path.is_file():
            return b""
        with path.open("rb") as file:
            return file.read(HEAD_BYTES)
    except (OSError, ValueError):
        return b""


def _opened(path: Path) -> BinaryIO:
    return path.open("rb")


def _is(kind: Callable[[Path], bool], path: Path) -> bool:
    try:
        return kind(path)
    except OSError:
        return False  # such as a name that is too long: reading it tells


def _photos_of_folder(
    folder: Path, recursive: bool, passed_over: PassedOver, videos: bool
) -> Iterator[Photo]:
    found = False
    here = PassedOver()
    for photo in _walk(folder, recursive, here, videos):
        found = found or not photo.passed_over
        yield photo
    passed_over.update(here)
    if not found:
        words = (
            Text("This folder has no photos in it")
            if recursive
            else Text("This folder has no photos right in it")
        )
        yield _problem(str(folder), ImageError(_behind(words, here)))


def _photos_of_store(
    url: str, recursive: bool, zip_encoding: str | None, passed_over: PassedOver, videos: bool
) -> Iterator[Photo]:
    found = False
    here = PassedOver()
    try:
        for address in listed(url, recursive=recursive):
            photo = Photo(name=address.url, read=address.read, key=address.key, address=address)
            if address.url == url:  # named by itself, as a file
                found = True
                if is_archive(url, bytes):
                    yield from photos_of_archive(
                        url,
                        address.opened,
                        encoding=zip_encoding,
                        passed_over=passed_over,
                        videos=videos,
                    )
                else:
                    yield replace(photo, is_video=videos and is_video(url, bytes))
            # The name alone decides: a look into each would cost a request.
            elif one := sorted_photo(photo, _named(address), bytes, here, videos=videos):
                found = found or not one.passed_over
                yield one
    except ImageError as error:
        found = True
        yield _problem(url, error)
    passed_over.update(here)
    if not found:
        words = (
            Text("This address has no photos below it")
            if recursive
            else Text("This address has no photos right below it")
        )
        yield _problem(url, ImageError(_behind(words, here)))


def _named(address: Address) -> str:
    name = address.url.rpartition("/")[2]
    return name if PurePosixPath(name).suffix else f"{name}.jpg"


def _behind(sentence: str, passed_over: PassedOver) -> str:
    words = in_words(passed_over)
    if not words:
        return Text("{sentence}: name another one.", sentence=sentence)
    return Text("{sentence} ({why}): name another one.", sentence=sentence, why=words)


def _walk(folder: Path, recursive: bool, passed_over: PassedOver, videos: bool) -> Iterator[Photo]:
    unreadable: list[OSError] = []
    for place, folders, files in os.walk(folder, onerror=unreadable.append):
        folders[:] = sorted(set(folders) - {*COMPANION_FOLDERS}) if recursive else []
        for name in sorted(files):
            path = Path(place, name)
            found = Photo(name=str(path), read=partial(read_photo, path))
            head = partial(_head, path)
            if photo := sorted_photo(found, name, head, passed_over, videos=videos):
                yield photo
        while unreadable:
            yield _unreadable(unreadable.pop())
    while unreadable:
        yield _unreadable(unreadable.pop())


def _unreadable(error: OSError) -> Photo:
    return _problem(error.filename, ImageError(_cannot_be_read(Text("folder"), error)))


def _problem(name: str, error: FacecoreError) -> Photo:
    def tell() -> bytes:
        raise error

    return Photo(name=name, read=tell, problem=True)


def _cannot_be_read(what: Text, error: OSError) -> str:
    return Text(
        "The {what} cannot be read ({reason}): check its permissions.",
        what=what,
        reason=error.strerror or type(error).__name__,
    )
