"""The Analyze page: choose photos, see faces, gender, age groups, and what it cost."""

from __future__ import annotations

import streamlit as st

from facecore.results import Analysis
from facecore.ui import state
from facecore.ui.analyze.finding import turned
from facecore.ui.analyze.views import downloads, face_cards, gallery, run_metrics, stage_times
from facecore.ui.components import busy_note, reading_error
from facecore.ui.inputs import chosen_photos
from facecore.ui.photos import Reading
from facecore.ui.readings import read_photos


def single(reading: Reading, analysis: Analysis) -> None:
    """Show one photo's answer: the photo, its cost, a card per face, times and downloads."""
    left, right = st.columns([3, 2])
    with left:
        if analysis.preview_jpeg:
            st.image(analysis.preview_jpeg, width="stretch", alt="The photo with its faces marked")
        turned(analysis)
        if reading.photo.credit:
            st.caption(f"Photo: {reading.photo.credit}.")
        if reading.run:
            run_metrics(reading.run, reading.run_before)
    with right:
        face_cards(analysis, reading.crops_jpeg, reading.photo)
    st.markdown("**Where the time went**")
    stage_times(analysis, key="stage_times")
    downloads(reading)


def several(readings: list[Reading]) -> None:
    """Show many photos: the gallery, then one of them in full."""
    good = {r.photo.key: r for r in readings if r.analysis}
    st.markdown(f"**{len(good)} of {len(readings)} photos could be read**")
    gallery(readings)
    if good:
        key = st.selectbox(
            "Show one in full", list(good), format_func=lambda k: good[k].photo.name, key="in_full"
        )
        show(good[key])


def show(reading: Reading) -> None:
    """Show one reading, or the sentence that says why there is none."""
    if reading.analysis is None:
        st.text(reading.photo.name)
        reading_error(reading)
    else:
        single(reading, reading.analysis)


def analyze_page() -> None:
    """Draw the page."""
    st.title("Analyze")
    st.markdown("Three small networks find faces and guess gender and age group, all on this CPU.")
    settings, options = state.current_settings()
    readings = read_photos(chosen_photos(), settings, options)
    busy_note(readings)
    if len(readings) == 1:
        show(readings[0])
    else:
        several(readings)
