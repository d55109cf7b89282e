"""The Optimise page, whose body is facecore/ui/optimise/page.py."""

from facecore.ui.optimise.page import optimise_page
from facecore.ui.streamlit_internals import run_through_entry

run_through_entry()
optimise_page()
