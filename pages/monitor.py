"""The Monitor page, whose body is facecore/ui/monitor/page.py."""

from facecore.ui.monitor.page import monitor_page
from facecore.ui.streamlit_internals import run_through_entry

run_through_entry()
monitor_page()
