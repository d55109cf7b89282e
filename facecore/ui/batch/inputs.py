"""Choosing the photos of a batch: files and ZIP files, within what a session may hold."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, islice

import streamlit as st

from facecore.machine.memory_plan import memory_plan
from facecore.serving.budget import Budget
from facecore.sources.archive_directory import ArchiveLimits
from facecore.sources.names import unique_names
from facecore.sources.photo import Photo
from facecore.sources.sorting import PassedOver, in_words
from facecore.sources.uploads import Upload, photos_of_uploads
from facecore.ui.uploader import uploader
from facecore.wording import _

MAX_BATCH_PHOTOS = 1000
"""Photos of one batch."""

MAX_BATCH_BYTES = 500_000_000
"""Uploaded files of one batch together, which the server's memory holds; less on a small one."""

BUDGET = Budget(memory_plan().upload_bytes)
"""Bytes for the files of all sessions' batches."""

LIMITS = ArchiveLimits(max_entries=4000, max_entry_bytes=50_000_000, max_total_bytes=4_000_000_000)
"""What is taken of a ZIP file that somebody uploads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenPhotos:
    """The photos of some uploads.

    ``notes`` are sentences about what is left out; ``file_ids`` are the uploads that they
    are from, and ``size_bytes`` is what these take.
    """

    photos: tuple[Photo, ...]
    notes: tuple[str, ...]
    file_ids: tuple[str, ...]
    size_bytes: int


def chosen_batch() -> ChosenPhotos:
    """Draw the uploader and return the photos of what is in it."""
    uploads = uploader(
        _("Drop photos or videos here, as many as you like, or a ZIP file of them"),
        "batch_uploads",
        # The server refuses a larger one whatever the uploader says.
        max_upload_size=max(1, min(st.get_option("server.maxUploadSize"), most_bytes() // 2**20)),
        help=_(
            "Up to {most} photos and {mb:.0f} MB at once. They "
            "stay in this server's memory until you begin a new batch or close the "
            "page, and are never stored.",
            most=MAX_BATCH_PHOTOS,
            mb=most_bytes() / 1e6,
        ),
    )
    st.caption(
        _(
            "Each photo gets a line with its faces or what is wrong with it; then "
            "there are charts, tables to take away (CSV, JSON lines, Parquet) and "
            "the photos with their faces drawn."
        )
    )
    chosen = photos_of(uploads, videos=True)
    for note in chosen.notes:
        st.warning(note)
    return chosen


def most_bytes() -> int:
    """Return how much the files of one batch may have together; half of the budget at most."""
    return min(MAX_BATCH_BYTES, int(BUDGET.limit) // 2)


def _too_large(taken: int) -> str:
    return _(
        "Together the files have more than {mb:.0f} MB: only the first {n} are taken. Read the "
        "others in another batch.",
        mb=most_bytes() / 1e6,
        n=taken,
    )


def photos_of(
    uploads: Sequence[Upload], beside: Collection[str] = (), *, videos: bool = False
) -> ChosenPhotos:
    """Find the photos in uploaded files, each with a name of its own; opens no photo.

    Args:
        uploads: photos and ZIP files of them.
        beside: kinds of other files, such as "CSV", that are not told of as left out.
        videos: find videos as well.
    """
    notes = []
    sizes = accumulate(upload.size for upload in uploads)
    held = [one for one, size in zip(uploads, sizes, strict=True) if size <= most_bytes()]
    if len(held) < len(uploads):
        notes.append(_too_large(len(held)))
    passed_over = PassedOver()
    found = photos_of_uploads(held, LIMITS, passed_over, videos=videos)
    photos = list(islice(found, MAX_BATCH_PHOTOS + 1))
    if len(photos) > MAX_BATCH_PHOTOS:
        del photos[MAX_BATCH_PHOTOS:]
        notes.append(
            _(
                "Only the first {most} photos are taken: read the others in another batch.",
                most=MAX_BATCH_PHOTOS,
            )
        )
    for kind in beside:
        passed_over.pop(kind, None)
    if passed_over:
        notes.append(_("There is more than photos here; {others}.", others=in_words(passed_over)))
    names = unique_names([photo.name for photo in photos])
    named = tuple(replace(photo, name=name) for photo, name in zip(photos, names, strict=True))
    return ChosenPhotos(
        photos=named,
        notes=tuple(notes),
        file_ids=tuple(upload.file_id for upload in held),
        size_bytes=sum(upload.size for upload in held),
    )
