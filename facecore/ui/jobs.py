"""How far a background job is, how to stop it, and a sign of it on every page."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from facecore.serving.job import BackgroundJob

_SIGN_EVERY_S = 2.0


def bar_and_stop(job: BackgroundJob, share: float, words: str, note: str) -> None:
    """Draw how much of a job is done, 0 to 1 and in words, and the button that stops it."""
    st.progress(share, words)
    st.button(
        "Stop",
        key=f"{job.name}_stop",
        icon=":material/stop:",
        on_click=job.stop,
        disabled=job.state == "stopping",
        help=note,
    )


def sign(icon: str, words: Callable[[], str | None]) -> None:
    """Say in the sidebar how a job goes, anew every two seconds; nothing where it says None."""
    with st.sidebar:
        _sign(icon, words)


@st.fragment(run_every=_SIGN_EVERY_S)
def _sign(icon: str, words: Callable[[], str | None]) -> None:
    text = words()
    if text:
        st.caption(f":material/{icon}: {text}")
