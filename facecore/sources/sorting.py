"""Which files are photos: the content decides, and what is passed over is counted by its kind."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePosixPath

from facecore.errors import UnsupportedImageError
from facecore.imaging.kinds import (
    MORE_PHOTO_SUFFIXES,
    PHOTO_SUFFIXES,
    VIDEO_SUFFIXES,
    container_of,
    is_known,
    is_raw,
    is_read,
    kind_of,
    what_to_do,
)
from facecore.sources.photo import Photo
from facecore.wording import Text, listed

PassedOver = Counter[str]
"""How many files of each kind were passed over: "HEIC", "PDF", "TXT" …"""

COMPANION_FOLDERS = ("__MACOSX", "@eaDir")
_COMPANIONS = ("thumbs.db", "ehthumbs.db", "desktop.ini", ".ds_store")
_LABEL = re.compile(r"\.[A-Za-z0-9]{1,5}")
_MOST_KINDS = 8


def is_companion(path: PurePosixPath) -> bool:
    """Return whether systems put a file of this name beside photos by themselves."""
    is_beside = path.name.startswith("._") or path.name.lower() in _COMPANIONS
    return is_beside or any(part in COMPANION_FOLDERS for part in path.parts)


def other_kind(name: str, head: Callable[[], bytes]) -> str:
    """Return "" for a photo, else what the file is: its kind, or its suffix in capitals.

    Args:
        name: of the file.
        head: returns its first `HEAD_BYTES`; asked only where the name leaves a doubt.
    """
    suffix = PurePosixPath(name).suffix
    if suffix.lower() in PHOTO_SUFFIXES:
        return ""
    kind = kind_of(head())
    if is_raw(suffix):
        return "RAW"
    if is_read(kind) or (not kind and suffix.lower() in MORE_PHOTO_SUFFIXES):
        return ""
    if is_known(kind) and not (kind == "ZIP" and suffix.lower() not in ("", ".zip")):
        return kind
    return suffix[1:].upper() if _LABEL.fullmatch(suffix) else "other"


def is_video(name: str, head: Callable[[], bytes]) -> bool:
    """Return whether a file is a video of a kind that is read: see `other_kind`.

    The content decides; the name does where that tells nothing, and reading it says what is wrong.
    """
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in PHOTO_SUFFIXES:
        return False
    first = head()
    return bool(container_of(first)) or (suffix in VIDEO_SUFFIXES and not kind_of(first))


def photo_or_video(name: str, head: Callable[[], bytes]) -> str:
    """Return "" for a photo and for what is named as a video and is one; else as `other_kind`."""
    suffix = PurePosixPath(name).suffix.lower()
    return "" if suffix in VIDEO_SUFFIXES and is_video(name, head) else other_kind(name, head)


def sorted_photo(
    photo: Photo,
    name: str,
    head: Callable[[], bytes],
    passed_over: PassedOver,
    *,
    videos: bool = False,
) -> Photo | None:
    """Return a file that is a photo as it is, else what stands for it, and count its kind.

    None for what systems put beside photos, and for what nobody would take for one.

    Args:
        photo: the file, as if it were one.
        name: of the file alone.
        head: as of `other_kind`.
        passed_over: counts what is none.
        videos: whether one that is read is given as it is, too.
    """
    if is_companion(PurePosixPath(name)):
        return None
    if videos and is_video(name, head):
        return replace(photo, is_video=True)
    kind = other_kind(name, head)
    if not kind:
        return photo
    passed_over[kind] += 1
    if not is_known(kind):
        return None

    def tell() -> bytes:
        raise UnsupportedImageError("Passed over: {why}", why=what_to_do(kind))

    return Photo(name=photo.name, read=tell, problem=True, passed_over=kind)


def in_words(passed_over: PassedOver) -> str:
    """Return the counts as "passed over: 12 HEIC, 1 PDF"; "" where there are none."""
    counts = passed_over.most_common()
    words = [Text("{n} {kind}", n=n, kind=Text(kind)) for kind, n in counts[:_MOST_KINDS]]
    if rest := sum(count for _, count in counts[_MOST_KINDS:]):
        words.append(Text("{n} of other kinds", n=rest))
    return Text("passed over: {kinds}", kinds=listed(words)) if words else ""
