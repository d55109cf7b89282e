"""The settings in the sidebar: grouped, explained, kept in the link, with presets and a reset."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from facecore.errors import SettingsError
from facecore.machine.container import read_limits, threads_within_quota
from facecore.models.catalogue import SetSpec, set_spec, set_specs
from facecore.models.files import INSTALL
from facecore.profiles.configuration import Configuration
from facecore.serving.service import process_service
from facecore.settings import DEFAULT_MODEL_SET, AnalysisSettings, RuntimeOptions
from facecore.settings.presets import (
    PRESET_HELP,
    PRESETS,
    RECOMMENDED,
    check_together,
    preset_options,
)
from facecore.settings.setting import GROUPS, Setting, differences_in_words
from facecore.ui import state
from facecore.ui.profile.controls import (
    ANALYSIS,
    OFFERED,
    RUNTIME,
    base,
    fill,
    of_preset,
    offered_engines,
    start_from,
    values_of,
)
from facecore.ui.profile.link import (
    LANGUAGE_SWITCH,
    choose_language,
    have_link_say,
    read_link,
    write_link,
)
from facecore.ui.profile.take_along import take_along
from facecore.wording import OFFERED as OFFERED_LANGUAGES
from facecore.wording import Text, _, language, name_of

_TOLD = (*ANALYSIS, "engine")


def settings_sidebar(*, draw: bool = True) -> tuple[AnalysisSettings, RuntimeOptions]:
    """Draw the settings and return what they say.

    Each is bound to the link under its key, so that a link carries the settings, and lasts
    while a page is shown that has none.

    Args:
        draw: whether they act on the page; where they do not, they hold what they held.

    Raises:
        SettingsError: they do not go together.
    """
    read_link()
    begins = process_service().begins
    _language_switch(st.sidebar)
    if not draw:
        return state.current_settings()
    with st.sidebar:
        model_set = _networks()
        st.subheader(_("Settings"))
        chosen = st.selectbox(
            _("Preset"),
            list(PRESETS),
            format_func=_,
            key="preset",
            on_change=_start_from_preset,
            persist_state="session",
        )
        st.caption(_(PRESET_HELP[chosen]))
        write_link()
        changed = st.container()
        values = {"model_set": model_set} | _controls(set_spec(model_set).without)
        settings = AnalysisSettings(**{name: values[name] for name in ANALYSIS})
        options = _options(values, begins.options)
        if words := _differences(values, chosen):
            changed.caption(_("Differs from {preset}: {words}.", preset=Text(chosen), words=words))
        take_along(settings, options)
        is_usual = (settings, options, chosen) == (begins.settings, begins.options, begins.preset)
        _reset_button(begins, is_usual)
    return settings, options


def _options(values: dict[str, Any], usual: RuntimeOptions) -> RuntimeOptions:
    options = RuntimeOptions(**{name: values[name] for name in RUNTIME})
    # The server's own networks, and not some that differ in what no control shows.
    return usual if options == replace(usual, engine_options=()) else options


def _differences(values: dict[str, Any], chosen: str) -> str:
    held = {name: value for name, value in values.items() if name in _TOLD}
    plain = values_of(of_preset(chosen))
    return differences_in_words(held, {name: plain[name] for name in held}, OFFERED)


def _reset_button(begins: Configuration, is_usual: bool) -> None:
    st.button(
        _("Reset to defaults"),
        icon=":material/restart_alt:",
        on_click=start_from,
        args=(begins,),
        disabled=is_usual,
        width="stretch",
    )


def _language_switch(place: DeltaGenerator) -> None:
    if len(OFFERED_LANGUAGES) > 1:
        state.set_widget_values({LANGUAGE_SWITCH: language()})
        place.segmented_control(
            "Language / 语言",
            OFFERED_LANGUAGES,
            format_func=name_of,
            key=LANGUAGE_SWITCH,
            on_change=choose_language,
            required=True,
            label_visibility="collapsed",
        )


def _networks() -> str:
    """Draw the switch between the model sets, and return the one to read with."""
    specs, key = set_specs(), RUNTIME["model_set"].key
    usual = base().options.model_set
    chosen = st.radio(
        _("Networks"),
        list(specs),
        format_func=lambda name: _(specs[name].title),
        captions=[_(spec.summary) for spec in specs.values()],
        key=key,
        on_change=_fit_preset,
        persist_state="session",
    )
    have_link_say(key, None if chosen == usual else chosen)
    if specs[chosen].is_there or not specs[chosen].wheels:
        return chosen
    st.warning(not_installed(specs[chosen]))
    return DEFAULT_MODEL_SET


def not_installed(spec: SetSpec) -> str:
    """Return what to do about a model set that is not there, as a sentence."""
    return _(
        "The set {title} is not installed: run `{command}` on the server.",
        title=Text(spec.title),
        command=INSTALL,
    )


def _controls(without: Collection[str]) -> dict[str, Any]:
    values = {}
    begun = values_of(base())
    for group in GROUPS:
        if not group.fold:
            st.markdown(f"**{_(group.title)}**")
        with st.expander(_(group.fold)) if group.fold else nullcontext():
            for name, one in OFFERED.items():
                if one.group == group and name != "model_set":
                    offered = offered_engines() if name == "engine" else None
                    values[name] = control(
                        one,
                        begun[name],
                        one.key,
                        offered=offered,
                        bind="query-params",
                        disabled=name in without,
                        persist_state="session",
                    )
    return values


def control(
    setting: Setting,
    value: Any,
    key: str,
    *,
    offered: Mapping[str, Any] | None = None,
    **widget: Any,
) -> Any:
    """Draw the control that fits a setting, and return the value that it holds.

    Args:
        setting: what is to be set.
        value: where the control begins, which the link does not tell.
        key: the control's own, which is also its name in the link.
        offered: the values to choose from by their words, instead of the setting's own.
        widget: more that Streamlit's controls take, such as ``bind="query-params"`` for one
            that the link carries.
    """
    more: dict[str, Any] = {"key": key, "help": _(setting.help), **widget}
    if setting.is_switch:
        return st.toggle(setting.title, value, **more)
    if setting.step and setting.limits:
        low, high = setting.limits
        number = st.number_input if high > 1 else st.slider
        return number(setting.title, low, high, type(low)(value), setting.step, **more)
    by_word = dict(offered or {setting.text(one): one for one in _choices(setting)})
    held = state.widget_value(key)
    # What a preset, a link or a file has may be none of the usual values.
    if value not in by_word.values():
        by_word[setting.text(value)] = value
    if isinstance(held, str) and held not in by_word:
        by_word[held] = setting.parse(held)
    is_linked = more.pop("bind", None) is not None
    word = _word(setting, list(by_word), list(by_word.values()).index(value), more)
    if is_linked:
        have_link_say(key, None if by_word[word] == value else word)
    return by_word[word]


def _word(setting: Setting, words: list[str], first: int, more: dict[str, Any]) -> Any:
    """Draw the choice of a word, and return it."""
    more["format_func"] = _
    if isinstance(setting.default, str):
        return st.radio(setting.title, words, first, horizontal=True, **more)
    if setting.choices or setting.offered:
        return st.select_slider(setting.title, words, words[first], **more)
    return st.selectbox(setting.title, words, first, **more)


def _choices(setting: Setting) -> tuple[Any, ...]:
    threads = range(1, threads_within_quota(read_limits()) + 1)
    return setting.choices or setting.offered or (setting.empty, *threads)


def use_confidence(confidence: float) -> None:
    """Set the confidence slider, from a callback of any page; rounded down to its step."""
    state.set_widget_values({"confidence": slider_step(confidence)})


def use_preset(name: str, **changed: Any) -> None:
    """Take a preset, from a callback of any page, but for what is changed of it."""
    _start_from(name)
    fill(changed)


def slider_step(confidence: float) -> float:
    """Round down to what a slider can say, so that a box with this confidence still counts."""
    return max(0.01, math.floor(confidence * 100 + 1e-9) / 100)


def _start_from_preset() -> None:
    _start_from(state.widget_value("preset"))


def _start_from(preset: str) -> None:
    chosen = of_preset(preset)
    threads = RUNTIME["threads"]
    # What a preset says nothing of stays.
    kept: dict[str, Any] = {"threads": threads.parse(state.widget_value(threads.key))}
    if preset_options(preset) == RuntimeOptions():
        kept["model_set"] = state.widget_value(RUNTIME["model_set"].key)
    name = state.widget_value("profile") or ""
    start_from(replace(chosen, name=name, options=replace(chosen.options, **kept)))


def _fit_preset() -> None:
    try:
        check_together(
            state.widget_value("preset"),
            RuntimeOptions(model_set=state.widget_value(RUNTIME["model_set"].key)),
        )
    except SettingsError:
        _start_from(RECOMMENDED)
