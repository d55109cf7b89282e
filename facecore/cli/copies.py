"""Copies of photos with the faces drawn, in a folder that somebody named."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from glob import escape
from itertools import groupby
from pathlib import Path
from typing import Any

from facecore.batch.journal import Journal
from facecore.errors import BatchError, FacecoreError, SettingsError
from facecore.export import PhotoRow, Row
from facecore.imaging.decoding import BgrImage, encode_png
from facecore.machine.new_file import give_name, write_aside
from facecore.sources.names import full_name, printable, valid_text
from facecore.sources.photo import Photo
from facecore.video.annotated import SUFFIX, write_annotated
from facecore.video.frames import video_of
from facecore.video.tracks import films, with_tracks
from facecore.wording import _

_LONGEST_STEM_BYTES = 200
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


def check_not_read(folder: Path, paths: Sequence[Path | str], *, recursive: bool) -> None:
    """See that a batch would not find its own copies when it goes on.

    Raises:
        SettingsError: the folder of the copies is one that is read.
    """
    place = Path(os.path.realpath(folder))
    for path in paths:
        if isinstance(path, str):
            continue  # in a store
        read = Path(os.path.realpath(path))
        if place == read or (recursive and read in place.parents):
            raise SettingsError(
                "The copies in {name} would be read themselves after a stop: name a "
                "folder for them that is not in {other}.",
                name=printable(folder),
                other=printable(path),
            )


def make_folder(folder: Path) -> None:
    """Make a folder where there is none, and see that it can be written to.

    Raises:
        SettingsError: it cannot be had.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            "{folder} cannot be made a folder ({reason}): name another one.",
            folder=folder,
            reason=error.strerror,
        ) from error
    if not os.access(folder, os.W_OK):
        raise SettingsError("{folder} cannot be written to: name another folder.", folder=folder)


def write_copy(folder: Path, name: str, image: BgrImage) -> None:
    """Write a drawn photo into a folder under a name that is free there.

    Raises:
        FacecoreError: it cannot be written.
    """
    while True:
        place = _free_place(folder, name)
        with contextlib.suppress(FileExistsError):
            return _write(place, image, own=False)


class BatchCopies:
    """Drawn copies of a batch's photos: one each, through any number of stops."""

    def __init__(self, folder: Path, journal: Journal) -> None:
        self._folder = folder.absolute()
        self._journal = journal

    def write(self, name: str, image: BgrImage) -> None:
        """Write a drawn photo into the folder, in the place of one that a stop cut off.

        Raises:
            BatchError: the disk is full, or the journal cannot be written.
            FacecoreError: this copy cannot be written.
        """
        photo = full_name(name)
        place = Path(self._journal.copy_of(photo) or "/")
        own = place.parent == self._folder
        if own:
            _remove_unfinished(place)
        else:
            place = _free_place(self._folder, name)
            self._journal.note_copy(photo, str(place))
        try:
            _write(place, image, own=own)
        except FileExistsError:
            # Somebody took the name between the look and the writing.
            self._journal.note_copy(photo, "")
            self.write(name, image)
        except FacecoreError as error:
            if isinstance(error.__cause__, OSError) and error.__cause__.errno in _DISK_FULL:
                # All photos that follow would have this error in their rows.
                raise BatchError(
                    "{error} The same command goes on from here.", error=error
                ) from error
            raise


def _free_place(folder: Path, name: str) -> Path:
    # With what is added, a name must fit into 255 bytes; and a copy is never hidden.
    # Of a video's frame the whole name: behind the last dot are the parts of its second.
    short = Path(name).name if video_of(name) else Path(name).stem
    shown = valid_text(short).replace("\\", "_").lstrip(".") or "photo"
    stem = shown.encode()[:_LONGEST_STEM_BYTES].decode("utf-8", "ignore")
    place = folder / f"{stem}.annotated.png"
    number = 2
    while os.path.lexists(place):
        place = folder / f"{stem}.annotated-{number}.png"
        number += 1
    return place


def _write(place: Path, image: BgrImage, *, own: bool) -> None:
    aside = place.with_name(f".{place.name}.{os.getpid()}.part")
    try:
        write_aside(aside, lambda file: file.write(encode_png(image)))
        if own:
            aside.replace(place)
        else:
            give_name(aside, place)
    except FileExistsError:
        raise
    except OSError as error:
        raise FacecoreError(
            "{place} cannot be written ({reason}): free some space or name another folder.",
            place=place,
            reason=error.strerror,
        ) from error
    finally:
        aside.unlink(missing_ok=True)


def _remove_unfinished(place: Path) -> None:
    for aside in place.parent.glob(f".{escape(place.name)}.*.part"):
        aside.unlink(missing_ok=True)


def write_films(
    folder: Path,
    videos: Iterable[Photo],
    rows: Iterable[Row],
    settings: Mapping[str, Any],
    max_pixels: int,
) -> None:
    """Write videos with their faces drawn into a folder; what has such a name there stays.

    Args:
        folder: where they go.
        videos: the files, among others.
        rows: all of a batch; of one video in the order of time.
        settings: that they were read with.
        max_pixels: likewise.
    """
    files = {valid_text(video.name): video for video in videos if video.is_video}
    named: Counter[str] = Counter()
    frames = (row for row in rows if isinstance(row, PhotoRow) and row.time_s is not None)
    for name, group in groupby(frames, lambda row: video_of(row.path)):
        stem = Path(name).name.encode()[-_LONGEST_STEM_BYTES:].decode("utf-8", "ignore")
        named[stem] += 1  # the same each time, as the rows are in the order of names
        number = f"-{named[stem]}" if named[stem] > 1 else ""
        place = folder / f"{stem}.annotated{number}{SUFFIX}"
        if os.path.lexists(place):
            there = _("{name} is there already and stays.", name=printable(place))
            print(there, file=sys.stderr)
            continue
        if name not in files:
            gone = _("{name} is not there any more and is not drawn.", name=printable(name))
            print(gone, file=sys.stderr)
            continue
        _write_film(place, files[name], list(group), settings, max_pixels)


def _write_film(
    place: Path,
    video: Photo,
    rows: Sequence[Row],
    settings: Mapping[str, Any],
    max_pixels: int,
) -> None:
    aside = place.with_name(f".{os.getpid()}.{place.name}")
    (film,) = films(rows, settings)
    numbered = [row for row in with_tracks(rows, settings) if isinstance(row, PhotoRow)]
    try:
        write_annotated(video, film, numbered, aside, max_pixels=max_pixels)
        aside.replace(place)
    except FacecoreError as error:
        said = _("error: {problem}", problem=error)
        print(f"{printable(video.name)}: {said}", file=sys.stderr)
    finally:
        aside.unlink(missing_ok=True)
