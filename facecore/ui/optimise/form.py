"""What is to be found: what matters, what must hold, what may vary, for how long."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import streamlit as st

from facecore.analysis.automatic import settled
from facecore.evaluation.labels import PersonLabel
from facecore.optimise.record import Constraints, Objective
from facecore.optimise.space import KNOBS, USUAL, variable_settings
from facecore.optimise.task import Task
from facecore.serving.service import process_service
from facecore.sources.photo import Photo
from facecore.ui import state
from facecore.ui.components import friendly_errors
from facecore.ui.optimise import run
from facecore.ui.profile.take_along import in_sidebar
from facecore.wording import Text, _, counted

_MOST_MINUTES = 120.0
_OBJECTIVES: dict[Objective, Text] = {
    "latency": Text("Fastest answer"),
    "throughput": Text("Most photos a second"),
    "memory": Text("Least memory"),
    "accuracy": Text("Best answers"),
}
_WHAT_IT_TAKES = Text(
    "Each way of reading that is tried has processes of its own, about half a gigabyte at a time. "
    "Pages are slower meanwhile; you can look at others."
)
_HOW_IT_GOES_ON = Text(
    "Goes on with the same search of the same photos for so many minutes more; what is kept of it "
    "outlasts a restart of the server."
)
_FLAGS = {
    "max_latency_ms": "--max-latency-ms",
    "max_memory_mb": "--max-memory-mb",
    "min_agreement_percent": "--min-agreement",
    "min_accuracy_percent": "--min-accuracy",
    "cores": "--cores",
}


class Wish(NamedTuple):
    """What matters, what must hold, and the names of what may vary."""

    objective: Objective
    constraints: Constraints
    vary: tuple[str, ...]


def chosen_wish() -> Wish:
    """Draw what is wished for, and return it."""
    objective = _objective()
    return Wish(objective, _constraints(objective), _parts(objective))


def _objective() -> Objective:
    return st.segmented_control(
        _("What matters"),
        list(_OBJECTIVES),
        default="latency",
        required=True,
        format_func=lambda one: _(_OBJECTIVES[one]),
        key="optimise_objective",
        persist_state="session",
        label_visibility="collapsed",
        width="stretch",
    )


def _constraints(objective: Objective) -> Constraints:
    places = st.grid(min_column_width=170)
    with places.cell():
        latency = _limit(_("Latency (p95) at most, ms"), "latency", 1.0, 60_000.0)
    with places.cell():
        memory = _limit(
            _("Memory at most, MB"), "memory", 1.0, 1e6, help_text=_("Of all processes.")
        )
    with places.cell():
        agreement = _agreement(objective)
    with places.cell():
        accuracy = _limit(
            _("Right answers at least, %"),
            "accuracy",
            2.0,
            100.0,
            help_text=_("This needs labels."),
        )
    with places.cell():
        cores = _limit(_("Processors"), "cores", 1, 1024)
    return Constraints(
        max_latency_ms=latency,
        max_memory_mb=memory,
        min_agreement_percent=agreement,
        min_accuracy_percent=accuracy,
        cores=None if cores is None else int(cores),
    )


def _limit(
    label: str, key: str, low: float, high: float, help_text: str | None = None
) -> float | None:
    return st.number_input(
        label,
        low,
        high,
        None,
        key=f"optimise_{key}",
        placeholder=_("any"),
        help=help_text,
        persist_state="session",
    )


def _agreement(objective: Objective) -> float | None:
    label = _("Same answers at least, %")
    if objective == "accuracy":
        # Better answers are other answers.
        return _limit(label, "free_agreement", 2.0, 100.0)
    return st.number_input(
        label,
        *(2.0, 100.0, 99.0, 0.5),
        key="optimise_agreement",
        help=_("Of the baseline's faces: else the fastest is whatever finds none."),
        persist_state="session",
    )


def _parts(objective: Objective) -> tuple[str, ...]:
    known = {name: _(one.label) for name, one in variable_settings().items()}
    known[KNOBS] = _("the engines' own options")
    usual = [*USUAL, *(["replicas"] if objective == "throughput" else [])]
    return tuple(
        st.pills(
            _("What may vary"),
            list(known),
            selection_mode="multi",
            default=usual,
            format_func=lambda name: known[name],
            key=f"optimise_vary_{len(usual)}",
            persist_state="session",
        )
    )


def start(wish: Wish, photos: Sequence[Photo], labels: Mapping[str, PersonLabel]) -> None:
    """Draw how long it may take, and the buttons that start the search or go on with it."""
    row = st.container(horizontal=True, vertical_alignment="bottom")
    minutes = row.number_input(
        _("Minutes"),
        *(0.1, _MOST_MINUTES, 5.0, 1.0),
        key="optimise_minutes",
        persist_state="session",
        width=140,
    )
    seed = row.number_input(
        _("Seed"),
        *(0, 2**31 - 1, 1),
        key="optimise_seed",
        help=_("Of what is tried, and of the order."),
        persist_state="session",
        width=140,
    )
    is_new = row.button(
        _("Search on {photos}", photos=counted(len(photos), "photo")),
        key="optimise_start",
        type="primary",
        icon=":material/play_arrow:",
        disabled=run.is_running(),
        help=_(_WHAT_IT_TAKES),
    )
    goes_on = row.button(
        _("Go on"),
        key="optimise_resume",
        icon=":material/resume:",
        disabled=run.is_running(),
        help=_(_HOW_IT_GOES_ON),
    )
    if is_new or goes_on:
        with friendly_errors():
            task = _task(wish, 60 * minutes, int(seed), labels)
            run.start(task, {one.name: one.read() for one in photos}, resume=goes_on)
            st.rerun()


def _task(wish: Wish, budget_s: float, seed: int, labels: Mapping[str, PersonLabel]) -> Task:
    settings, options = state.current_settings()
    task = Task(
        baseline=in_sidebar("", settings, settled(options)),
        objective=wish.objective,
        constraints=wish.constraints,
        vary=wish.vary,
        seed=seed,
        budget_s=budget_s,
        labels=labels,
        max_pixels=process_service().max_pixels,
    )
    return replace(task, command=shlex.join(_command(task)))


def _command(task: Task) -> list[str]:
    """Return the words that run it again; the files' names are for whoever saves them."""
    words = ["facecore", "optimise", "PHOTOS", "--settings", "baseline.toml"]
    words += ["--objective", task.objective]
    for name, flag in _FLAGS.items():
        value = getattr(task.constraints, name)
        words += [] if value is None else [flag, f"{value:g}"]
    words += ["--vary", ",".join(task.vary)] if task.vary else []
    words += ["--labels", "labels.csv"] if task.labels else []
    return [*words, "--seconds", f"{task.budget_s:g}", "--seed", str(task.seed)]
