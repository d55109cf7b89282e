"""Starting an experiment, watching it, stopping it; it goes on while other pages are open."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import streamlit as st

from facecore.experiment.background import BackgroundExperiment
from facecore.experiment.record import MAX_REPEATS, Experiment, Plan
from facecore.experiment.report import Outcome
from facecore.serving.service import process_service
from facecore.sources.photo import Photo
from facecore.sources.samples import samples
from facecore.ui import state
from facecore.ui.compare import charts
from facecore.ui.compare import state as compare_state
from facecore.ui.components import as_text, bar_and_stop, chart, friendly_errors, sign
from facecore.wording import Text, _, clock, counted, left_in_words

_LOOK_EVERY_S = 0.5
_MORE = Text(
    "How often each variant reads each photo once more. What was measured stays, and the random "
    "order goes on."
)
_MOST_SUGGESTED = 200
"""More repeats than that are for whoever asks for them."""


def start_button(plan: Plan, photos: Sequence[Photo]) -> None:
    """Draw the button that starts an experiment, unless this session has one under way."""
    running = compare_state.running_experiment()
    if st.button(
        _(
            "Measure {variants} variants on {photos}",
            variants=len(plan.variants),
            photos=counted(len(photos), "photo"),
        ),
        key="measure",
        type="primary",
        icon=":material/play_arrow:",
        disabled=running is not None,
        help=_(
            "Each variant gets a process of its own with its own networks, 450 to "
            "650 MB of memory. Pages that others look at meanwhile are slower, and "
            "so are the trials."
        ),
    ):
        _start(plan, photos)
        st.rerun()


def more_button(outcome: Outcome, photos: Sequence[Photo]) -> None:
    """Draw the button that goes on with an experiment: more rounds of the same.

    Args:
        outcome: of the experiment.
        photos: those that are chosen now, among which its own may be.
    """
    experiment = outcome.experiment
    readable = [photo for photo in experiment.photos if photo.size_wh]
    begun = 1 + max((one[1] for one in experiment.rounds_begun), default=-1)
    # Without a hash nobody knows which photos they were.
    if not readable or begun >= MAX_REPEATS or not all(photo.sha256 for photo in readable):
        return
    row = st.container(horizontal=True, vertical_alignment="bottom")
    repeats = row.number_input(
        _("More repeats"),
        1,
        MAX_REPEATS - begun,
        min(_suggested_repeats(outcome, len(readable)), MAX_REPEATS - begun),
        key=f"more_{experiment.started_at:%H%M%S}_{len(experiment.trials)}",
        width=160,
        help=_(_MORE),
    )
    pairs = repeats * len(readable)
    spent_s = sum(trial.cycle_time_s for trial in experiment.trials)
    needed_s = spent_s / max(1, len(experiment.trials)) * pairs * len(experiment.plan.variants)
    if row.button(
        _("Measure {pairs}", pairs=counted(pairs, "more pair")),
        key="measure_more",
        icon=":material/playlist_add:",
        disabled=compare_state.running_experiment() is not None,
        help=_(
            "About {time}, after the variants are started anew and warmed up. It "
            "needs the same photos and the same machine.",
            time=clock(needed_s),
        ),
    ):
        _go_on(experiment, repeats, photos)


def _suggested_repeats(outcome: Outcome, photos: int) -> int:
    """Return how many more repeats would settle what is open, within bounds; else as many again."""
    wanted = [one.comparison.more_trials or 0 for one in outcome.reports if one.comparison]
    most = max(wanted, default=0) or len(outcome.experiment.rounds_begun)
    return max(1, min(_MOST_SUGGESTED, math.ceil(most / photos)))


def _go_on(experiment: Experiment, repeats: int, photos: Sequence[Photo]) -> None:
    known = state.compared_photos()
    wanted = {photo.sha256 for photo in experiment.photos if photo.size_wh}
    with friendly_errors():
        if not wanted <= known.keys():
            # It was loaded, or others were chosen meanwhile.
            for photo in (*photos, *samples()):
                known.setdefault(hashlib.sha256(photo.read()).hexdigest(), photo)
        data = {sha256: known[sha256].read() for sha256 in wanted & known.keys()}
        compare_state.running_experiment.keep(
            BackgroundExperiment(
                experiment.more(repeats),
                data,
                max_pixels=process_service().max_pixels,
                at_the_end=compare_state.keeper(),
            )
        )
        # Not where it could not begin: that would take the sentence away.
        st.rerun()


def collect() -> None:
    """Take over what an experiment has measured once it is done."""
    running = compare_state.running_experiment()
    if running is None or running.is_running:
        return
    compare_state.running_experiment.keep(None)
    if running.result is not None:
        title = compare_state.title_of(running.result)
        title = compare_state.forget_experiment(running.before) or title
        compare_state.keep_experiment(title, Outcome.of(running.result))
    if running.error:
        state.messages().append(running.error)


def messages() -> None:
    """Show what went wrong since the page was drawn last."""
    for message in state.messages.take():
        st.error(_("This did not work:"), icon=":material/error:")
        st.text(_(message))  # it may hold a file's name, so it is no Markdown


def progress() -> None:
    """Show how far this session's experiment is, with a live chart, and how to stop it."""
    if compare_state.running_experiment() is not None:
        _progress()


@st.fragment(run_every=_LOOK_EVERY_S)
def _progress() -> None:
    with friendly_errors():
        running = compare_state.running_experiment()
        if running is None or not running.is_running:
            st.rerun()
        now = running.progress
        share = min(1.0, now.done / now.total) if now.total else 0.0
        bar_and_stop(running, share, _in_words(running), _("What was measured is kept."))
        for failure in now.failures:
            st.warning(
                as_text(
                    _(
                        "{name}: {problem}",
                        name=failure.where(running.plan),
                        problem=_(failure.message),
                    )
                )
            )
        if not now.trials:
            return
        names = [variant.name for variant in running.plan.variants]
        chart(charts.live(now.trials, names), "compare_live", _("Time of each trial so far"))


def experiment_sign() -> None:
    """Show in the sidebar of every page that an experiment is under way."""
    if compare_state.running_experiment() is not None:
        sign("science", _sign_in_words)


def _sign_in_words() -> str | None:
    running = compare_state.running_experiment()
    if running is None:
        return None
    words = _in_words(running) if running.is_running else _("done, its page has the result.")
    return _("Compare: {words}", words=words)


def _start(plan: Plan, photos: Sequence[Photo]) -> None:
    data: dict[str, bytes] = {}
    for photo in photos:
        data[photo.name] = photo.read()
        state.compared_photos()[hashlib.sha256(data[photo.name]).hexdigest()] = photo
    compare_state.running_experiment.keep(
        BackgroundExperiment(
            plan,
            data,
            max_pixels=process_service().max_pixels,
            at_the_end=compare_state.keeper(),
        )
    )


def _in_words(running: BackgroundExperiment) -> str:
    now = running.progress
    if running.state == "stopping":
        return _("Stopping …")
    if not now.done:
        return _("{phase} …", phase=as_text(_(now.phase)))  # with a variant's name in it
    counts = {"done": now.done, "total": now.total, "left": left_in_words(now.left_s)}
    if running.plan.budget_s:
        return _("{done} of about {total} trials{left}", **counts)
    return _("{done} of {total} trials{left}", **counts)
