"""Photos that a command is given by name."""

from __future__ import annotations

from pathlib import Path

from facecore.errors import ImageError


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


def valid_text(path: Path | str) -> str:
    """Give a name as text that JSON can hold; letters that are no valid text become ?."""
    return str(path).encode("utf-8", "replace").decode("utf-8")


def printable(path: Path | str) -> str:
    """Give a name as one line for a terminal, which no control character may steer."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in valid_text(path))
