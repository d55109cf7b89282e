"""Waiting for a turn at the queue, with a page that says so meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from facecore.serving.queue import Waiting
from facecore.serving.service import FaceService, Turn
from facecore.settings import RuntimeOptions
from facecore.ui import state


@contextmanager
def session_turn(service: FaceService, options: RuntimeOptions) -> Iterator[Turn]:
    """Take a turn for this session; the page tells where it stands while it waits.

    A session that is closed or runs its page again gives the wait up.

    Raises:
        BusyError: the line is full, or the turn did not come in time.
        ModelError: a file is missing or wrong, or OpenCV cannot load it.
    """
    note: DeltaGenerator | None = None

    def tell(place: Waiting) -> None:
        nonlocal note
        note = note or st.empty()
        # Here Streamlit also ends a script that is no longer wanted.
        note.caption(waiting_in_words(place))

    with ExitStack() as stack:
        try:
            turn = stack.enter_context(service.turn(state.session_key(), options, on_wait=tell))
        finally:
            if note:
                note.empty()
        yield turn


def waiting_in_words(place: Waiting) -> str:
    """Say where somebody stands in the line."""
    ahead = "this one is next" if place.ahead == 0 else f"{place.ahead} before this one"
    return f"The server is busy: {ahead}, waiting for {place.waited_s:.0f} s."
