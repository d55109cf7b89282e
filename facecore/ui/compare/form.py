"""The form that changes one variant: every knob that acts on this machine, and no other."""

from __future__ import annotations

import os
from typing import Any, get_args

import streamlit as st

from facecore.errors import SettingsError
from facecore.experiment.claims import cpu_feature_levels_here
from facecore.experiment.variants import (
    LABELS,
    MAX_NAME_LETTERS,
    Variant,
    in_words,
    variant_from_settings,
)
from facecore.settings import (
    DETECTOR_SIZES_PX,
    MAX_CROP_MARGIN_RATIO,
    MAX_INTERVAL_MS,
    CropShape,
    CropSource,
    InputShape,
)
from facecore.ui.networks import usable_threads

_SIDES_PX = (None, 320, 480, 640, 800, 1024, 1280, 1600, 2048)

# Title of the group, and its settings by their name in the code.
_GROUPS = {
    "Decoding and finding": (
        "reduced_decode",
        "max_side_px",
        "input_size_px",
        "input_shape",
        "rescue",
        "drop_outside",
        "confidence",
    ),
    "Reading gender and age": (
        "crop_margin_ratio",
        "crop_shape",
        "crop_source",
        "careful",
        "batch_faces",
    ),
    "The process": (
        "threads",
        "cores",
        "optimised",
        "winograd",
        "fusion",
        "cpu_features_off",
        "min_interval_ms",
    ),
}
_RANGES: dict[str, tuple[float, float, float]] = {
    "confidence": (0.01, 1.0, 0.05),
    "crop_margin_ratio": (0.0, MAX_CROP_MARGIN_RATIO, 0.05),
    "min_interval_ms": (0.0, float(MAX_INTERVAL_MS), 100.0),
}


def variant_form(variant: Variant, place: int) -> Variant | None:
    """Draw the form; gives the changed variant once it was sent off, else None.

    Args:
        variant: what is in the form at first.
        place: tells this form's widgets from another variant's.
    """
    values = variant.values()
    with st.form(f"variant_{place}", border=False):
        name = st.text_input("Name", variant.name, max_chars=MAX_NAME_LETTERS)
        for column, (title, names) in zip(st.columns(3), _GROUPS.items(), strict=True):
            with column:
                st.markdown(f"**{title}**")
                for setting in filter(_acts_here, names):
                    values[setting] = _knob(setting, values[setting], f"{setting}_{place}")
        if not st.form_submit_button("Use these settings", type="primary"):
            return None
    values["cpu_features_off"] = list(values["cpu_features_off"])
    try:
        return variant_from_settings({**values, "name": name})
    except SettingsError as error:
        st.error(str(error))
        return None


def _acts_here(name: str) -> bool:
    # A worker takes its cores by a call that macOS does not have.
    return name != "cores" or hasattr(os, "sched_setaffinity")


def _knob(name: str, value: Any, key: str) -> Any:
    label = LABELS[name][:1].upper() + LABELS[name][1:]
    if name == "min_interval_ms":
        label += ", ms"
    if isinstance(value, bool):
        return st.toggle(label, value, key=key)
    if name in _RANGES:
        low, high, step = _RANGES[name]
        return st.number_input(label, low, high, float(value), step, key=key)
    choices = _choices(name)
    # What the sidebar or a preset has may be none of the usual values.
    choices = choices if value in choices else [*choices, value]
    return st.selectbox(
        label,
        choices,
        choices.index(value),
        format_func=lambda choice: _choice_in_words(name, choice),
        key=key,
    )


def _choices(name: str) -> list[Any]:
    counts = [None, *range(1, usable_threads() + 1)]
    choices: dict[str, list[Any]] = {
        "max_side_px": list(_SIDES_PX),
        "input_size_px": list(DETECTOR_SIZES_PX),
        "input_shape": list(get_args(InputShape)),
        "crop_shape": list(get_args(CropShape)),
        "crop_source": list(get_args(CropSource)),
        "threads": counts,
        "cores": counts,
        "cpu_features_off": [(), *_feature_levels().values()],
    }
    return choices[name]


def _choice_in_words(name: str, choice: Any) -> str:
    if name == "cpu_features_off" and choice:
        newest = {units: level for level, units in _feature_levels().items()}
        return f"{newest[choice]} and newer" if choice in newest else in_words(name, choice)
    return in_words(name, choice)


@st.cache_data(show_spinner=False)
def _feature_levels() -> dict[str, tuple[str, ...]]:
    return cpu_feature_levels_here()
