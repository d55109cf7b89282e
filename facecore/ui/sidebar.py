"""The settings in the sidebar: grouped, explained, kept in the link, with presets and a reset."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any, get_args

import streamlit as st

from facecore.presets import PRESETS, RECOMMENDED, differences
from facecore.settings import (
    DETECTOR_SIZES_PX,
    MAX_CROP_MARGIN_RATIO,
    MAX_FACES,
    AnalysisSettings,
    CropShape,
    CropSource,
    InputShape,
    RuntimeOptions,
)
from facecore.ui import state
from facecore.ui.resources import usable_threads

_SIDES = ("320", "480", "640", "800", "1024", "1280", "1600", "2048", "none")
_AUTOMATIC = "auto"
_DEFAULTS = AnalysisSettings()

# Setting by widget, which is also its name in the link.
_WIDGETS = {
    "confidence": "confidence",
    "max_side": "max_side_px",
    "input_shape": "input_shape",
    "input_size": "input_size_px",
    "drop_outside": "drop_outside",
    "rescue": "rescue",
    "max_faces": "max_faces",
    "crop_margin": "crop_margin_ratio",
    "crop_shape": "crop_shape",
    "crop_source": "crop_source",
    "careful": "careful",
    "unsure_below": "unsure_below",
}


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
        settings = AnalysisSettings(**_finding(), **_reading())
        options = _speed()
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


def _finding() -> dict[str, Any]:
    st.markdown("**Finding faces**")
    found: dict[str, Any] = {}
    found["confidence"] = st.slider(
        "Confidence",
        0.01,
        1.0,
        _DEFAULTS.confidence,
        0.01,
        key="confidence",
        bind="query-params",
        help="How sure the detector must be before something counts as a face. Lower finds more "
        "faces and more mistakes. Moving it needs no new detection.",
    )
    found["input_size_px"] = st.select_slider(
        "Detector input size",
        DETECTOR_SIZES_PX,
        value=_DEFAULTS.input_size_px,
        key="input_size",
        bind="query-params",
        help="Larger finds smaller faces: 600 takes four times the work of 300, 900 nine times.",
    )
    with st.expander("More about finding"):
        found |= _finding_more()
    return found


def _finding_more() -> dict[str, Any]:
    side = st.select_slider(
        "Longest side for detection, pixels",
        _SIDES,
        value=str(_DEFAULTS.max_side_px),
        key="max_side",
        bind="query-params",
        help="The detector looks at a copy no larger than this; none leaves the photo as it is.",
    )
    shape = _choice(
        "Detector input shape",
        get_args(InputShape),
        _DEFAULTS.input_shape,
        "input_shape",
        "aspect keeps the photo's own shape, square squashes it as the article does.",
    )
    outside = st.toggle(
        "Drop boxes outside the photo",
        _DEFAULTS.drop_outside,
        key="drop_outside",
        bind="query-params",
        help="Where a face fills the photo, the detector puts boxes outside it.",
    )
    rescue = st.toggle(
        "Close-up rescue",
        _DEFAULTS.rescue,
        key="rescue",
        bind="query-params",
        help="Looks a second time, with a border, where the first look shows signs of a close-up. "
        "Its time is part of detect.",
    )
    return {
        "max_side_px": None if side == "none" else int(side),
        "input_shape": shape,
        "drop_outside": outside,
        "rescue": rescue,
        "max_faces": _most_faces(),
    }


def _choice(label: str, options: tuple[str, ...], default: str, key: str, note: str) -> Any:
    return st.radio(
        label,
        options,
        options.index(default),
        horizontal=True,
        key=key,
        bind="query-params",
        help=note,
    )


def _most_faces() -> int:
    most = st.number_input(
        "Most faces",
        1,
        MAX_FACES,
        _DEFAULTS.max_faces,
        key="max_faces",
        bind="query-params",
        help="Only the surest faces are read, up to this number.",
    )
    return int(most)


def _reading() -> dict[str, Any]:
    st.markdown("**Reading gender and age**")
    read: dict[str, Any] = {}
    read["careful"] = st.toggle(
        "Careful",
        _DEFAULTS.careful,
        key="careful",
        bind="query-params",
        help="Reads each face six times, in three margins and mirrored, and averages: right a "
        "little more often, for six times the work.",
    )
    read["unsure_below"] = st.slider(
        "Unsure below",
        0.0,
        1.0,
        _DEFAULTS.unsure_below,
        0.05,
        key="unsure_below",
        bind="query-params",
        help="An answer whose probability is lower is marked unsure.",
    )
    with st.expander("More about reading"):
        read |= _reading_more()
    return read


def _reading_more() -> dict[str, Any]:
    margin = st.slider(
        "Crop margin",
        0.0,
        MAX_CROP_MARGIN_RATIO,
        _DEFAULTS.crop_margin_ratio,
        0.05,
        key="crop_margin",
        bind="query-params",
        help="How much around the face the networks see, as a part of the face's own size on "
        "each side. Too much, and everybody is read as a baby.",
    )
    shape = _choice(
        "Crop shape",
        get_args(CropShape),
        _DEFAULTS.crop_shape,
        "crop_shape",
        "The networks want a square picture. square widens the crop, box stretches it.",
    )
    source = _choice(
        "Crop from",
        get_args(CropSource),
        _DEFAULTS.crop_source,
        "crop_source",
        "full cuts faces out of the photo as it is, capped out of the detector's copy.",
    )
    return {
        "crop_margin_ratio": margin,
        "crop_shape": shape,
        "crop_source": source,
    }


def _speed() -> RuntimeOptions:
    defaults = RuntimeOptions()
    with st.expander("Speed"):
        threads = st.selectbox(
            "Threads",
            (_AUTOMATIC, *(str(count) for count in range(1, usable_threads() + 1))),
            key="threads",
            bind="query-params",
            help="How many threads one photo may use; auto leaves it to OpenCV. A change in this "
            "group loads the networks again.",
        )
        optimised = st.toggle(
            "Optimised code",
            defaults.optimised,
            key="optimised",
            bind="query-params",
            help="Code written for this processor's vector units.",
        )
        winograd = st.toggle(
            "Winograd convolutions",
            defaults.winograd,
            key="winograd",
            bind="query-params",
            help="A method that needs fewer multiplications for 3×3 filters.",
        )
        fusion = st.toggle(
            "Layer fusion",
            defaults.fusion,
            key="fusion",
            bind="query-params",
            help="Merges layers that follow each other.",
        )
    return RuntimeOptions(
        threads=None if threads == _AUTOMATIC else int(threads),
        optimised=optimised,
        winograd=winograd,
        fusion=fusion,
    )


def _say_changes(place: Any, settings: AnalysisSettings, name: str) -> None:
    changes = differences(settings, PRESETS[name])
    by_setting = {setting: widget for widget, setting in _WIDGETS.items()}
    if changes:
        words = ", ".join(
            f"{by_setting[setting].replace('_', ' ')} {ours} (not {theirs})"
            for setting, (ours, theirs) in changes.items()
        )
        place.caption(f"Differs from {name}: {words}.".replace("None", "none"))


def _fill_from_preset() -> None:
    state.set_widget_values(_values(PRESETS[state.widget_value("preset")]))


def _values(settings: AnalysisSettings) -> dict[str, Any]:
    values = {widget: getattr(settings, setting) for widget, setting in _WIDGETS.items()}
    values["max_side"] = str(values["max_side"] or "none")
    return values


def _reset() -> None:
    options = asdict(RuntimeOptions()) | {"threads": _AUTOMATIC}
    state.set_widget_values({"preset": RECOMMENDED, **_values(_DEFAULTS), **options})
