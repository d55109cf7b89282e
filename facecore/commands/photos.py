"""Photos that a command is given by name."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from facecore.errors import ImageError
from facecore.images import ACCEPTED_SUFFIXES


def photos_in(paths: Iterable[str]) -> list[Path]:
    """Replace each folder by the photos right in it; one without any stays, to be reported."""
    return [file for path in map(Path, paths) for file in _right_in(path) or [path]]


def read_photo(path: Path) -> bytes:
    """Give a photo's bytes.

    Raises:
        ImageError: it cannot be read, or is no regular file.
    """
    try:
        if path.is_dir():
            raise ImageError("This folder has no photos right in it: name another one.")
        if path.exists() and not path.is_file():
            raise ImageError("This is not a regular file: name a photo.")
        return path.read_bytes()
    except (FileNotFoundError, ValueError):  # ValueError: the name has a zero byte
        raise ImageError("There is no such file: check the name.") from None
    except OSError as error:
        raise ImageError(
            f"The file cannot be read ({error.strerror or type(error).__name__}): "
            "check its permissions."
        ) from error


def _right_in(path: Path) -> list[Path]:
    try:
        return sorted(
            p for p in path.iterdir() if p.suffix.lower() in ACCEPTED_SUFFIXES and not p.is_dir()
        )
    except OSError:
        return []  # a file, or nothing that can be looked into: reading it tells


def valid_text(path: Path | str) -> str:
    """Give a name as text that JSON can hold; letters that are no valid text become ?."""
    return str(path).encode("utf-8", "replace").decode("utf-8")


def printable(path: Path | str) -> str:
    """Give a name as one line for a terminal, which no control character may steer."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in valid_text(path))
