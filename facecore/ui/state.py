"""The one place that touches ``st.session_state``: what a session remembers, and its bounds."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar, cast

import streamlit as st

from facecore.monitor import RunHistory, SystemSample, SystemSampler
from facecore.settings import AnalysisSettings, RuntimeOptions
from facecore.ui.photos import SessionPhotos

_T = TypeVar("_T")

PhotoSource = Literal["sample", "upload", "camera"]

LIVE_SAMPLES = 60


def photos() -> SessionPhotos:
    """Give this session's photos."""
    return _remembered("facecore.photos", SessionPhotos)


def history() -> RunHistory:
    """Give this session's runs."""
    return _remembered("facecore.history", RunHistory)


def sampler() -> SystemSampler:
    """Give this session's sampler of the process and the machine."""
    return _remembered("facecore.sampler", SystemSampler)


def live_samples() -> deque[SystemSample]:
    """Give the newest samples of the live strip, oldest first, at most a minute of them."""
    return _remembered("facecore.live", lambda: deque(maxlen=LIVE_SAMPLES))


def photo_source() -> PhotoSource:
    """Say where the photo on the page comes from: the control that was used last."""
    return _remembered("facecore.source", _first_source)


def _first_source() -> PhotoSource:
    return "sample"


def choose_source(source: PhotoSource) -> None:
    """Note which control was used last."""
    st.session_state["facecore.source"] = source


def keep_settings(settings: AnalysisSettings, options: RuntimeOptions) -> None:
    """Note what the sidebar says, for the page that is drawn after it."""
    st.session_state["facecore.settings"] = (settings, options)


def current_settings() -> tuple[AnalysisSettings, RuntimeOptions]:
    """Give what the sidebar says; the defaults where there is none."""
    return _remembered("facecore.settings", lambda: (AnalysisSettings(), RuntimeOptions()))


def widget_value(key: str) -> Any:
    """Give what a widget holds, or None where it is not on the page."""
    return st.session_state.get(key)


def set_widget_values(values: Mapping[str, Any]) -> None:
    """Set widgets by key; only allowed before they are drawn, as in a callback."""
    for key, value in values.items():
        st.session_state[key] = value


def _remembered(key: str, make: Callable[[], _T]) -> _T:
    if key not in st.session_state:
        st.session_state[key] = make()
    return cast(_T, st.session_state[key])
