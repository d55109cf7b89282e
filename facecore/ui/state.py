"""The one place that touches ``st.session_state``: what a session remembers, and its bounds."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar, cast

import streamlit as st

from facecore.batch.background import BackgroundBatch
from facecore.experiment.background import BackgroundExperiment
from facecore.experiment.report import Outcome
from facecore.experiment.variants import Variant
from facecore.machine.sampler import SystemSample, SystemSampler
from facecore.serving.history import RunHistory
from facecore.settings import AnalysisSettings, RuntimeOptions
from facecore.sources.photo import Photo
from facecore.ui.photos import SessionPhotos
from facecore.ui.tune.truth import Truth

_T = TypeVar("_T")

LIVE_SAMPLES = 60
MAX_EXPERIMENTS = 10
"""Experiments that a session keeps; the raw trials of one take at most some MB."""


def photos() -> SessionPhotos:
    """Return this session's photos."""
    return _remembered("facecore.photos", SessionPhotos)


def history() -> RunHistory:
    """Return this session's runs."""
    return _remembered("facecore.history", RunHistory)


def sampler() -> SystemSampler:
    """Return this session's sampler of the process and the machine."""
    return _remembered("facecore.sampler", SystemSampler)


def live_samples() -> deque[SystemSample]:
    """Return the newest samples of the live strip, oldest first, at most 60 of them."""
    return _remembered("facecore.live", lambda: deque(maxlen=LIVE_SAMPLES))


def session_key() -> str:
    """Return a name of this session for the queue, which lets sessions take turns."""
    return _remembered("facecore.session_key", lambda: secrets.token_hex(8))


def restart_live() -> None:
    """Forget the live strip's samples, as after a while on another page."""
    st.session_state.pop("facecore.sampler", None)
    live_samples().clear()


def own_photos() -> tuple[Photo, ...]:
    """Return the photos that the visitor uploaded or took."""
    return _remembered("facecore.own_photos", tuple)


def keep_own_photos(own: Sequence[Photo]) -> None:
    """Remember the visitor's photos instead of those before, and show them."""
    st.session_state["facecore.own_photos"] = tuple(own)
    show_own_photos(bool(own))


def shows_own_photos() -> bool:
    """Return whether the visitor's photos are to be shown rather than a sample."""
    return _remembered("facecore.shows_own", bool)


def show_own_photos(own: bool) -> None:
    """Show the visitor's photos, or the sample."""
    st.session_state["facecore.shows_own"] = own


def truth() -> Truth:
    """Return what the visitor's tables say of the photos."""
    return _remembered("facecore.truth", Truth)


def keep_truth(tables: Truth) -> None:
    """Remember what the visitor's tables say instead of those before."""
    st.session_state["facecore.truth"] = tables


def variants() -> tuple[Variant, ...]:
    """Return the variants that the Compare page is to measure; empty before the first visit."""
    return _remembered("facecore.variants", tuple)


def keep_variants(chosen: Sequence[Variant], claim: str = "") -> None:
    """Remember the variants to measure, and of which ready-made comparison they are, if any."""
    st.session_state["facecore.variants"] = tuple(chosen)
    st.session_state["facecore.claim"] = claim


def chosen_claim() -> str:
    """Return the key of the ready-made comparison that the variants are, "" if they are none."""
    return _remembered("facecore.claim", str)


def running_experiment() -> BackgroundExperiment | None:
    """Return the experiment that this session has under way or has just ended."""
    return _remembered("facecore.running", lambda: None)


def keep_running_experiment(running: BackgroundExperiment | None) -> None:
    """Remember the experiment that is under way."""
    st.session_state["facecore.running"] = running


def experiments() -> dict[str, Outcome]:
    """Return the experiments that were measured or loaded, by title; the newest last."""
    return _remembered("facecore.experiments", dict)


def keep_experiment(title: str, outcome: Outcome) -> None:
    """Remember an experiment to be shown next; the oldest of many make room for it."""
    known = experiments()
    number, unique = 2, title
    while unique in known and known[unique].experiment != outcome.experiment:
        unique, number = f"{title} ({number})", number + 1
    known.pop(unique, None)
    known[unique] = outcome
    while len(known) > MAX_EXPERIMENTS:
        known.pop(next(iter(known)))
    # Its widget may be on the page already, and must not be set any more then.
    st.session_state["facecore.show_next"] = unique


def experiment_to_show_next() -> str | None:
    """Return the title of an experiment that has just come, once."""
    return cast(str | None, st.session_state.pop("facecore.show_next", None))


def loaded_files() -> set[str]:
    """Return the uploaded experiment files that were read already, by Streamlit's number."""
    return _remembered("facecore.loaded_files", set)


def keep_message(message: str) -> None:
    """Remember a sentence about something that went wrong, for the next drawing of the page."""
    _messages().append(message)


def messages_once() -> list[str]:
    """Return the sentences that were kept, once."""
    kept = list(_messages())
    _messages().clear()
    return kept


def _messages() -> list[str]:
    return _remembered("facecore.messages", list)


def compared_photos() -> dict[str, Photo]:
    """Return the photos of this session's experiments, by SHA-256, to show them."""
    return _remembered("facecore.compared_photos", dict)


def keep_only_photos(keys: Collection[str]) -> None:
    """Let go of all photos but these, with their answers and their files' bytes."""
    photos().keep_only(keys)
    compared = compared_photos()
    for sha256 in [sha256 for sha256, photo in compared.items() if photo.key not in keys]:
        del compared[sha256]


def batch() -> BackgroundBatch | None:
    """Return this session's batch of photos, under way or ended."""
    return _remembered("facecore.batch", lambda: None)


def keep_batch(batch: BackgroundBatch | None, file_ids: Collection[str] = ()) -> None:
    """Remember a batch, and of which uploaded files it is, instead of the one before."""
    st.session_state["facecore.batch"] = batch
    st.session_state["facecore.batch_files"] = frozenset(file_ids)


def used_files() -> set[str]:
    """Return the uploaded files that photos and the batch are read from, by Streamlit's numbers."""
    own = {photo.number for photo in own_photos()}
    return own | _remembered("facecore.batch_files", frozenset)


def swap_known_files(file_ids: Collection[str]) -> frozenset[str]:
    """Remember the uploaded files that there are, and give those that there were."""
    known: frozenset[str] = _remembered("facecore.known_files", frozenset)
    st.session_state["facecore.known_files"] = frozenset(file_ids)
    return known


def measure_again() -> None:
    """Forget what was found out about all photos, so that they are read anew."""
    photos().forget()


def clear_runs() -> None:
    """Forget all runs, and the photos' answers that tell of them."""
    history().clear()
    photos().forget()


def keep_settings(settings: AnalysisSettings, options: RuntimeOptions) -> None:
    """Note what the sidebar says, for the page that is drawn after it."""
    st.session_state["facecore.settings"] = (settings, options)


def current_settings() -> tuple[AnalysisSettings, RuntimeOptions]:
    """Return what the sidebar says; the defaults where there is none."""
    return _remembered("facecore.settings", lambda: (AnalysisSettings(), RuntimeOptions()))


def widget_value(key: str) -> Any:
    """Return what a widget holds, or None where it is not on the page."""
    return st.session_state.get(key)


def set_widget_values(values: Mapping[str, Any]) -> None:
    """Set widgets by key; only allowed before they are drawn, as in a callback."""
    for key, value in values.items():
        st.session_state[key] = value


def _remembered(key: str, make: Callable[[], _T]) -> _T:
    if key not in st.session_state:
        st.session_state[key] = make()
    return cast(_T, st.session_state[key])
