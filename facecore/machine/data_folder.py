"""The folders for what can be made anew, which nobody needs, and for what cannot."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import logging
import os
import secrets
import sys
import time
from collections.abc import Callable
from pathlib import Path

from facecore.machine.new_file import write_aside

DATA_DIR_VARIABLE = "FACECORE_DATA_DIR"

_LOGGER = logging.getLogger(__name__)
_UNUSED_S = 30 * 24 * 3600


def data_folder() -> Path:
    """Return the folder; it need not be there yet.

    ``FACECORE_DATA_DIR`` where it is set, else "facecore" in the platform's folder for caches.

    Raises:
        OSError: there is no such folder for this user.
    """
    return _named() or _of_platform("~/Library/Caches", "XDG_CACHE_HOME", "~/.cache")


def state_folder() -> Path:
    """Return the folder for what cannot be made anew, such as a history; it need not be there.

    ``FACECORE_DATA_DIR`` where it is set, else "facecore" in the platform's folder for a
    program's state.

    Raises:
        OSError: there is no such folder for this user.
    """
    mac = "~/Library/Application Support"
    return _named() or _of_platform(mac, "XDG_STATE_HOME", "~/.local/state")


def _named() -> Path | None:
    named = os.environ.get(DATA_DIR_VARIABLE)
    return Path(named) if named else None


def _of_platform(mac: str, variable: str, usual: str) -> Path:
    if sys.platform == "win32":
        named = os.environ.get("LOCALAPPDATA", "")
    elif sys.platform == "darwin":
        named = mac
    else:
        named = os.environ.get(variable, "")
    try:
        # The specification says to ignore a path that is not absolute.
        folder = Path(named or usual).expanduser()
        return (folder if folder.is_absolute() else Path(usual).expanduser()) / "facecore"
    except RuntimeError as error:
        raise OSError("this user has no home") from error


def made_once(name: str, suffix: str, make: Callable[[], bytes]) -> Path | bytes:
    """Return a file's path; it is made where there is none that is whole.

    The hash of the contents is part of the file's name, and a file that has other contents
    is made anew. It is written aside and moved into place.

    Args:
        name: says all that the contents depend on; letters, digits, - and _.
        suffix: such as ".onnx".
        make: makes the contents.

    Returns:
        The contents themselves where the folder cannot be written, which is logged once.
    """
    try:
        folder = data_folder()
        found = _whole(folder, name, suffix)
    except OSError:
        found = None
    if found:
        return found
    contents = make()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _forget_unused(folder)
        return _written(folder / f"{name}-{hashlib.sha256(contents).hexdigest()}{suffix}", contents)
    except OSError as error:
        _tell_once(error.strerror or str(error))
        return contents


def _whole(folder: Path, name: str, suffix: str) -> Path | None:
    for path in sorted(folder.glob(f"{name}-*{suffix}")):
        with path.open("rb") as file:
            # Read whole, it would be in memory beside what an engine makes of it.
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if path.name == f"{name}-{digest}{suffix}":
            with contextlib.suppress(OSError):
                os.utime(path)  # it is in use: see _forget_unused
            return path
        with contextlib.suppress(OSError):
            path.unlink()
    return None


def _written(path: Path, contents: bytes) -> Path:
    # Threads and processes may make the same file at the same time.
    aside = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        write_aside(aside, lambda file: file.write(contents))
        return aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _forget_unused(folder: Path) -> None:
    """Delete what nobody asked for in a month, such as files of an older version."""
    for path in folder.iterdir():
        with contextlib.suppress(OSError):
            if path.is_file() and time.time() - path.stat().st_mtime > _UNUSED_S:
                path.unlink()


@functools.cache
def _tell_once(reason: str) -> None:
    _LOGGER.warning(
        "Converted networks cannot be kept (%s): they are made anew at every start; "
        "set %s to a folder that can be written.",
        reason,
        DATA_DIR_VARIABLE,
    )
