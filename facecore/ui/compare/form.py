"""The form that changes one variant: every setting that acts on this machine, and no other."""

from __future__ import annotations

import os
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
from facecore.settings.setting import GROUPS
from facecore.ui.sidebar import control, offered_engines


def variant_form(variant: Variant, place: int) -> Variant | None:
    """Draw the form; return the changed variant once it was sent off, else None.

    Args:
        variant: what is in the form at first.
        place: tells this form's widgets from another variant's.
    """
    values = {"engine": None} | variant.values()
    with st.form(f"variant_{place}", border=False):
        name = st.text_input("Name", variant.name, max_chars=MAX_NAME_LETTERS)
        titles = dict.fromkeys(group.title for group in GROUPS)
        columns = dict(zip(titles, st.columns(len(titles)), strict=True))
        for title, column in columns.items():
            column.markdown(f"**{title}**")
        for group in GROUPS:
            with columns[group.title]:
                for one, setting in known_settings().items():
                    if setting.group == group and one in values and _acts_here(one):
                        values[one] = control(
                            setting, values[one], f"{one}_{place}", offered=_offered(one)
                        )
        if not st.form_submit_button("Use these settings", type="primary"):
            return None
    if values["engine"] != variant.options.engine:
        # The knobs of the other one; its own are as it has them by itself.
        values = {one: value for one, value in values.items() if one not in _knobs()}
    try:
        return variant_from_settings({**values, "name": name})
    except SettingsError as error:
        st.error(str(error))
        return None


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
    return {"none": (), **{f"{level} and newer": units for level, units in levels}}


@st.cache_data(show_spinner=False)
def _feature_levels() -> dict[str, tuple[str, ...]]:
    return cpu_feature_levels_here()
