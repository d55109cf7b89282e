"""The Optimise page: the machine finds the settings that serve an aim best."""

from __future__ import annotations

import streamlit as st

from facecore.ui.compare.inputs import known_labels
from facecore.ui.compare.run import messages
from facecore.ui.inputs import chosen_photos
from facecore.ui.optimise import form, run, views
from facecore.wording import _


def optimise_page() -> None:
    """Draw the page."""
    st.title(_("Optimise"))
    st.markdown(
        _(
            "Say what matters and what must hold. Settings are tried beside the "
            "sidebar's, which are the baseline; clear losers are dropped, and the "
            "best is measured once more."
        )
    )
    run.collect()
    messages()
    st.header(_("What matters"))
    wish = form.chosen_wish()
    st.header(_("On which photos"))
    photos = chosen_photos()
    labels = known_labels()
    form.start(wish, photos, labels)
    run.progress()
    found = run.last_found()
    if found is not None:
        views.recommendation(found)
        views.take_along(found)
        views.measured(found)
        views.downloads(found)
