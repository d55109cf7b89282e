"""Copies of photos with the faces drawn, in a folder that somebody named."""

from __future__ import annotations

import os
from pathlib import Path

from facecore.errors import FacecoreError, SettingsError
from facecore.images import BgrImage, encode_png

_LONGEST_STEM_BYTES = 200


def make_folder(folder: Path) -> None:
    """Make a folder where there is none, and see that it can be written to.

    Raises:
        SettingsError: it cannot be had.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"{folder} cannot be made a folder ({error.strerror}): name another one."
        ) from error
    if not os.access(folder, os.W_OK):
        raise SettingsError(f"{folder} cannot be written to: name another folder.")


def write_annotated(folder: Path, name: str, image: BgrImage) -> None:
    """Write a drawn photo into a folder under a name that is free there.

    Raises:
        FacecoreError: it cannot be written.
    """
    # With what is added, a name must fit into 255 bytes.
    stem = os.fsencode(Path(name).stem)[:_LONGEST_STEM_BYTES].decode("utf-8", "ignore")
    target = folder / f"{stem}.annotated.png"
    number = 2
    while target.exists():
        target = folder / f"{stem}.annotated-{number}.png"
        number += 1
    aside = folder / f".{target.name}.{os.getpid()}.part"
    try:
        # In a container a killed process and its successor have the same number.
        aside.unlink(missing_ok=True)
        with aside.open("xb") as file:
            file.write(encode_png(image))
        aside.replace(target)
    except BaseException as error:
        aside.unlink(missing_ok=True)
        if not isinstance(error, OSError):
            raise
        raise FacecoreError(
            f"{target} cannot be written ({error.strerror}): free some space or name "
            "another folder."
        ) from error
