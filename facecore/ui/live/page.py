"""The Live page: what a camera sees, read frame by frame."""

from __future__ import annotations

from functools import partial

import streamlit as st

from facecore.errors import SettingsError
from facecore.live import LiveSession, LiveSetting, is_served, open_session
from facecore.ui import state
from facecore.ui.live.camera import live_camera, longest_side_px
from facecore.ui.streamlit_internals import is_connected, session_id
from facecore.ui.tune.subject import ways
from facecore.wording import Text, _

_NOTHING = Text("Nothing")
_SESSION = state.Remembered(
    "live_session",
    lambda: open_session(
        state.session_key(),
        LiveSetting(*state.current_settings()),
        state.history(),
        partial(is_connected, session_id()),
    ),
)


def live_page() -> None:
    """Draw the page."""
    st.title(_("Live"))
    st.markdown(
        _(
            "What a camera sees, read frame by frame on this CPU. The settings beside act on "
            "the next frame."
        )
    )
    if not is_served():
        st.info(
            _(
                "This server was started by Streamlit alone, which takes no live frames: start "
                "it with `facecore dashboard`."
            ),
            icon=":material/info:",
        )
        return
    settings, options = state.current_settings()
    session = _SESSION()
    # One place, whatever is in it: the camera would stop where it was drawn at another.
    with st.container():
        title = _use(session, LiveSetting(settings, options))
    side_px = longest_side_px(one.settings for one in session.sides)
    live_camera(session.key, side_px, (_("These settings"), title) if title else ())


def _use(session: LiveSession, here: LiveSetting) -> str:
    """Offer what the same frames are read with as well; return its name, "" for nothing."""
    offered = {title: LiveSetting(way.settings, way.options) for title, way in ways().items()}
    names = [_NOTHING, *(title for title, one in offered.items() if one != here)]
    title = st.selectbox(_("Compare with"), names, format_func=_, key="live_beside", width=260)
    try:
        session.use(here, offered.get(title))
    except SettingsError as error:
        session.use(here)
        st.warning(_(error))
        return ""
    return title if title in offered else ""
