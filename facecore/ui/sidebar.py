"""The settings in the sidebar: grouped, explained, kept in the link, with presets and a reset."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from contextlib import nullcontext
from dataclasses import asdict
from typing import Any

import streamlit as st

from facecore.engines import engines
from facecore.errors import SettingsError
from facecore.machine.container import read_limits, threads_within_quota
from facecore.models.catalogue import SetSpec, set_spec, set_specs
from facecore.models.files import INSTALL
from facecore.serving.service import process_service
from facecore.settings import DEFAULT_MODEL_SET, AnalysisSettings, RuntimeOptions
from facecore.settings.presets import (
    PRESET_HELP,
    PRESETS,
    RECOMMENDED,
    check_together,
    preset_options,
)
from facecore.settings.setting import GROUPS, Setting, declared, differences_in_words
from facecore.ui import state

_ANALYSIS = declared(AnalysisSettings)
# The engine's own knobs act on the whole process, which all visitors share: see Compare.
_RUNTIME = declared(RuntimeOptions)
_OFFERED = {**_ANALYSIS, **_RUNTIME}


def settings_sidebar() -> tuple[AnalysisSettings, RuntimeOptions]:
    """Draw the settings and return what they say.

    Each is bound to the link under its key, so that a link carries the settings.

    Raises:
        SettingsError: they do not go together.
    """
    with st.sidebar:
        model_set = _networks()
        st.subheader("Settings")
        chosen = st.selectbox("Preset", list(PRESETS), key="preset", on_change=_fill_from_preset)
        st.caption(PRESET_HELP[chosen])
        changed = st.container()
        values = {"model_set": model_set} | _controls(set_spec(model_set).without)
        settings = AnalysisSettings(**{name: values[name] for name in _ANALYSIS})
        options = RuntimeOptions(**{name: values[name] for name in _RUNTIME})
        ours = asdict(settings) | {"engine": options.engine}
        words = differences_in_words(ours, _of_preset(chosen), _OFFERED)
        if words:
            changed.caption(f"Differs from {chosen}: {words}.")
        st.button(
            "Reset to defaults",
            icon=":material/restart_alt:",
            on_click=_reset,
            disabled=(settings, options, chosen)
            == (AnalysisSettings(), process_service().options, RECOMMENDED),
            width="stretch",
        )
        st.caption("The link in the address bar carries these settings.")
    return settings, options


def _networks() -> str:
    """Draw the switch between the model sets, and return the one to read with."""
    specs, key = set_specs(), _RUNTIME["model_set"].key
    usual = process_service().options.model_set
    if state.widget_value(key) not in specs:
        state.set_widget_values({key: _linked_set(specs) or usual})
    chosen = st.radio(
        "Networks",
        list(specs),
        format_func=lambda name: specs[name].title,
        captions=[spec.summary for spec in specs.values()],
        key=key,
        on_change=_fit_preset,
    )
    # Streamlit's own binding would write the title, which no other interface takes.
    in_link = None if chosen == usual else chosen
    if in_link is None:
        st.query_params.pop(key, None)
    elif st.query_params.get(key) != in_link:
        st.query_params[key] = in_link
    if specs[chosen].is_there or not specs[chosen].wheels:
        return chosen
    st.warning(not_installed(specs[chosen]))
    return DEFAULT_MODEL_SET


def _linked_set(specs: Mapping[str, SetSpec]) -> str | None:
    """Return the model set that the link names, in any case, by its title as well."""
    linked = st.query_params.get(_RUNTIME["model_set"].key, "").lower()
    return next((name for name, one in specs.items() if linked in (name, one.title.lower())), None)


def not_installed(spec: SetSpec) -> str:
    """Return what to do about a model set that is not there, as a sentence."""
    return f"The set {spec.title} is not installed: run `{INSTALL}` on the server."


def _controls(without: Collection[str]) -> dict[str, Any]:
    values = {}
    for group in GROUPS:
        if not group.fold:
            st.markdown(f"**{group.title}**")
        with st.expander(group.fold) if group.fold else nullcontext():
            for name, one in _OFFERED.items():
                if one.group == group and name != "model_set":
                    offered = offered_engines() if name == "engine" else None
                    values[name] = control(
                        one,
                        one.default,
                        one.key,
                        offered=offered,
                        bind="query-params",
                        disabled=name in without,
                    )
    return values


def offered_engines() -> dict[str, str | None]:
    """Return the engines that are installed by their names, and the one that is found by itself."""
    none = _RUNTIME["engine"].none
    return {none: None, **{one.name: one.name for one in engines() if one.available()}}


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
        value: where the control begins.
        key: the control's own, which is also its name in the link.
        offered: the values to choose from by their words, instead of the setting's own.
        widget: more that Streamlit's controls take, such as ``bind="query-params"`` for one
            that the link carries.
    """
    more: dict[str, Any] = {"key": key, "help": setting.help, **widget}
    if setting.is_switch:
        return st.toggle(setting.title, value, **more)
    if setting.step and setting.limits:
        low, high = setting.limits
        number = st.number_input if high > 1 else st.slider
        return number(setting.title, low, high, type(low)(value), setting.step, **more)
    by_word = dict(offered or {setting.text(one): one for one in _choices(setting)})
    if value not in by_word.values():
        # What a preset or a file has may be none of the usual values.
        by_word[setting.text(value)] = value
    words, first = list(by_word), list(by_word.values()).index(value)
    if isinstance(setting.default, str):
        word = st.radio(setting.title, words, first, horizontal=True, **more)
    elif setting.choices or setting.offered:
        word = st.select_slider(setting.title, words, words[first], **more)
    else:
        word = st.selectbox(setting.title, words, first, **more)
    return by_word[word]


def _choices(setting: Setting) -> tuple[Any, ...]:
    threads = range(1, threads_within_quota(read_limits()) + 1)
    return setting.choices or setting.offered or (setting.empty, *threads)


def use_confidence(confidence: float) -> None:
    """Set the confidence slider, from a callback of any page; rounded down to its step."""
    state.set_widget_values({"confidence": slider_step(confidence)})


def use_preset(name: str, **changed: Any) -> None:
    """Take a preset, from a callback of any page, but for what is changed of it."""
    _fill(_of_preset(name) | changed)
    state.set_widget_values({"preset": name})


def slider_step(confidence: float) -> float:
    """Round down to what a slider can say, so that a box with this confidence still counts."""
    return max(0.01, math.floor(confidence * 100 + 1e-9) / 100)


def _fill_from_preset() -> None:
    name = state.widget_value("preset")
    _fill(_of_preset(name))
    if preset_options(name) != RuntimeOptions():
        _fill({"model_set": preset_options(name).model_set})


def _fit_preset() -> None:
    try:
        check_together(
            state.widget_value("preset"),
            RuntimeOptions(model_set=state.widget_value(_RUNTIME["model_set"].key)),
        )
    except SettingsError:
        state.set_widget_values({"preset": RECOMMENDED})
        _fill_from_preset()


def _of_preset(name: str) -> dict[str, Any]:
    engine = preset_options(name).engine
    offered = offered_engines().values()
    return asdict(PRESETS[name]) | {"engine": engine if engine in offered else None}


def _reset() -> None:
    defaults = {name: one.default for name, one in _OFFERED.items()}
    _fill(defaults | {"model_set": process_service().options.model_set})
    state.set_widget_values({"preset": RECOMMENDED})


def _fill(values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        one = _OFFERED[name]
        held = value if one.is_switch or one.step else one.text(value)
        state.set_widget_values({one.key: held})
