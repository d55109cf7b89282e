"""What a session remembers of its comparisons."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence

from facecore.errors import FacecoreError
from facecore.evaluation.labels import PersonLabel
from facecore.experiment.background import BackgroundExperiment
from facecore.experiment.record import Experiment
from facecore.experiment.report import Outcome
from facecore.experiment.storage import experiment_from_json, experiment_to_json, without_names
from facecore.experiment.variants import Variant
from facecore.serving.service import process_service
from facecore.sources.names import unique_name
from facecore.ui.state import Remembered, visitor

_KIND = "experiment"
MAX_EXPERIMENTS = 10
"""Experiments that a session keeps; the raw trials of one take at most some MB."""


def title_of(experiment: Experiment) -> str:
    """Return what an experiment that was measured here is called."""
    names = " / ".join(variant.name for variant in experiment.plan.variants)
    return f"{experiment.started_at:%Y-%m-%d %H:%M:%S} UTC, {names}"


def keeper() -> Callable[[BackgroundExperiment], None]:
    """Return what stores an experiment of this visitor when it is over."""
    store, owner = process_service().store, visitor()

    def keep(running: BackgroundExperiment) -> None:
        found = running.result
        if found is not None and found.trials:
            stored = found if store.with_names else without_names(found)
            body = zlib.compress(experiment_to_json(stored))
            store.keep(owner, _KIND, found.started_at.isoformat(), body)

    return keep


def _stored() -> dict[str, Outcome]:
    """Return the visitor's experiments from before the server's last start, by title."""
    found: dict[str, Outcome] = {}
    for body in process_service().store.kept(visitor(), _KIND):
        try:
            experiment = experiment_from_json(zlib.decompress(body))
        except (FacecoreError, zlib.error):
            continue  # of another version
        found[unique_name(title_of(experiment), set(found))] = Outcome.of(experiment)
    return found


variants = Remembered[tuple[Variant, ...]]("variants", tuple)
"""The variants that the Compare page is to measure; empty before the first visit."""

chosen_claim = Remembered("claim", str)
"""The key of the ready-made comparison that the variants are, "" if they are none."""

labels = Remembered[dict[str, PersonLabel]]("compare_labels_known", dict, lasts=True)
"""What is known of photos, by the file's name in the visitor's table."""

running_experiment = Remembered[BackgroundExperiment | None]("running", lambda: None, lasts=True)
"""The experiment that this session has under way or has just ended."""

experiments = Remembered[dict[str, Outcome]]("experiments", _stored, lasts=True)
"""The experiments that were measured or loaded, by title; the newest last."""

show_next = Remembered[str | None]("show_next", lambda: None)
"""The title of an experiment that has just come."""

loaded_files = Remembered[set[str]]("loaded_files", set)
"""The uploaded experiment files that were read already, by Streamlit's number."""


def keep_variants(chosen: Sequence[Variant], claim: str = "") -> None:
    """Remember the variants to measure, and of which ready-made comparison they are, if any."""
    variants.keep(tuple(chosen))
    chosen_claim.keep(claim)


def forget_experiment(experiment: Experiment | None) -> str:
    """Forget an experiment, as it goes on in another; return its title, "" where it is unknown."""
    known = experiments()
    title = next((name for name, one in known.items() if one.experiment == experiment), "")
    known.pop(title, None)
    return title


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
    show_next.keep(unique)
