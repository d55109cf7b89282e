"""Pieces that pages share: values in, something on the screen."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from facecore.errors import friendly_message
from facecore.serving.job import BackgroundJob
from facecore.ui.photos import Reading

_SIGN_EVERY_S = 2.0


def as_text(text: str) -> str:
    """Return the Markdown that shows a text as it is, whatever a stranger wrote in it."""
    return "".join(f"\\{letter}" if letter in string.punctuation else letter for letter in text)


@contextmanager
def friendly_errors() -> Iterator[None]:
    """Show whatever goes wrong inside as one sentence; the log has the traceback."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - the page's last resort
        st.error(friendly_message(error), icon=":material/error:")


def busy_note(readings: Sequence[Reading]) -> None:
    """Show once which photos found the server busy, with a way to try again; else nothing."""
    busy = [reading for reading in readings if reading.busy]
    if busy:
        row = st.container(horizontal=True, vertical_alignment="center")
        row.warning(busy[0].error, icon=":material/hourglass_top:")
        # Any click runs the page again, and with it whatever has no answer yet.
        row.button("Try again", icon=":material/refresh:", key="try_again")


def reading_error(reading: Reading) -> None:
    """Show the sentence that says why there is no answer for a photo."""
    if reading.busy:
        st.info("Not read yet.", icon=":material/hourglass_top:")
    else:
        st.error(reading.error, icon=":material/broken_image:")


def grid(count: int, a_row: int = 4) -> list[DeltaGenerator]:
    """Return so many places of one width, side by side in rows."""
    width = max(1, min(count, a_row))
    rows = [st.columns(width) for _ in range(0, count, width)]
    return [place for row in rows for place in row][:count]


def chart(figure: go.Figure, key: str, alt: str, title: str = "") -> None:
    """Draw a figure without Plotly's buttons, under a title where there is one."""
    if title:
        st.markdown(f"**{title}**")
    st.plotly_chart(figure, key=key, config={"displayModeBar": False}, alt=alt)


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
    """Show in the sidebar how a job goes, anew every two seconds; nothing where it says None."""
    with st.sidebar:
        _sign(icon, words)


@st.fragment(run_every=_SIGN_EVERY_S)
def _sign(icon: str, words: Callable[[], str | None]) -> None:
    text = words()
    if text:
        st.caption(f":material/{icon}: {text}")
