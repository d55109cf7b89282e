"""The Models page: what the three networks are, where they lie, and where their time goes."""

from __future__ import annotations

import streamlit as st

from facecore.ui import shared as resources
from facecore.ui import state
from facecore.ui.models import views as networks


def models_page() -> None:
    """Draw the page."""
    st.title("Models")
    st.markdown("Three small Caffe networks from 2015 to 2017, run by OpenCV's dnn module.")
    # Before the networks are loaded: where a file is missing, this table says which.
    if networks.files_table(resources.file_statuses()):
        _, options = state.current_settings()
        analyzer = resources.analyzer(options)
        service = resources.service()
        networks.load_cost(service.loaded(options), service.settings)
        st.button("Measure again", on_click=resources.profiles.clear, icon=":material/refresh:")
        for loaded, profile in zip(analyzer.networks, resources.profiles(options), strict=True):
            networks.network(loaded, profile)
        networks.engine(resources.facts(options))
    st.divider()
    st.markdown(resources.model_card())
