"""The form that changes one variant: every setting that acts on this machine, and no other."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import streamlit as st

from facecore.engines import engines
from facecore.errors import SettingsError
from facecore.experiment.claims import cpu_feature_levels_here
from facecore.experiment.variants import (
    Variant,
    known_settings,
    variant_from_settings,
)
from facecore.models.catalogue import set_specs
from facecore.profiles.profile import MAX_NAME_LETTERS
from facecore.settings import RuntimeOptions
from facecore.settings.presets import PRESETS, preset_options
from facecore.settings.setting import GROUPS
from facecore.ui.profile.controls import offered_engines
from facecore.ui.sidebar import control
from facecore.wording import Text, _

_AS_IT_IS = Text("As it is")


def variant_form(variant: Variant, place: int) -> Variant | None:
    """Draw the choice of where to start and the form; return what was sent off, else None.

    Args:
        variant: what is in the form at first.
        place: tells this form's widgets from another variant's.
    """
    start = st.selectbox(
        _("Start from"),
        [_AS_IT_IS, *PRESETS],
        format_func=_,
        key=f"start_{place}",
        help=_("A preset fills the form with its settings; change what you like, then use them."),
    )
    begun = _started(variant, start)
    values = {"engine": None} | begun.values()
    # Each start has controls of its own, which begin with its values.
    place_and_start = f"{place}_{start}" if start != _AS_IT_IS else str(place)
    with st.form(f"variant_{place_and_start}", border=False):
        name = st.text_input(
            _("Name"),
            variant.name,
            max_chars=MAX_NAME_LETTERS,
            help=_("What it is called in charts, tables and files; no two have the same."),
        )
        _controls(values, place_and_start)
        if not st.form_submit_button(_("Use these settings"), type="primary"):
            return None
    if values["engine"] != begun.options.engine:
        # The knobs of the other one; its own are as it has them by itself.
        values = {one: value for one, value in values.items() if one not in _knobs()}
    try:
        return variant_from_settings({**values, "name": name})
    except SettingsError as error:
        st.error(_(error))
        return None


def _controls(values: dict[str, Any], suffix: str) -> None:
    """Draw the controls under their groups' titles, and put what they say into the values."""
    titles = dict.fromkeys(group.title for group in GROUPS)
    columns = dict(zip(titles, st.columns(len(titles)), strict=True))
    for title, column in columns.items():
        column.markdown(f"**{_(title)}**")
    for group in GROUPS:
        with columns[group.title]:
            for one, setting in known_settings().items():
                if setting.group == group and one in values and _acts_here(one):
                    values[one] = control(
                        setting,
                        values[one],
                        f"{one}_{suffix}",
                        offered=_offered(one),
                    )


def _started(variant: Variant, start: str) -> Variant:
    """Return a variant with a preset's settings; its name and its process stay."""
    if start == _AS_IT_IS:
        return variant
    options = preset_options(start)
    if options == RuntimeOptions():
        options = replace(options, model_set=variant.options.model_set)
    return replace(variant, settings=PRESETS[start], options=options)


def _acts_here(name: str) -> bool:
    # A worker takes its cores by a call that macOS does not have.
    return name != "cores" or hasattr(os, "sched_setaffinity")


def _knobs() -> set[str]:
    return {knob.name for one in engines() for knob in one.knobs}


def _offered(name: str) -> dict[str, Any] | None:
    if name == "engine":
        return offered_engines()
    if name == "model_set":
        return {spec.title: spec.name for spec in set_specs().values()}
    if name != "cpu_features_off":
        return None
    levels = _feature_levels().items()
    return {
        "none": (),
        **{Text("{level} and newer", level=level): units for level, units in levels},
    }


@st.cache_data(show_spinner=False)
def _feature_levels() -> dict[str, tuple[str, ...]]:
    return cpu_feature_levels_here()
