"""Choosing what to tune on: the photos of Analyze, or labelled ones with their tables."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import streamlit as st

from facecore.evaluation.labels import BoxXyxy
from facecore.evaluation.truth import MAX_TABLE_BYTES, Truth, read_truth
from facecore.sources.photo import Photo
from facecore.sources.uploads import TABLE_SUFFIX, Upload, tables_of_uploads
from facecore.ui import state
from facecore.ui.batch.inputs import (
    BUDGET,
    MAX_BATCH_PHOTOS,
    ChosenPhotos,
    most_bytes,
    photos_of,
)
from facecore.ui.batch.run import NO_ROOM
from facecore.ui.components import busy_note, reading_error
from facecore.ui.inputs import chosen_photos
from facecore.ui.readings import read_photos
from facecore.ui.tune import run
from facecore.ui.tune.subject import Subject, Way
from facecore.ui.uploader import uploader
from facecore.wording import Text, _, counted

_SOURCES = (Text("Photos of Analyze"), Text("Labelled photos"))
_UPLOADS = "tune_uploads"
_MOST_TOLD = 5
_NUMBERS = itertools.count()
_TABLES = state.Remembered[Truth]("tune_tables", Truth)
_UPLOADED_TABLES = state.Remembered[Truth]("truth", Truth)
_room = state.Remembered("tune_room", lambda: BUDGET.share(state.session_key()))


def subject() -> Subject | None:
    """Draw the ways to choose photos, read them, and return the answers; None without any."""
    source = st.segmented_control(
        _("What to tune on"),
        _SOURCES,
        format_func=_,
        default=_SOURCES[0],
        required=True,
        key="tune_source",
        persist_state="session",
        help=_(
            "Those of Analyze are read at once, 100 at most. Labelled photos come "
            "with their tables, as files or in a ZIP file, up to {most}, "
            "and are read in the background.",
            most=MAX_BATCH_PHOTOS,
        ),
    )
    return _of_labelled() if source == _SOURCES[1] else _of_page()


def sidebar_reading() -> Way:
    """Return how the sidebar says that photos are read."""
    settings, options = state.current_settings()
    return Way(settings=settings, options=options)


def tables_input(subject: Subject) -> None:
    """Let the visitor upload labels and boxes for photos, and tell what cannot be used of them."""
    uploader(
        _("Boxes (file, x1, y1, x2, y2) or labels (file, age or age_range, gender) as CSV"),
        "truth_files",
        on_change=_take_tables,
        help=_(
            "The files' names must be those of the photos. A file without a face has "
            "a row without numbers."
        ),
    )
    truth = _UPLOADED_TABLES()
    if truth.tables and not state.widget_value("truth_files"):
        # The uploader forgets its files when another page is opened; they still count.
        row = st.container(horizontal=True, vertical_alignment="center")
        row.caption(_("In use: {n} uploaded before.", n=len(truth.tables)))
        row.button(_("Remove them"), on_click=partial(_UPLOADED_TABLES.keep, Truth()))
    if subject.truth.problems:
        st.warning(_("Something was left out of the tables:"), icon=":material/warning:")
        _told(subject.truth.problems)
    if truth.labels and not subject.truth.labels:
        st.info(_("None of the labels is of a photo above: the names must be the same."))
    if truth.boxes and not subject.truth.boxes:
        st.info(_("None of the boxes is of a photo above: the names must be the same."))


def _of_page() -> Subject | None:
    """Read the photos that Analyze shows, in the page's own script."""
    reading = sidebar_reading()
    readings = read_photos(chosen_photos(), reading.settings, reading.options)
    busy_note(readings)
    for one in readings:
        if one.error:
            st.text(one.photo.name)
            reading_error(one)
    answers = {one.photo.name: one.analysis for one in readings if one.analysis}
    if not answers:
        return None
    st.caption(_("Read as the sidebar says: {settings}.", settings=reading.with_confidence()))
    return Subject(
        photos={one.photo.name: one.photo for one in readings},
        answers=answers,
        reading=reading,
        truth=_known_of([one.photo for one in readings]).of_photos(answers),
        key=(tuple(one.photo.key for one in readings), reading, _UPLOADED_TABLES()),
    )


def _known_of(photos: list[Photo]) -> Truth:
    """Return what is known of the samples' people, or what a table says instead."""
    boxes: dict[str, tuple[BoxXyxy, ...]] = {
        photo.name: tuple(person.box.xyxy for person in photo.people)
        for photo in photos
        if photo.people
    }
    return Truth(boxes=boxes) | _UPLOADED_TABLES()


def _of_labelled() -> Subject | None:
    """Read labelled photos in the background; return what is there once it has ended."""
    found = run.first_run()
    if found is None:
        _choose()
        return None
    row = st.container(horizontal=True, vertical_alignment="center")
    truth = (_TABLES() | _UPLOADED_TABLES()).of_photos(photo.name for photo in found.job.photos)
    row.markdown(
        _(
            "**{photos}**: labels of {labels}, boxes of {boxes}",
            photos=counted(len(found.job.photos), "photo"),
            labels=len(truth.labels),
            boxes=len(truth.boxes),
        )
    )
    row.button(_("Other photos"), key="tune_new", icon=":material/add:", on_click=_forget)
    if not run.progress(run.first_run):
        return None
    if failed := found.failed():
        st.warning(
            _("{photos} could not be read:", photos=counted(len(failed), "photo")),
            icon=":material/warning:",
        )
        _told(failed)
    answers = found.answers.now()
    if not answers:
        return None
    _settings_note(found)
    return Subject(
        photos={photo.name: photo for photo in found.job.photos},
        answers=answers,
        reading=found.reading,
        truth=truth,
        key=(found.number, len(answers), _TABLES(), _UPLOADED_TABLES()),
    )


def _settings_note(found: run.Run) -> None:
    """Say how the photos were read, and where the sidebar says otherwise offer to read again."""
    st.caption(_("Read as {settings}.", settings=found.reading.with_confidence()))
    unlike = found.reading.unlike(sidebar_reading())
    if not unlike:
        return
    row = st.container(horizontal=True, vertical_alignment="center")
    row.warning(
        _(
            "The scores below are not of the sidebar's settings, which have {differences}.",
            differences=unlike,
        ),
        icon=":material/sync_problem:",
    )
    row.button(
        _("Read again with the sidebar's settings"),
        key="tune_again",
        icon=":material/refresh:",
        on_click=_read_again,
        help=_(
            "Boxes need no new reading for another confidence: the threshold to try "
            "is applied to what was found already. Gender and age do."
        ),
    )


def _choose() -> None:
    for message in state.messages.take():
        st.error(_(message), icon=":material/error:")
    uploads = uploader(
        _("Drop photos and their tables here, or a ZIP file that has both"),
        _UPLOADS,
        # The server refuses a larger one whatever the uploader says.
        max_upload_size=max(1, min(st.get_option("server.maxUploadSize"), most_bytes() // 2**20)),
        help=_(
            "Up to {most} photos and {mb:.0f} MB. They stay in "
            "this server's memory until you choose others or close the page, and are "
            "never stored.",
            most=MAX_BATCH_PHOTOS,
            mb=most_bytes() / 1e6,
        ),
    )
    st.caption(
        _(
            "Tables are CSV files: boxes (file, x1, y1, x2, y2) or labels (file, age "
            "or age_range, gender). A row is of the photo whose name, or path in the "
            "ZIP file, it names or ends in."
        )
    )
    chosen = _photos_of(uploads)
    for note in chosen.notes:
        st.warning(_(note))
    count = sum(not photo.passed_over for photo in chosen.photos)
    st.button(
        _("Read {photos}", photos=counted(count, "photo")) if count else _("Read photos"),
        key="tune_start",
        type="primary",
        icon=":material/play_arrow:",
        on_click=_start,
        disabled=not count,
        help=_("With the settings of the sidebar as they are now."),
    )


def _photos_of(uploads: Sequence[Upload]) -> ChosenPhotos:
    others = [one for one in uploads if not one.name.lower().endswith(TABLE_SUFFIX)]
    return photos_of(others, beside=["CSV"])


def _start() -> None:
    uploads = state.widget_value(_UPLOADS) or []
    chosen = _photos_of(uploads)
    room = _room()
    room.give_back()
    if not room.grow(chosen.size_bytes):
        state.messages().append(NO_ROOM)
        return
    left_out: list[str] = []
    tables = read_truth(list(tables_of_uploads(uploads, MAX_TABLE_BYTES, left_out)))
    tables.problems[:0] = left_out
    # What is opened of photos is kept by their key, which those of a ZIP file have not.
    photos = [replace(photo, key=f"tune:{next(_NUMBERS)}") for photo in chosen.photos]
    _TABLES.keep(tables)
    state.tune_files.keep(frozenset(chosen.file_ids))
    run.forget_all()
    run.start(run.first_run, photos, sidebar_reading())


def _read_again() -> None:
    found = run.first_run()
    if found is not None:
        run.start(run.first_run, found.job.photos, sidebar_reading())


def _forget() -> None:
    run.forget_all()
    _room().give_back()
    _TABLES.keep(Truth())
    state.tune_files.keep(frozenset())


def _take_tables() -> None:
    uploads = state.widget_value("truth_files") or []
    _UPLOADED_TABLES.keep(read_truth([(upload.name, upload.getvalue()) for upload in uploads]))


def _told(sentences: list[str]) -> None:
    for sentence in sentences[:_MOST_TOLD]:
        # They quote strangers' names, so they must not be taken for Markdown.
        st.text(_(sentence))
    if len(sentences) > _MOST_TOLD:
        st.caption(_("And {n} more.", n=len(sentences) - _MOST_TOLD))
