"""The link: what it sets when a page is opened, said in a sentence where it cannot."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from facecore.errors import SettingsError
from facecore.models.catalogue import set_specs
from facecore.profiles.profile import MAX_NAME_LETTERS
from facecore.serving.service import process_service
from facecore.settings.presets import preset_name
from facecore.settings.setting import Setting
from facecore.ui import state
from facecore.ui.profile.controls import OFFERED, base, fill, of_preset, offered_engines, start_from
from facecore.wording import OFFERED as OFFERED_LANGUAGES
from facecore.wording import _

LANGUAGE_SWITCH = "language"
"""The key of the switch."""

_PRESET, _PROFILE, _LANGUAGE = "preset", "profile", "lang"


def read_link() -> None:
    """Set the controls as the link says, once in a session and before they are drawn."""
    if state.link_is_read():
        return
    state.link_is_read.keep(True)
    given = process_service().begins
    linked = st.query_params.to_dict()
    notes = state.settings_notes()
    if _PRESET in linked:
        try:
            given = of_preset(preset_name(linked[_PRESET]))
        except SettingsError as error:
            notes.append(_("The link: {error}", error=error))
    name = linked.get(_PROFILE, given.name)[:MAX_NAME_LETTERS]
    start_from(replace(given, name=name) if name != given.name else given)
    for name, one in OFFERED.items():
        if one.key in linked:
            try:
                fill({name: _value(one, linked[one.key])})
            except SettingsError as error:
                notes.append(
                    _("The link's {key} is passed over. {error}", key=one.key, error=error)
                )


def link_language() -> None:
    """Take the language that the link says, or have the link say the one that was chosen."""
    linked, chosen = st.query_params.get(_LANGUAGE), state.chosen_language()
    if linked in OFFERED_LANGUAGES and linked != chosen:
        state.chosen_language.keep(linked)
    elif chosen and linked != chosen:
        st.query_params[_LANGUAGE] = chosen


def choose_language() -> None:
    """Take the language that the switch says, from its callback; the link says it, too."""
    state.chosen_language.keep(state.widget_value(LANGUAGE_SWITCH))
    state.say_choices_again()
    st.query_params[_LANGUAGE] = state.chosen_language()


def write_link() -> None:
    """Have the link name the profile, and the preset that it tells the differences from."""
    name = state.widget_value(_PROFILE) or ""
    # Streamlit's own binding would leave out the preset that the control begins with, and the
    # name once the popover that it is in is closed.
    have_link_say(_PRESET, state.named_preset())
    have_link_say(_PROFILE, "" if name == base().name else name)


def have_link_say(key: str, text: str | None) -> None:
    """Have the link say something, in English; nothing for none.

    Streamlit's own binding would write what a control shows, in the visitor's language.
    """
    if not text:
        st.query_params.pop(key, None)
    elif st.query_params.get(key) != text:
        st.query_params[key] = text


def _value(setting: Setting, text: str) -> Any:
    if setting.name == "model_set":
        for name, spec in set_specs().items():
            if text.lower() in (name, spec.title.lower()):
                return name
        raise SettingsError("The model set must be one of {names}.", names=", ".join(set_specs()))
    value = setting.parse(text)
    setting.check(value)
    if setting.name == "engine" and value not in offered_engines().values():
        raise SettingsError(
            "The engine must be one of {names} here.", names=", ".join(offered_engines())
        )
    return value
