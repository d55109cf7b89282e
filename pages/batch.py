"""Where the link /batch arrives on a fresh server; ``streamlit_app.py`` has the real page."""

from facecore.ui.entry import open_through_entry

open_through_entry()
