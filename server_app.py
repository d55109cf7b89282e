"""The dashboard and the HTTP API on one port: ``facecore serve`` runs this."""

from functools import partial

from streamlit import App

from facecore.ui.server import make_api, page_uploads, warmed_up

api = make_api()
app = App(
    "streamlit_app.py",
    routes=api.routes(),
    middleware=page_uploads(),
    lifespan=partial(warmed_up, api),
)
