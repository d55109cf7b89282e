"""The dashboard, for ``streamlit run streamlit_app.py``; ``pages/`` lies beside this file."""

from pathlib import Path

from facecore.ui.entry import dashboard

dashboard(Path(__file__).resolve().parent / "pages")
