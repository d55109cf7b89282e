"""The Models page, whose body is facecore/ui/models/page.py."""

from facecore.ui.models.page import models_page
from facecore.ui.streamlit_internals import run_through_entry

run_through_entry()
models_page()
