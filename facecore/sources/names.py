"""Names of photos as text that can be shown and stored."""

from __future__ import annotations

import os
from pathlib import Path


def valid_text(path: Path | str) -> str:
    """Return a name as text that JSON can hold; letters that are no valid text become ?."""
    return str(path).encode("utf-8", "replace").decode("utf-8")


def printable(path: Path | str) -> str:
    """Return a name as one line for a terminal, which no control character may steer."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in valid_text(path))


def full_name(name: str) -> str:
    """Return a photo's name from the root on, however it was reached."""
    # A Path would take two names of a ZIP file, a//b and a/b, for one.
    return os.path.join(Path.cwd(), name)  # noqa: PTH118
