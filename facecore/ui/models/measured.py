"""What the Models page tells of the networks: found out once for all sessions, and kept a while."""

from __future__ import annotations

import streamlit as st

from facecore.engines import engine_facts
from facecore.engines.facts import EngineFacts, NetworkProfile
from facecore.models.catalogue import FileStatus, all_file_statuses
from facecore.places import document
from facecore.serving.service import MAX_OPTIONS, process_service
from facecore.settings import RuntimeOptions


@st.cache_data(max_entries=MAX_OPTIONS, ttl="10m", show_spinner=False)
def profiles(options: RuntimeOptions) -> tuple[NetworkProfile, ...]:
    """Return each network's time per layer, measured now and kept for ten minutes.

    Raises:
        BusyError: the queue gives no turn to measure.
        ModelError: a file is missing or wrong, or the engine cannot load it.
    """
    # Those who look wait for the one who measures, whose session does not matter.
    with process_service().turn("profiles", options) as turn:
        return tuple(network.profile() for network in turn.analyzer.networks)


@st.cache_data(max_entries=MAX_OPTIONS, ttl="1m", show_spinner=False)
def file_statuses(model_set: str) -> tuple[FileStatus, ...]:
    """Return where a set's files are and whether they are right; checked once a minute."""
    return all_file_statuses(model_set)


@st.cache_data(max_entries=MAX_OPTIONS, show_spinner=False)
def facts(options: RuntimeOptions) -> EngineFacts:
    """Return the facts of the engine under these options, as the networks have them."""
    return engine_facts(process_service().effective(options))


@st.cache_data(show_spinner=False)
def model_card(language: str) -> str:
    """Return what was measured of the networks, and what they are not for, as Markdown.

    Args:
        language: its code; English where there is no card in it.
    """
    return document("models/MODEL_CARD.md", language).read_text(encoding="utf-8")
