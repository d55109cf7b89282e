"""What all sessions of the server share: the loaded networks, and facts that do not change."""

from __future__ import annotations

import streamlit as st

from facecore.analyzer import FaceAnalyzer
from facecore.container import read_limits, threads_within_quota
from facecore.memory_plan import memory_plan
from facecore.network import engine_facts
from facecore.profiles import EngineFacts, NetworkProfile
from facecore.registry import REPOSITORY_MODELS_DIR, FileStatus, all_file_statuses
from facecore.settings import RuntimeOptions, max_pixels_from_environment

MAX_NETWORK_SETS = memory_plan().network_sets
"""Sets of the three networks kept in memory, about 290 MB each: one per runtime options."""


@st.cache_resource(max_entries=MAX_NETWORK_SETS, show_spinner="Loading the three networks …")
def analyzer(options: RuntimeOptions) -> FaceAnalyzer:
    """Give the networks for these options, loaded once per process.

    Raises:
        ModelError: a file is missing or wrong, or OpenCV cannot load it.
        SettingsError: the pixel limit in the environment is no number.
    """
    return FaceAnalyzer.load(options, max_pixels=max_pixels())


def max_pixels() -> int:
    """Give the most pixels of a photo: what the environment says, or what the memory allows.

    Raises:
        SettingsError: the pixel limit in the environment is no number.
    """
    return max_pixels_from_environment(memory_plan().max_pixels)


@st.cache_data(max_entries=MAX_NETWORK_SETS, ttl="10m", show_spinner="Timing each layer …")
def profiles(options: RuntimeOptions) -> tuple[NetworkProfile, ...]:
    """Give each network's time per layer, measured now and kept for ten minutes."""
    return tuple(network.profile() for network in analyzer(options).networks)


@st.cache_data(max_entries=1, ttl="1m", show_spinner="Checking the files …")
def file_statuses() -> tuple[FileStatus, ...]:
    """Give where the networks' files are and whether they are right; checked once a minute."""
    return all_file_statuses()


@st.cache_data(max_entries=MAX_NETWORK_SETS, show_spinner=False)
def facts(options: RuntimeOptions) -> EngineFacts:
    """Give the facts of this OpenCV build under these options."""
    return engine_facts(options)


def usable_threads() -> int:
    """Say how many threads can run at once here."""
    return threads_within_quota(read_limits())


@st.cache_data(show_spinner=False)
def model_card() -> str:
    """Give what was measured of the networks, and what they are not for, as Markdown."""
    return (REPOSITORY_MODELS_DIR / "MODEL_CARD.md").read_text(encoding="utf-8")
