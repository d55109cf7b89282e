"""Names of photos as text that can be shown and stored."""

from __future__ import annotations

from pathlib import Path


def valid_text(path: Path | str) -> str:
    """Give a name as text that JSON can hold; letters that are no valid text become ?."""
    return str(path).encode("utf-8", "replace").decode("utf-8")


def printable(path: Path | str) -> str:
    """Give a name as one line for a terminal, which no control character may steer."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in valid_text(path))
