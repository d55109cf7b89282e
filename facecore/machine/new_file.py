"""Files that appear whole or not at all, and never in the place of somebody else's."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO


def write_aside(aside: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file under a name of its own, down to the disk; what is left of an old one goes.

    A link that somebody put there is removed, not followed.

    Raises:
        OSError: it cannot be written; nothing of it is left.
    """
    # In a container a killed process and its successor have the same number.
    aside.unlink(missing_ok=True)
    try:
        with aside.open("xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def give_name(aside: Path, path: Path) -> None:
    """Give a file that was written aside its own name; the name aside stays until it is removed.

    Raises:
        FileExistsError: something has that name already, and keeps it.
        OSError: it cannot be given.
    """
    try:
        os.link(aside, path, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:
        # A file system without hard links. Between the look and the move somebody may still
        # come; more it does not offer.
        if os.path.lexists(path):
            raise FileExistsError from None
        aside.replace(path)


def replace_file(path: Path, content: bytes) -> None:
    """Put a file there whole, instead of one that may be replaced; a device is written to.

    Raises:
        OSError: it cannot be written; what was there stays.
    """
    if path.exists() and not path.is_file():
        path.write_bytes(content)  # such as /dev/stdout
        return
    path = path.resolve()  # a link stays one
    aside = path.with_name(f".{path.name}.new")
    write_aside(aside, lambda file: file.write(content))
    aside.replace(path)


def is_same(aside: Path, path: Path) -> bool:
    """Return whether both names are there and of one file."""
    try:
        return aside.samefile(path)
    except OSError:
        return False
