"""The one place that touches ``st.session_state``: what a session remembers, and its bounds."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

import streamlit as st

from facecore.monitor import RunHistory, SystemSample, SystemSampler
from facecore.settings import AnalysisSettings, RuntimeOptions
from facecore.ui.photos import PhotoInput, SessionPhotos
from facecore.ui.truth import Truth

_T = TypeVar("_T")

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
    """Give the newest samples of the live strip, oldest first, at most 60 of them."""
    return _remembered("facecore.live", lambda: deque(maxlen=LIVE_SAMPLES))


def session_key() -> str:
    """Give a name of this session for the gate, which lets sessions take turns."""
    return _remembered("facecore.session_key", lambda: secrets.token_hex(8))


def restart_live() -> None:
    """Forget the live strip's samples, as after a while on another page."""
    st.session_state.pop("facecore.sampler", None)
    live_samples().clear()


def own_photos() -> tuple[PhotoInput, ...]:
    """Give the photos that the visitor uploaded or took."""
    return _remembered("facecore.own_photos", tuple)


def keep_own_photos(own: Sequence[PhotoInput]) -> None:
    """Remember the visitor's photos instead of those before, and show them."""
    st.session_state["facecore.own_photos"] = tuple(own)
    show_own_photos(bool(own))


def shows_own_photos() -> bool:
    """Tell whether the visitor's photos are to be shown rather than a sample."""
    return _remembered("facecore.shows_own", bool)


def show_own_photos(own: bool) -> None:
    """Show the visitor's photos, or the sample."""
    st.session_state["facecore.shows_own"] = own


def truth() -> Truth:
    """Give what the visitor's tables say of the photos."""
    return _remembered("facecore.truth", Truth)


def keep_truth(tables: Truth) -> None:
    """Remember what the visitor's tables say instead of those before."""
    st.session_state["facecore.truth"] = tables


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
