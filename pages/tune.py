"""The Tune page, whose body is facecore/ui/tune/page.py."""

from facecore.ui.streamlit_internals import run_through_entry
from facecore.ui.tune.page import tune_page

run_through_entry()
tune_page()
