"""The Live page, whose body is facecore/ui/live/page.py."""

from facecore.ui.live.page import live_page
from facecore.ui.streamlit_internals import run_through_entry

run_through_entry()
live_page()
