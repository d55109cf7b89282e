"""Finding the photos of a batch, one after the other, without opening any."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from facecore.errors import ImageError
from facecore.images import ACCEPTED_SUFFIXES


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoFile:
    """A photo that was found.

    Attributes:
        name: its path as text; bytes of it that are no valid text are kept as
            lone surrogates, as Python does.
        read: gives the file's bytes, or raises a FacecoreError.
        problem: this stands for something that is no photo, and ``read`` says why.
    """

    name: str
    read: Callable[[], bytes]
    problem: bool = False


def find_photos(paths: Iterable[Path], *, recursive: bool = False) -> Iterator[PhotoFile]:
    """Find photos by name: each file as it is, each folder's photos in the order of their names.

    A folder without photos, or one that cannot be looked into, is a problem.

    Args:
        paths: files and folders.
        recursive: look into folders within folders as well; links to folders are
            not followed.
    """
    for path in paths:
        if _is(Path.is_dir, path):
            yield from _photos_of_folder(path, recursive)
        else:
            there = _is(Path.is_file, path)
            yield PhotoFile(name=str(path), read=partial(read_photo, path), problem=not there)


def read_photo(path: Path) -> bytes:
    """Give a photo's bytes.

    Raises:
        ImageError: it cannot be read, or is no regular file.
    """
    try:
        if path.is_dir():
            raise ImageError("This is a folder: name a photo.")
        if path.exists() and not path.is_file():
            raise ImageError("This is not a regular file: name a photo.")
        return path.read_bytes()
    except (FileNotFoundError, ValueError):  # ValueError: the name has a zero byte
        raise ImageError("There is no such file: check the name.") from None
    except OSError as error:
        raise ImageError(_cannot_be_read("file", error)) from error


def _is(kind: Callable[[Path], bool], path: Path) -> bool:
    try:
        return kind(path)
    except OSError:
        return False  # such as a name that is too long: reading it tells


def _photos_of_folder(folder: Path, recursive: bool) -> Iterator[PhotoFile]:
    found = False
    for photo in _walk(folder, recursive):
        found = True
        yield photo
    if not found:
        where = "in it" if recursive else "right in it"
        yield _problem(folder, f"This folder has no photos {where}: name another one.")


def _walk(folder: Path, recursive: bool) -> Iterator[PhotoFile]:
    unreadable: list[OSError] = []
    for place, folders, files in os.walk(folder, onerror=unreadable.append):
        folders[:] = sorted(folders) if recursive else []
        for name in sorted(files):
            path = Path(place, name)
            if path.suffix.lower() in ACCEPTED_SUFFIXES:
                yield PhotoFile(name=str(path), read=partial(read_photo, path))
        while unreadable:
            yield _unreadable(unreadable.pop())
    while unreadable:
        yield _unreadable(unreadable.pop())


def _unreadable(error: OSError) -> PhotoFile:
    return _problem(Path(error.filename), _cannot_be_read("folder", error))


def _problem(path: Path, sentence: str) -> PhotoFile:
    def tell() -> bytes:
        raise ImageError(sentence)

    return PhotoFile(name=str(path), read=tell, problem=True)


def _cannot_be_read(what: str, error: OSError) -> str:
    return (
        f"The {what} cannot be read ({error.strerror or type(error).__name__}): "
        "check its permissions."
    )
