"""Names of photos: as text that can be shown and stored, and each told apart from the others."""

from __future__ import annotations

import os
from collections.abc import Container, Iterable
from pathlib import Path

from facecore.sources.stores import is_address


def valid_text(path: Path | str) -> str:
    r"""Return a name as text that JSON can hold; bytes that are no valid text become \xff."""
    try:
        return os.fsencode(path).decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # half a letter beyond what a file system's bytes become
        return str(path).encode("utf-8", "backslashreplace").decode("utf-8")


def printable(path: Path | str) -> str:
    """Return a name as one line for a terminal, which no control character may steer."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in valid_text(path))


def full_name(name: str) -> str:
    """Return a photo's name from the root on, however it was reached; an address is one."""
    if is_address(name):
        return name
    # A Path would take two names of a ZIP file, a//b and a/b, for one.
    return os.path.join(Path.cwd(), name)  # noqa: PTH118


def unique_name(name: str, taken: Container[str]) -> str:
    """Return a name that is not taken: the name itself, or with a number: a.jpg, a.jpg (2)."""
    unique, number = name, 2
    while unique in taken:
        unique, number = f"{name} ({number})", number + 1
    return unique


def unique_names(names: Iterable[str]) -> list[str]:
    """Return the names, those that occur again with a number, so that each can be told apart."""
    # As the keys of a dict they are found at once, and keep their order.
    unique: dict[str, None] = {}
    for name in names:
        unique[unique_name(name, unique)] = None
    return list(unique)
