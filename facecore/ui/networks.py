"""The networks that all sessions share, and waiting for a turn at them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.serving.queue import Waiting
from facecore.serving.service import Turn, process_service
from facecore.settings import RuntimeOptions
from facecore.ui import state
from facecore.wording import _


def analyzer(options: RuntimeOptions) -> FaceAnalyzer:
    """Return a set of networks for these options; it is loaded, at the queue, where there is none.

    Not for a run, which takes a turn and the networks that come with it.

    Raises:
        BusyError: there is none, and the queue gives no turn to load one.
        ModelError: a file is missing or wrong, or the engine cannot load it.
    """
    loaded = process_service().loaded(options)
    if loaded:
        return loaded[0]
    with st.spinner(_("Loading the three networks …")), session_turn(options) as turn:
        return turn.analyzer


@contextmanager
def session_turn(options: RuntimeOptions) -> Iterator[Turn]:
    """Take a turn for this session; the page shows where it stands while it waits.

    A session that is closed or runs its page again gives the wait up.

    Raises:
        BusyError: the queue is full, or the turn did not come in time.
        ModelError: a file is missing or wrong, or the engine cannot load it.
    """
    note: DeltaGenerator | None = None

    def tell(place: Waiting) -> None:
        nonlocal note
        note = note or st.empty()
        # Here Streamlit also ends a script that is no longer wanted.
        note.caption(waiting_in_words(place))

    with ExitStack() as stack:
        try:
            service = process_service()
            turn = stack.enter_context(service.turn(state.session_key(), options, on_wait=tell))
        finally:
            if note:
                note.empty()
        yield turn


def waiting_in_words(place: Waiting) -> str:
    """Return where somebody stands in the queue, as a sentence."""
    if place.ahead == 0:
        return _(
            "The server is busy: this one is next, waiting for {waited_s:.0f} s.",
            waited_s=place.waited_s,
        )
    return _(
        "The server is busy: {ahead} before this one, waiting for {waited_s:.0f} s.",
        ahead=place.ahead,
        waited_s=place.waited_s,
    )
