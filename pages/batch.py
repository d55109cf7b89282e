"""The Batch page, whose body is facecore/ui/batch/page.py."""

from facecore.ui.batch.page import batch_page
from facecore.ui.streamlit_internals import run_through_entry

run_through_entry()
batch_page()
