"""The dashboard and the HTTP door on one port: ``python -m facecore serve`` runs this."""

from functools import partial

from streamlit import App

from facecore.ui.server import make_door, page_uploads, warmed_up

door = make_door()
app = App(
    "streamlit_app.py",
    routes=door.routes(),
    middleware=page_uploads(),
    lifespan=partial(warmed_up, door),
)
