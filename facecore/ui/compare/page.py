"""The Compare page: measure variants of settings side by side, and believe the result."""

from __future__ import annotations

import streamlit as st

from facecore.evaluation.right import NONE_OF_THESE
from facecore.ui.compare import files, run
from facecore.ui.compare.inputs import chosen_plan, chosen_variants, known_labels
from facecore.ui.compare.photos import photos_view
from facecore.ui.compare.results import advice_view, outcome_view
from facecore.ui.inputs import chosen_photos
from facecore.wording import _


def compare_page() -> None:
    """Draw the page."""
    st.title(_("Compare"))
    st.markdown(
        _(
            "Which settings are faster, by how much, how sure that is, what they "
            "cost, and whether the answers stay the same."
        )
    )
    run.collect()
    run.messages()
    st.header(_("What to compare"))
    variants = chosen_variants()
    st.header(_("On which photos"))
    photos = chosen_photos()
    labels = known_labels()
    plan = chosen_plan(variants)
    run.start_button(plan, photos)
    run.progress()
    shown = files.chosen_experiment()
    if shown is not None:
        shown = shown.judged_by(labels)
        advice_view(shown)
        run.more_button(shown, photos)
        if labels and not shown.is_judged:
            st.info(NONE_OF_THESE)
        outcome_view(shown)
        photos_view(shown)
        files.take_a_variant(shown)
        files.downloads(shown)
    files.all_experiments()
