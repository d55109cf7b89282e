"""The Analyze page, whose body is facecore/ui/analyze/page.py."""

from facecore.ui.analyze.page import analyze_page
from facecore.ui.streamlit_internals import run_through_entry

run_through_entry()
analyze_page()
