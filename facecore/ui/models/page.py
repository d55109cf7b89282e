"""The Models page: what the three networks are, where they lie, and where their time goes."""

from __future__ import annotations

import streamlit as st

from facecore.engines import titles
from facecore.models.catalogue import set_spec
from facecore.serving.service import process_service
from facecore.ui import networks, state
from facecore.ui.models import measured, views
from facecore.wording import Text, _, language


def models_page() -> None:
    """Draw the page."""
    st.title(_("Models"))
    options = state.current_settings()[1]
    spec = set_spec(options.model_set)
    st.markdown(
        _(
            "**{title}**: {summary} The switch is in the sidebar.",
            title=Text(spec.title),
            summary=Text(spec.summary),
        )
    )
    # Before the networks are loaded: where a file is missing, this table says which.
    with st.spinner(_("Checking the files …")):
        statuses = measured.file_statuses(spec.name)
    if views.files_table(statuses):
        analyzer = networks.analyzer(options)
        service = process_service()
        views.load_cost(service.loaded(options), service.settings)
        st.button(_("Measure again"), on_click=measured.profiles.clear, icon=":material/refresh:")
        with st.spinner(_("Timing each layer …")):
            profiles = measured.profiles(options)
        for loaded, profile in zip(analyzer.networks, profiles, strict=True):
            views.network(loaded, profile)
        views.engine(titles(analyzer.engine), measured.facts(options))
    st.divider()
    views.card(measured.model_card(language()))
