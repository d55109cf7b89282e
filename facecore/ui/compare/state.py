"""What a session remembers of its comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from facecore.experiment.background import BackgroundExperiment
from facecore.experiment.report import Outcome
from facecore.experiment.variants import Variant
from facecore.sources.names import unique_name
from facecore.ui import state

MAX_EXPERIMENTS = 10
"""Experiments that a session keeps; the raw trials of one take at most some MB."""


def variants() -> tuple[Variant, ...]:
    """Return the variants that the Compare page is to measure; empty before the first visit."""
    return state.remembered("facecore.variants", tuple)


def keep_variants(chosen: Sequence[Variant], claim: str = "") -> None:
    """Remember the variants to measure, and of which ready-made comparison they are, if any."""
    state.keep("facecore.variants", tuple(chosen))
    state.keep("facecore.claim", claim)


def chosen_claim() -> str:
    """Return the key of the ready-made comparison that the variants are, "" if they are none."""
    return state.remembered("facecore.claim", str)


def running_experiment() -> BackgroundExperiment | None:
    """Return the experiment that this session has under way or has just ended."""
    return state.remembered("facecore.running", lambda: None)


def keep_running_experiment(running: BackgroundExperiment | None) -> None:
    """Remember the experiment that is under way."""
    state.keep("facecore.running", running)


def experiments() -> dict[str, Outcome]:
    """Return the experiments that were measured or loaded, by title; the newest last."""
    return state.remembered("facecore.experiments", dict)


def keep_experiment(title: str, outcome: Outcome) -> None:
    """Remember an experiment to be shown next; the oldest of many make room for it."""
    known = experiments()
    others = {name for name, one in known.items() if one.experiment != outcome.experiment}
    unique = unique_name(title, others)
    known.pop(unique, None)
    known[unique] = outcome
    while len(known) > MAX_EXPERIMENTS:
        known.pop(next(iter(known)))
    # Its widget may be on the page already, and must not be set any more then.
    state.keep("facecore.show_next", unique)


def experiment_to_show_next() -> str | None:
    """Return the title of an experiment that has just come, once."""
    return cast(str | None, state.forget("facecore.show_next"))


def loaded_files() -> set[str]:
    """Return the uploaded experiment files that were read already, by Streamlit's number."""
    return state.remembered("facecore.loaded_files", set)
