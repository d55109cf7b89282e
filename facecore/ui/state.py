"""The one place that touches ``st.session_state``: what a session remembers, and its bounds."""

from __future__ import annotations

import hashlib
import itertools
import secrets
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Generic, TypeVar, cast

import streamlit as st

from facecore.http.site_guard import visitor_of
from facecore.profiles.configuration import Configuration
from facecore.serving.history import RunHistory
from facecore.settings import AnalysisSettings, RuntimeOptions
from facecore.sources.photo import Photo
from facecore.ui.photos import SessionPhotos
from facecore.ui.streamlit_internals import is_connected, session_id, take_files
from facecore.wording import follow_page, offered_language

_T = TypeVar("_T")


def visitor() -> str:
    """Return what tells this visitor's browser from others, and cannot be guessed; "" if unknown.

    It is no secret: what the browser sends cannot be found from it.
    """
    secret = visitor_of(st.context.cookies.to_dict())
    return hashlib.sha256(secret.encode()).hexdigest() if secret else ""


class _Lasting:
    """What a session remembers over a reload of its page, which begins another session."""

    _numbers = itertools.count()

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.session = session_id()
        self.number = next(self._numbers)
        self.values: dict[str, Any] = {}


# Each is held by the sessions that use it, and gone with the last of them.
_ALL: weakref.WeakSet[_Lasting] = weakref.WeakSet()
_FINDING = threading.Lock()


def _lasting() -> _Lasting:
    """Return what lasts of this session: what the same browser's lost page left, or nothing yet."""
    key = "facecore.lasting"
    if key not in st.session_state:
        owner = visitor()
        with _FINDING:
            left = [one for one in _ALL if owner == one.owner and not is_connected(one.session)]
            found = max(left, key=lambda one: one.number) if owner and left else _Lasting(owner)
            former, found.session = found.session, session_id()
            _ALL.add(found)
        take_files(former, found.values.get("facecore.batch_files", ()))
        st.session_state[key] = found
    return cast(_Lasting, st.session_state[key])


class Remembered(Generic[_T]):
    """What a session remembers under a key, made when it is first asked for; call it to have it.

    What ``lasts`` is there again after a reload of the page.
    """

    def __init__(self, key: str, make: Callable[[], _T], *, lasts: bool = False) -> None:
        self._key = f"facecore.{key}"
        self._make = make
        self._lasts = lasts

    def __call__(self) -> _T:
        """Return what is remembered."""
        if self._key not in st.session_state:
            lasting = _lasting().values if self._lasts else {}
            self.keep(lasting[self._key] if self._key in lasting else self._make())
        return cast(_T, st.session_state[self._key])

    def keep(self, value: _T) -> None:
        """Remember something instead of what was there before."""
        st.session_state[self._key] = value
        if self._lasts:
            _lasting().values[self._key] = value

    def take(self) -> _T:
        """Return what is remembered, and remember it no longer."""
        value = self()
        del st.session_state[self._key]
        if self._lasts:
            del _lasting().values[self._key]
        return value


photos = Remembered("photos", SessionPhotos)
"""This session's photos."""

history = Remembered("history", RunHistory, lasts=True)
"""This session's runs."""

session_key = Remembered("session_key", lambda: secrets.token_hex(8), lasts=True)
"""A name of this session for the queue, which lets sessions take turns."""

own_photos = Remembered[tuple[Photo, ...]]("own_photos", tuple)
"""The photos that the visitor uploaded or took."""

opened_photo = Remembered("opened_photo", str)
"""The key of the visitor's photo that is shown in full; "" or one that is gone for the newest."""

uploads_key = Remembered("uploads_key", lambda: "uploads")
"""The key of the uploader of the visitor's photos; a new one is a new and empty uploader."""

shows_own_photos = Remembered("shows_own", bool)
"""Whether the visitor's photos are to be shown rather than a sample."""

chosen_face = Remembered("chosen_face", lambda: ("", 0))
"""The face that was chosen on the page Analyze: the photo's key, and its number from 1."""

finer_photo = Remembered("finer_photo", str)
"""The key of the photo that was zoomed into, so that it is shown in full."""

shown_photos = Remembered[OrderedDict[tuple[str, int], tuple[bytes, int]]](
    "shown_photos", OrderedDict
)
"""The photos that pages showed last: JPEG and its width, by key and longest side in pixels."""

messages = Remembered("messages", list[str])
"""Sentences about what went wrong, for the next drawing of the page."""

compared_photos = Remembered[dict[str, Photo]]("compared_photos", dict)
"""The photos of this session's experiments, by SHA-256, to show them."""

batch_files = Remembered[frozenset[str]]("batch_files", frozenset, lasts=True)
"""Of which uploaded files the batch is, by Streamlit's numbers."""

tune_files = Remembered[frozenset[str]]("tune_files", frozenset)
"""Of which uploaded files the labelled photos are, by Streamlit's numbers."""

known_files = Remembered[frozenset[str]]("known_files", frozenset)
"""The uploaded files that there were when the page was drawn last."""

chosen_language = Remembered("chosen_language", str, lasts=True)
"""The code of the language that the link or the visitor chose; "" for that of the browser."""

current_settings = Remembered("settings", lambda: (AnalysisSettings(), RuntimeOptions()))
"""What the sidebar says, for the page that is drawn after it; the defaults before."""

link_is_read = Remembered("link_is_read", bool)
"""Whether the settings of the link that opened this session are in the sidebar."""

named_preset = Remembered("named_preset", str)
"""The preset that the link names and tells the differences from; "" for the server's settings."""

began_with = Remembered("began_with", Configuration)
"""The preset or file that the sidebar was filled from: a profile keeps what no control shows."""

settings_notes = Remembered("settings_notes", list[str])
"""Sentences about what a link or a profile said in vain."""


def page_language() -> str | None:
    """Return the language of the page that is drawn, or None where none is."""
    return (chosen_language() or offered_language(st.context.locale)) if session_id() else None


follow_page(page_language)


def keep_own_photos(own: Sequence[Photo]) -> None:
    """Remember the visitor's photos instead of those before, show them, the newest in full."""
    before = {photo.key for photo in own_photos()}
    new = [photo.key for photo in own if photo.key not in before]
    if new:
        opened_photo.keep(new[-1])
    own_photos.keep(tuple(own))
    shows_own_photos.keep(bool(own))


def remove_own_photos() -> None:
    """Forget the visitor's photos all at once, and empty their uploader."""
    keep_own_photos(())
    uploads_key.keep(f"uploads_{secrets.token_hex(4)}")


def keep_only_photos(keys: Collection[str]) -> None:
    """Let go of all photos but these, with their answers and their files' bytes."""
    photos().keep_only(keys)
    shown = shown_photos()
    for one in [one for one in shown if one[0] not in keys]:
        del shown[one]
    compared = compared_photos()
    for sha256 in [sha256 for sha256, photo in compared.items() if photo.key not in keys]:
        del compared[sha256]


def used_files() -> set[str]:
    """Return the uploaded files that photos and batches are read from, by Streamlit's numbers."""
    return {photo.number for photo in own_photos()} | batch_files() | tune_files()


def measure_again() -> None:
    """Forget what was found out about all photos, so that they are read anew."""
    photos().forget()


def clear_runs() -> None:
    """Forget all runs, and the photos' answers that tell of them."""
    history().clear()
    photos().forget()


def widget_value(key: str) -> Any:
    """Return what a widget holds, or None where it is not on the page."""
    return st.session_state.get(key)


def set_widget_values(values: Mapping[str, Any]) -> None:
    """Set widgets by key; only allowed before they are drawn, as in a callback."""
    for key, value in values.items():
        st.session_state[key] = value


def say_choices_again() -> None:
    """Have the browser take the words of all choices anew, from a callback.

    It knows a choice by the word that it shows, and would go on to send that of another language.
    """
    for key, value in list(st.session_state.items()):
        is_choice = isinstance(value, str) or (
            isinstance(value, list) and value and all(isinstance(one, str) for one in value)
        )
        if is_choice and not str(key).startswith("facecore."):
            st.session_state[key] = value
