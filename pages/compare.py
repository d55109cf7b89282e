"""The Compare page, whose body is facecore/ui/compare/page.py."""

from facecore.ui.compare.page import compare_page
from facecore.ui.streamlit_internals import run_through_entry

run_through_entry()
compare_page()
