"""The Tune page: see what a threshold does before choosing it; no network runs meanwhile."""

from __future__ import annotations

import streamlit as st

from facecore.ui import state
from facecore.ui.components import busy_note, reading_error
from facecore.ui.inputs import chosen_photos
from facecore.ui.readings import read_photos
from facecore.ui.tune import views


def tune_page() -> None:
    """Draw the page."""
    st.title("Tune")
    st.markdown(
        "See what the detector offers, and what a threshold makes of it, before you choose it."
    )
    settings, options = state.current_settings()
    readings = read_photos(chosen_photos(), settings, options)
    busy_note(readings)
    good = [reading for reading in readings if reading.analysis]
    for reading in readings:
        if reading.error:
            st.text(reading.photo.name)
            reading_error(reading)
    if good:
        threshold = views.threshold_slider()
        views.candidates_view(good, threshold)
        truth = views.truth_input()
        analyses = {reading.photo.name: reading.analysis for reading in good if reading.analysis}
        views.detection_scores(analyses, truth, threshold)
        views.attribute_scores(analyses, truth)
