"""A search under way: starting it, watching it, stopping it, also while other pages are open."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from facecore.optimise.record import Result
from facecore.optimise.search import BackgroundSearch
from facecore.optimise.task import Task
from facecore.ui import state
from facecore.ui.components import as_text, bar_and_stop, friendly_errors, sign
from facecore.ui.state import Remembered
from facecore.wording import _, left_in_words

_LOOK_EVERY_S = 1.0
_job = Remembered[BackgroundSearch | None]("optimise", lambda: None, lasts=True)
_found = Remembered[Result | None]("optimise_found", lambda: None, lasts=True)


def start(task: Task, photos: Mapping[str, bytes], *, resume: bool) -> None:
    """Begin a search, or go on with what is kept of it."""
    _job.keep(BackgroundSearch(task, photos, resume=resume))


def is_running() -> bool:
    """Return whether this session has a search under way."""
    return _job() is not None


def collect() -> None:
    """Take over what a search has found once it is over."""
    job = _job()
    if job is None or job.is_running:
        return
    _job.keep(None)
    if job.result is not None:
        _found.keep(job.result)
    if job.error:
        state.messages().append(job.error)


def last_found() -> Result | None:
    """Return what this session found last; None before."""
    return _found()


def progress() -> None:
    """Show how far the search is and how to stop it."""
    if is_running():
        _progress()


@st.fragment(run_every=_LOOK_EVERY_S)
def _progress() -> None:
    with friendly_errors():
        job = _job()
        if job is None or not job.is_running:
            st.rerun()
        now = job.progress
        phase = _(now.phase)
        words = _("{phase} …", phase=phase[:1].upper() + phase[1:])
        if job.state == "stopping":
            words = _("Stopping …")
        share = min(1.0, now.spent_s / now.budget_s)
        bar_and_stop(job, share, as_text(words), _("What is known by then is shown and kept."))
        if now.tried:
            words = _("{n} way of reading tried.", "{n} ways of reading tried.", n=now.tried)
            if now.best:
                words = _(
                    "{n} way of reading tried; best so far: {best}.",
                    "{n} ways of reading tried; best so far: {best}.",
                    n=now.tried,
                    best=now.best,
                )
            st.caption(as_text(words))


def optimise_sign() -> None:
    """Show in the sidebar of every page that a search is under way."""
    if is_running():
        sign("rocket_launch", _sign_in_words)


def _sign_in_words() -> str | None:
    job = _job()
    if job is None:
        return None
    if not job.is_running:
        return _("Optimise: done, its page has the result.")
    now = job.progress
    left = left_in_words(max(0.0, now.budget_s - now.spent_s))
    return _("Optimise: {n} tried{left}", n=now.tried, left=left)
