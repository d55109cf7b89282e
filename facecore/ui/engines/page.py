"""The Engines page: the article's table of engines, measured on this machine."""

from __future__ import annotations

import streamlit as st

from facecore.ui.engines import run, views
from facecore.wording import _


def engines_page() -> None:
    """Draw the page."""
    st.title(_("Engines"))
    st.markdown(
        _(
            "What can run the networks here: how fast, in how much memory, and "
            "whether it answers as OpenCV does. The article has such a table; this "
            "one is measured on this machine."
        )
    )
    views.installed()
    run.start_form()
    run.progress()
    measured = run.last_measured()
    if measured is not None:
        views.warnings_and_problems(measured)
        views.table(measured)
        views.charts_of(measured)
        views.downloads(measured)
