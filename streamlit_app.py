"""The entry: page set-up, navigation, settings, then the page."""

import streamlit as st

from facecore.http.uploads import keep_uploads_in_memory
from facecore.ui import state
from facecore.ui.components import friendly_errors
from facecore.ui.sidebar import settings_sidebar

st.set_page_config("Face reading on the CPU", "🙂", "wide")
keep_uploads_in_memory()

# While Streamlit's automatic pages are still on, before the navigation has run, an
# address that is a file's name opens that file alone. So the pages' files have other
# names, and each address has a file that goes back through here (facecore/ui/entry.py).
page = st.navigation(
    [
        st.Page(
            "pages/analyze_photos.py",
            title="Analyze",
            icon=":material/familiar_face_and_zone:",
            url_path="analyze",
            default=True,
        ),
        st.Page(
            "pages/tune_thresholds.py",
            title="Tune",
            icon=":material/tune:",
            url_path="tune",
        ),
        st.Page(
            "pages/monitor_runs.py",
            title="Monitor",
            icon=":material/monitoring:",
            url_path="monitor",
        ),
        st.Page(
            "pages/inspect_models.py",
            title="Models",
            icon=":material/network_node:",
            url_path="models",
        ),
    ]
)
with friendly_errors():
    state.keep_settings(*settings_sidebar())
    page.run()
