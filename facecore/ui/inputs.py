"""Choosing photos: a sample, files, or the camera; what was used last counts."""

from __future__ import annotations

from functools import partial

import streamlit as st

from facecore.imaging.kinds import PHOTO_FORMATS
from facecore.sources.names import unique_names
from facecore.sources.photo import Photo
from facecore.sources.samples import samples
from facecore.ui import state
from facecore.ui.batch.inputs import MAX_BATCH_PHOTOS
from facecore.ui.photos import MAX_PHOTOS
from facecore.ui.profile.link import have_link_say
from facecore.ui.uploader import uploader
from facecore.wording import _

_SAMPLE = "sample"


def chosen_photos() -> list[Photo]:
    """Draw the ways to choose photos and return those that are chosen; at least one.

    Photos of the visitor's own stay chosen when another page was open meanwhile.
    """
    left, right = st.columns([1, 2])
    with left:
        sample = _sample_choice()
        _camera()
    with right:
        _uploader()
        mine = state.own_photos()
        if mine:
            _own_photos_buttons(len(mine))
    chosen = list(mine) if mine and state.shows_own_photos() else [sample]
    # What is no longer chosen is let go, bytes and all.
    keys = {photo.key for photo in (*mine, *chosen)}
    state.keep_only_photos(keys | _by_key().keys())
    return chosen


def _by_key() -> dict[str, Photo]:
    return {sample.key: sample for sample in samples()}


def _sample_choice() -> Photo:
    by_key, linked = _by_key(), st.query_params.get(_SAMPLE)
    if linked and state.widget_value(_SAMPLE) is None:
        by_title = {sample.title: key for key, sample in by_key.items()}
        state.set_widget_values({_SAMPLE: by_title.get(linked, next(iter(by_key)))})
    key = st.selectbox(
        _("Sample photo"),
        list(by_key),
        format_func=lambda key: _(by_key[key].title),
        key=_SAMPLE,
        on_change=partial(state.shows_own_photos.keep, False),
        persist_state="session",
    )
    have_link_say(_SAMPLE, by_key[key].title if key != next(iter(by_key)) else None)
    return by_key[key]


def _camera() -> None:
    if st.toggle(_("Use the camera"), key="use_camera"):
        st.camera_input(_("Take a picture"), key="camera", on_change=_take_picture)


def _take_picture() -> None:
    picture = state.widget_value("camera")
    if picture is not None:
        state.keep_own_photos(
            [Photo(key=f"camera:{picture.file_id}", name="camera.jpg", read=picture.getvalue)]
        )


def _uploader() -> None:
    uploads = uploader(
        _(
            "Or drop your own photos here, or paste one: {formats}",
            formats=_(", ").join(PHOTO_FORMATS),
        ),
        state.uploads_key(),
        on_change=_take_uploads,
        help=_(
            "A picture that you have copied comes in with Ctrl+V (⌘V), anywhere on "
            "the page. Photos stay in this server's memory until you remove them or "
            "close the page, and are never stored."
        ),
    )
    if len(uploads) > MAX_PHOTOS:
        row = st.container(horizontal=True, vertical_alignment="center")
        row.warning(
            _(
                "{most} of {count} photos are read here. Batch takes {batch:,} at once.",
                most=MAX_PHOTOS,
                count=len(uploads),
                batch=MAX_BATCH_PHOTOS,
            ),
            icon=":material/photo_library:",
        )
        row.page_link("pages/batch.py", label=_("Go to Batch"), icon=":material/arrow_forward:")


def _take_uploads() -> None:
    uploads = (state.widget_value(state.uploads_key()) or [])[:MAX_PHOTOS]
    names = unique_names([upload.name for upload in uploads])
    state.keep_own_photos(
        [
            Photo(key=f"upload:{upload.file_id}", name=name, read=upload.getvalue)
            for upload, name in zip(uploads, names, strict=True)
        ]
    )


def _own_photos_buttons(count: int) -> None:
    row = st.container(horizontal=True)
    if not state.shows_own_photos():
        row.button(
            _("Back to my photo", "Back to my {n} photos", n=count),
            icon=":material/undo:",
            on_click=partial(state.shows_own_photos.keep, True),
        )
    else:
        row.button(
            _("Remove my photo", "Remove my {n} photos", n=count),
            icon=":material/close:",
            on_click=state.remove_own_photos,
        )
