"""Starting to measure engines, watching it, stopping it; it goes on while other pages are open."""

from __future__ import annotations

from typing import Any

import streamlit as st

from facecore.experiment.background import BackgroundEngines
from facecore.experiment.engines import FACES, ROUNDS
from facecore.ui.components import bar_and_stop, friendly_errors, sign
from facecore.ui.state import Remembered
from facecore.wording import _

_LOOK_EVERY_S = 1.0
_job = Remembered[BackgroundEngines | None]("engines", lambda: None, lasts=True)
_measured = Remembered[dict[str, Any] | None]("engines_measured", lambda: None, lasts=True)


def start_form() -> None:
    """Draw how long to measure, and the button that starts it unless it is under way."""
    job = _job()
    row = st.container(horizontal=True, vertical_alignment="bottom")
    rounds = row.number_input(
        _("Rounds"),
        *(1, 200, ROUNDS),
        key="engines_rounds",
        help=_("Passes of each kind with each engine; more make the intervals narrower."),
        width=140,
    )
    faces = row.number_input(
        _("Faces"),
        *(10, 1000, FACES),
        step=10,
        key="engines_faces",
        help=_("Crops of the samples' faces whose answers are compared with OpenCV's."),
        width=140,
    )
    row.button(
        _("Measure the engines"),
        key="engines_measure",
        type="primary",
        icon=":material/play_arrow:",
        disabled=job is not None and job.is_running,
        on_click=_start,
        args=(int(rounds), int(faces)),
        help=_(
            "Each engine gets processes of its own, about half a gigabyte at a time. "
            "It takes minutes, in which pages are slower; you can look at others "
            "meanwhile."
        ),
    )


def progress() -> None:
    """Show how far it is and how to stop it, or why it ended early."""
    job = _job()
    if job is not None and job.is_running:
        _running()
    elif job is not None and job.error:
        st.error(_(job.error), icon=":material/error:")


def last_measured() -> dict[str, Any] | None:
    """Return what this session measured last, as far as it came; None before."""
    job = _job()
    if job is not None and job.result is not None:
        _measured.keep(job.result)
    return _measured()


def engines_sign() -> None:
    """Show in the sidebar of every page that engines are measured."""
    job = _job()
    if job is not None and job.is_running:
        sign("speed", _sign_in_words)


@st.fragment(run_every=_LOOK_EVERY_S)
def _running() -> None:
    with friendly_errors():
        job = _job()
        if job is None or not job.is_running:
            st.rerun()
        now = job.progress
        words = (
            _("Stopping …")
            if job.state == "stopping"
            else _("{phase} …", phase=_capital(_(now.phase)))
        )
        bar_and_stop(job, now.share, words, _("What was measured is kept."))


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _sign_in_words() -> str | None:
    job = _job()
    if job is None:
        return None
    if not job.is_running:
        return _("Engines: done, its page has the table.")
    return _("Engines: {share:.0%} measured", share=job.progress.share)


def _start(rounds: int, faces: int) -> None:
    _job.keep(BackgroundEngines(rounds, faces))
