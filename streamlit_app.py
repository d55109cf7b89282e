"""The entry: page set-up, navigation, settings, then the page."""

import streamlit as st

from facecore.http.uploads import keep_uploads_in_memory
from facecore.ui import state
from facecore.ui.batch.run import batch_sign
from facecore.ui.compare.run import experiment_sign
from facecore.ui.components import friendly_errors
from facecore.ui.sidebar import settings_sidebar
from facecore.ui.uploaded import let_go_of_unused_files

keep_uploads_in_memory()
st.set_page_config("Face reading on the CPU", "🙂", "wide")

# While Streamlit's automatic pages are still on, before the navigation has run, an
# address that is a file's name opens that file alone. So the pages' files have other
# names, and each address has a file that goes back through here (facecore/ui/entry.py).
page = st.navigation(
    [
        st.Page(f"pages/{file}.py", title=title, icon=f":material/{icon}:", url_path=title.lower())
        for file, title, icon in (
            ("analyze_photos", "Analyze", "familiar_face_and_zone"),
            ("batch_photos", "Batch", "photo_library"),
            ("tune_thresholds", "Tune", "tune"),
            ("compare_settings", "Compare", "compare_arrows"),
            ("monitor_runs", "Monitor", "monitoring"),
            ("inspect_models", "Models", "network_node"),
        )
    ]
)
with friendly_errors():
    let_go_of_unused_files()
    state.keep_settings(*settings_sidebar())
    experiment_sign()
    batch_sign()
    page.run()
