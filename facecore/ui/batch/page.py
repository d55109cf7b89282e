"""The Batch page: many photos or a ZIP file, read while one does something else."""

from __future__ import annotations

import streamlit as st

from facecore.ui.batch import run
from facecore.ui.batch.earlier import earlier_batches
from facecore.ui.batch.inputs import chosen_batch
from facecore.ui.batch.results import results
from facecore.wording import _


def batch_page() -> None:
    """Draw the page."""
    st.title(_("Batch"))
    st.markdown(
        _(
            "Many photos and videos at once. You can look at other pages meanwhile, and come back "
            "after a reload; closing this tab ends it."
        )
    )
    batch = run.session_batch()
    if batch is None:
        run.start_button(chosen_batch())
        earlier_batches()
    elif run.progress(batch):
        results(batch)
