"""The one place that touches ``st.session_state``: what a session remembers, and its bounds."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar, cast

import streamlit as st

from facecore.serving.history import RunHistory
from facecore.settings import AnalysisSettings, RuntimeOptions
from facecore.sources.photo import Photo
from facecore.ui.photos import SessionPhotos

_T = TypeVar("_T")


def remembered(key: str, make: Callable[[], _T]) -> _T:
    """Return what is kept under a key, made when it is first asked for."""
    if key not in st.session_state:
        st.session_state[key] = make()
    return cast(_T, st.session_state[key])


def keep(key: str, value: object) -> None:
    """Remember something under a key instead of what was there before."""
    st.session_state[key] = value


def forget(key: str) -> Any:
    """Return what is kept under a key, or None, and keep it no longer."""
    return st.session_state.pop(key, None)


def photos() -> SessionPhotos:
    """Return this session's photos."""
    return remembered("facecore.photos", SessionPhotos)


def history() -> RunHistory:
    """Return this session's runs."""
    return remembered("facecore.history", RunHistory)


def session_key() -> str:
    """Return a name of this session for the queue, which lets sessions take turns."""
    return remembered("facecore.session_key", lambda: secrets.token_hex(8))


def own_photos() -> tuple[Photo, ...]:
    """Return the photos that the visitor uploaded or took."""
    return remembered("facecore.own_photos", tuple)


def keep_own_photos(own: Sequence[Photo]) -> None:
    """Remember the visitor's photos instead of those before, and show them."""
    st.session_state["facecore.own_photos"] = tuple(own)
    show_own_photos(bool(own))


def shows_own_photos() -> bool:
    """Return whether the visitor's photos are to be shown rather than a sample."""
    return remembered("facecore.shows_own", bool)


def show_own_photos(own: bool) -> None:
    """Show the visitor's photos, or the sample."""
    st.session_state["facecore.shows_own"] = own


def keep_message(message: str) -> None:
    """Remember a sentence about something that went wrong, for the next drawing of the page."""
    remembered("facecore.messages", list[str]).append(message)


def messages_once() -> list[str]:
    """Return the sentences that were kept, once."""
    return forget("facecore.messages") or []


def compared_photos() -> dict[str, Photo]:
    """Return the photos of this session's experiments, by SHA-256, to show them."""
    return remembered("facecore.compared_photos", dict)


def keep_only_photos(keys: Collection[str]) -> None:
    """Let go of all photos but these, with their answers and their files' bytes."""
    photos().keep_only(keys)
    compared = compared_photos()
    for sha256 in [sha256 for sha256, photo in compared.items() if photo.key not in keys]:
        del compared[sha256]


def use_files(file_ids: Collection[str]) -> None:
    """Remember of which uploaded files the batch is, by Streamlit's numbers."""
    st.session_state["facecore.batch_files"] = frozenset(file_ids)


def used_files() -> set[str]:
    """Return the uploaded files that photos and the batch are read from, by Streamlit's numbers."""
    own = {photo.number for photo in own_photos()}
    return own | remembered("facecore.batch_files", frozenset)


def swap_known_files(file_ids: Collection[str]) -> frozenset[str]:
    """Remember the uploaded files that there are, and return those that there were."""
    known: frozenset[str] = remembered("facecore.known_files", frozenset)
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
    """Remember what the sidebar says, for the page that is drawn after it."""
    st.session_state["facecore.settings"] = (settings, options)


def current_settings() -> tuple[AnalysisSettings, RuntimeOptions]:
    """Return what the sidebar says; the defaults where there is none."""
    return remembered("facecore.settings", lambda: (AnalysisSettings(), RuntimeOptions()))


def widget_value(key: str) -> Any:
    """Return what a widget holds, or None where it is not on the page."""
    return st.session_state.get(key)


def set_widget_values(values: Mapping[str, Any]) -> None:
    """Set widgets by key; only allowed before they are drawn, as in a callback."""
    for key, value in values.items():
        st.session_state[key] = value
