"""The dashboard and the HTTP API as one application, for ``facecore serve`` or any ASGI server."""

from pathlib import Path

from facecore.ui.server import application

app = application(Path(__file__).resolve().with_name("streamlit_app.py"), with_api=True)
