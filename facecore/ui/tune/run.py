"""Reading labelled photos in the background; it goes on while other pages are open."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import streamlit as st

from facecore.batch.background import BackgroundBatch
from facecore.evaluation.kept import KeptAnswers
from facecore.results import Analysis
from facecore.sources.photo import Photo
from facecore.ui import state
from facecore.ui.batch.run import in_words, reader
from facecore.ui.components import bar_and_stop, friendly_errors, sign
from facecore.ui.tune.subject import Way
from facecore.wording import _, counted

_LOOK_EVERY_S = 1.0
_NUMBERS = itertools.count()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Run:
    """Photos that are read one way in the background, and what scores need of their answers.

    ``number`` is of this one alone, for keys that are not to hold the photos' bytes.
    """

    reading: Way
    job: BackgroundBatch
    answers: KeptAnswers = field(default_factory=KeptAnswers)
    number: int = field(default_factory=partial(next, _NUMBERS))

    def failed(self) -> list[str]:
        """Return a sentence for each photo that could not be read."""
        return [
            _("{name}: {problem}", name=one.name, problem=_(one.error))
            for one in self.job.answers.listed()
            if one.error
        ]


Place = state.Remembered[Run | None]

first_run = Place("tune_run", lambda: None)
"""The session's labelled photos as they are read, or were."""

second_run = Place("tune_beside", lambda: None)
"""The same photos read another way, or those of the page where there are no labelled ones."""


def start(place: Place, photos: Sequence[Photo], reading: Way) -> None:
    """Begin to read photos in a way, and remember that; what was there before is stopped."""
    forget(place)
    answers, read = KeptAnswers(), reader(reading.settings, reading.options, source="tune")

    def read_and_keep(photo: Photo, check: Callable[[object], None]) -> Analysis:
        analysis = read(photo, check)
        answers.add(photo.name, analysis)
        return analysis

    name = "tune" if place is first_run else "tune_beside"
    job = BackgroundBatch(photos, read_and_keep, name=name)
    run = Run(reading=reading, job=job, answers=answers)
    place.keep(run)
    _go_on(run)


def forget(place: Place) -> None:
    """Stop what is read there, and forget it."""
    run = place()
    if run is not None:
        run.job.stop()
    place.keep(None)


def forget_all() -> None:
    """Stop and forget what is read in both places, and let go of the photos."""
    forget(first_run)
    forget(second_run)
    _tied_to_session.clear()


def progress(place: Place) -> bool:
    """Show how far it is, or how it ended where that is early; return whether it ended."""
    run = place()
    if run is None:
        return False
    if _is_under_way(run):
        _running(place)
        return False
    if run.job.error:
        st.error(_(run.job.error), icon=":material/error:")
    if run.job.state != "complete":
        row = st.container(horizontal=True, vertical_alignment="center")
        total = counted(len(run.job.photos), "photo")
        row.markdown(_("Stopped after {done} of {total}.", done=len(run.job.answers), total=total))
        key = f"{run.job.name}_on"
        row.button(_("Go on"), icon=":material/play_arrow:", key=key, on_click=_go_on, args=(run,))
    return True


@st.fragment(run_every=_LOOK_EVERY_S)
def _running(place: Place) -> None:
    with friendly_errors():
        run = place()
        if run is None or not run.job.is_running:
            st.rerun()
        share = len(run.job.answers) / len(run.job.photos)
        note = _("What is done is kept, and you can go on later.")
        bar_and_stop(run.job, share, in_words(run.job), note)


def tune_sign() -> None:
    """Show in the sidebar of every page that labelled photos are read; goes on where it paused."""
    for place in (first_run, second_run):
        run = place()
        if run is not None and _is_under_way(run):
            sign("tune", partial(_sign_in_words, run))


def _sign_in_words(run: Run) -> str:
    words = in_words(run.job) if run.job.is_running else _("done, its page has the scores.")
    return _("Tune: {words}", words=words)


def _is_under_way(run: Run) -> bool:
    if run.job.state == "paused":
        # The connection was lost, and here is somebody again.
        _go_on(run)
    return run.job.is_running


def _go_on(run: Run) -> None:
    _tied_to_session(run.job, next(_NUMBERS))
    run.job.start()


@st.cache_resource(
    scope="session", max_entries=2, show_spinner=False, on_release=BackgroundBatch.pause
)
def _tied_to_session(_job: BackgroundBatch, number: int) -> BackgroundBatch:
    """Pause a job when its session ends or loses its connection, which releases this."""
    del number  # each start is tied anew; of three the first is released
    return _job
