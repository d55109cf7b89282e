"""The Tune page: see what a threshold does before choosing it; no network runs meanwhile."""

from __future__ import annotations

import streamlit as st

from facecore.ui.tune import inputs, views
from facecore.ui.tune.beside import side_by_side
from facecore.ui.tune.mistakes import mistakes
from facecore.ui.tune.people import people_scores
from facecore.wording import _


def tune_page() -> None:
    """Draw the page."""
    st.title(_("Tune"))
    st.markdown(
        _("See what the detector offers, and what a threshold makes of it, before you choose it.")
    )
    subject = inputs.subject()
    if subject is None:
        return
    threshold = views.threshold_slider()
    views.candidates_view(subject, threshold)
    st.header(_("Against the truth"))
    inputs.tables_input(subject)
    views.detection_scores(subject, threshold)
    people_scores(subject)
    mistakes(subject, threshold)
    side_by_side(subject)
