"""The Analyze page: choose photos, see faces, gender, age groups, and what it cost."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from facecore.models.catalogue import set_spec, set_specs
from facecore.results import Analysis
from facecore.ui import state
from facecore.ui.analyze.faces import faces_in_full, photo_with_faces, photo_without_faces
from facecore.ui.analyze.finding import looks_taken, turned, what_to_try
from facecore.ui.analyze.views import (
    downloads,
    faces_in_words,
    refused,
    run_metrics,
    stage_times,
)
from facecore.ui.components import Tile, busy_note, gallery, reading_error
from facecore.ui.inputs import chosen_photos
from facecore.ui.photos import Reading
from facecore.ui.readings import read_photo, read_photos
from facecore.ui.sidebar import not_installed
from facecore.wording import Text, _


def single(reading: Reading, analysis: Analysis) -> None:
    """Show one photo's answer: the photo, its cost, a card per face, times and downloads."""
    # Above the photo, which alone may fill the window: below it nobody would see it. And one
    # place, whatever is in it: the photo's clicks go to the part of the page that was drawn at
    # the place where the photo first was.
    with st.container():
        turned(analysis)
        what_to_try(analysis, reading.options.model_set)
    if analysis.faces:
        photo_with_faces(reading, analysis)
    else:
        photo_without_faces(reading, analysis)
    looks_taken(analysis)
    if reading.run:
        run_metrics(reading.run, reading.run_before)
    _beside(reading)
    st.markdown(_("**Where the time went**"))
    stage_times(analysis, key="stage_times")
    downloads(reading)


def _beside(reading: Reading) -> None:
    """Show on demand what the other set of networks says of the photo, side by side."""
    here = set_spec(reading.options.model_set)
    other = next(spec for spec in set_specs().values() if spec is not here)
    if not st.toggle(_("Side by side with {title}", title=Text(other.title)), key="beside"):
        return
    if not other.is_there:
        st.warning(not_installed(other))
        return
    options = replace(reading.options, model_set=other.name)
    photo = replace(reading.photo, key=f"{reading.photo.key}:{other.name}")
    theirs = read_photo(photo, reading.settings, options)
    for column, spec, one in zip(st.columns(2), (here, other), (reading, theirs), strict=True):
        with column:
            st.markdown(f"**{_(spec.title)}**")
            if one.analysis is None:
                reading_error(one)
                continue
            if one.analysis.preview_jpeg:
                st.image(
                    one.analysis.preview_jpeg,
                    width="stretch",
                    alt=_("As {title} reads it", title=Text(spec.title)),
                )
            st.caption(faces_in_words(one.analysis))
            if one.analysis.faces:  # else what to try stands beside the photo already
                faces_in_full(one, one.analysis, reading.photo)


def several(readings: list[Reading]) -> None:
    """Show many photos: what cannot be read, one of them in full, and the gallery of all."""
    refused(readings)
    good = {reading.photo.key: reading for reading in readings if reading.analysis}
    if good:
        opened = good.get(state.opened_photo(), list(good.values())[-1])
        with st.container(key="opened"):
            st.text(opened.photo.name)
            show(opened)
        st.markdown(
            _(
                "**{read} of {all} photos could be read**",
                read=len(good),
                all=len(readings),
            )
        )
        gallery(
            "photos",
            [
                Tile(
                    key=key,
                    picture=reading.thumbnail_jpeg,
                    name=reading.photo.name,
                    note=faces_in_words(reading.analysis) if reading.analysis else "",
                )
                for key, reading in good.items()
            ],
            state.opened_photo.keep,
            opened.photo.key,
        )


def show(reading: Reading) -> None:
    """Show one reading, or the sentence that says why there is none."""
    if reading.analysis is None:
        st.text(reading.photo.name)
        reading_error(reading)
    else:
        single(reading, reading.analysis)


def analyze_page() -> None:
    """Draw the page."""
    st.title(_("Analyze"))
    st.markdown(_("Three small networks find faces and guess gender and age, all on this CPU."))
    settings, options = state.current_settings()
    readings = read_photos(chosen_photos(), settings, options)
    with st.container():
        busy_note(readings)
    if len(readings) == 1:
        show(readings[0])
    else:
        several(readings)
