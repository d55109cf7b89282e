"""What all sessions of the server share: the loaded networks, and facts that do not change."""

from __future__ import annotations

import streamlit as st

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.engines import engine_facts
from facecore.engines.facts import EngineFacts, NetworkProfile
from facecore.machine.container import read_limits, threads_within_quota
from facecore.models.catalogue import REPOSITORY_MODELS_DIR, FileStatus, all_file_statuses
from facecore.serving.service import MAX_OPTIONS, FaceService, process_service
from facecore.settings import RuntimeOptions
from facecore.ui.waiting import session_turn


@st.cache_resource(show_spinner=False)
def service() -> FaceService:
    """Return the process's one queue and the networks behind it, loaded once for all sessions.

    It is the process's own, which the HTTP API has as well, so that a cleared
    cache loads nothing twice.

    Raises:
        SettingsError: a variable of the environment is no number or outside its range.
    """
    return process_service()


def analyzer(options: RuntimeOptions) -> FaceAnalyzer:
    """Return a set of networks for these options; it is loaded, at the queue, where there is none.

    Not for a run, which takes a turn and the networks that come with it.

    Raises:
        BusyError: there is none, and the queue gives no turn to load one.
        ModelError: a file is missing or wrong, or OpenCV cannot load it.
    """
    loaded = service().loaded(options)
    if loaded:
        return loaded[0]
    with (
        st.spinner("Loading the three networks …"),
        session_turn(service(), options) as turn,
    ):
        return turn.analyzer


@st.cache_data(max_entries=MAX_OPTIONS, ttl="10m", show_spinner="Timing each layer …")
def profiles(options: RuntimeOptions) -> tuple[NetworkProfile, ...]:
    """Return each network's time per layer, measured now and kept for ten minutes.

    Raises:
        BusyError: the queue gives no turn to measure.
        ModelError: a file is missing or wrong, or OpenCV cannot load it.
    """
    # Those who look wait for the one who measures, whose session does not matter.
    with service().turn("profiles", options) as turn:
        return tuple(network.profile() for network in turn.analyzer.networks)


@st.cache_data(max_entries=1, ttl="1m", show_spinner="Checking the files …")
def file_statuses() -> tuple[FileStatus, ...]:
    """Return where the networks' files are and whether they are right; checked once a minute."""
    return all_file_statuses()


@st.cache_data(max_entries=MAX_OPTIONS, show_spinner=False)
def facts(options: RuntimeOptions) -> EngineFacts:
    """Return the facts of this OpenCV build under these options, as the networks have them."""
    return engine_facts(service().effective(options))


def usable_threads() -> int:
    """Say how many threads can run at once here."""
    return threads_within_quota(read_limits())


@st.cache_data(show_spinner=False)
def model_card() -> str:
    """Return what was measured of the networks, and what they are not for, as Markdown."""
    return (REPOSITORY_MODELS_DIR / "MODEL_CARD.md").read_text(encoding="utf-8")
