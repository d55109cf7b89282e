"""The settings in the sidebar: grouped, explained, kept in the link, with presets and a reset."""

from __future__ import annotations

import math
from typing import Any

import streamlit as st

from facecore.engines import option_values
from facecore.settings import AnalysisSettings, RuntimeOptions
from facecore.settings.presets import PRESETS, RECOMMENDED, differences
from facecore.ui import state
from facecore.ui.sidebar_groups import AUTOMATIC, WIDGETS, finding, reading, speed

_DEFAULTS = AnalysisSettings()


def settings_sidebar() -> tuple[AnalysisSettings, RuntimeOptions]:
    """Draw the settings and give what they say.

    Each is bound to the link under its key, so that a link carries the settings.

    Raises:
        SettingsError: they do not go together.
    """
    with st.sidebar:
        st.subheader("Settings")
        chosen = st.selectbox("Preset", list(PRESETS), key="preset", on_change=_fill_from_preset)
        changed = st.container()
        found, read = finding(), reading()
        saved, options = speed()
        settings = AnalysisSettings(**found, **read, **saved)
        _say_changes(changed, settings, chosen)
        st.button(
            "Reset to defaults",
            icon=":material/restart_alt:",
            on_click=_reset,
            disabled=(settings, options, chosen) == (_DEFAULTS, RuntimeOptions(), RECOMMENDED),
            width="stretch",
        )
        st.caption("The link in the address bar carries these settings.")
    return settings, options


def use_confidence(confidence: float) -> None:
    """Set the confidence slider, from a callback of any page; rounded down to its step."""
    state.set_widget_values({"confidence": slider_step(confidence)})


def slider_step(confidence: float) -> float:
    """Round down to what a slider can say, so that a box with this confidence still counts."""
    return max(0.01, math.floor(confidence * 100 + 1e-9) / 100)


def _say_changes(place: Any, settings: AnalysisSettings, name: str) -> None:
    changes = differences(settings, PRESETS[name])
    by_setting = {setting: widget for widget, setting in WIDGETS.items()}
    if changes:
        words = ", ".join(
            f"{by_setting[setting].replace('_', ' ')} {ours} (not {theirs})"
            for setting, (ours, theirs) in changes.items()
        )
        place.caption(f"Differs from {name}: {words}.".replace("None", "none"))


def _fill_from_preset() -> None:
    state.set_widget_values(_values(PRESETS[state.widget_value("preset")]))


def _values(settings: AnalysisSettings) -> dict[str, Any]:
    values = {widget: getattr(settings, setting) for widget, setting in WIDGETS.items()}
    values["max_side"] = str(values["max_side"] or "none")
    return values


def _reset() -> None:
    options = option_values(RuntimeOptions()) | {"threads": AUTOMATIC}
    state.set_widget_values({"preset": RECOMMENDED, **_values(_DEFAULTS), **options})
