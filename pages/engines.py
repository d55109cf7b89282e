"""The Engines page, whose body is facecore/ui/engines/page.py."""

from facecore.ui.engines.page import engines_page
from facecore.ui.streamlit_internals import run_through_entry

run_through_entry()
engines_page()
