"""The Models page: what the three networks are, where they lie, and where their time goes."""

from __future__ import annotations

import streamlit as st

from facecore.engines import titles
from facecore.models.catalogue import set_spec
from facecore.serving.service import process_service
from facecore.ui import networks, state
from facecore.ui.models import measured, views


def models_page() -> None:
    """Draw the page."""
    st.title("Models")
    _, options = state.current_settings()
    spec = set_spec(options.model_set)
    st.markdown(f"**{spec.title}**: {spec.summary} The switch is in the sidebar.")
    # Before the networks are loaded: where a file is missing, this table says which.
    if views.files_table(measured.file_statuses(spec.name)):
        analyzer = networks.analyzer(options)
        service = process_service()
        views.load_cost(service.loaded(options), service.settings)
        st.button("Measure again", on_click=measured.profiles.clear, icon=":material/refresh:")
        for loaded, profile in zip(analyzer.networks, measured.profiles(options), strict=True):
            views.network(loaded, profile)
        views.engine(titles(analyzer.engine), measured.facts(options))
    st.divider()
    views.card(measured.model_card())
