"""Getting back to the entry script from a page that Streamlit opened by itself."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager


def open_through_entry() -> None:
    """Run again, this time through ``streamlit_app.py``, which knows the pages.

    Until ``st.navigation`` has run once in a server, Streamlit looks for pages in
    ``pages/`` by their files' names, and says "Page not found" of any other link.
    So each link has a file of its name there, which only calls this.
    """
    PagesManager.uses_pages_directory = False
    st.rerun()
