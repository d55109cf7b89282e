"""The settings in the sidebar: grouped, explained, kept in the link, with a reset."""

from __future__ import annotations

from typing import Any, get_args

import streamlit as st

from facecore.settings import (
    MAX_CROP_MARGIN_RATIO,
    MAX_FACES,
    AnalysisSettings,
    CropShape,
    RuntimeOptions,
)
from facecore.ui import state
from facecore.ui.resources import usable_threads

_SIDES = ("320", "480", "640", "800", "1024", "1280", "1600", "2048", "none")
_AUTOMATIC = "auto"


def settings_sidebar() -> tuple[AnalysisSettings, RuntimeOptions]:
    """Draw the settings and give what they say.

    Each is bound to the link under its key, so that a link carries the settings.

    Raises:
        SettingsError: they do not go together.
    """
    with st.sidebar:
        st.subheader("Settings")
        settings = AnalysisSettings(**_finding(), **_reading())
        options = _speed()
        st.button(
            "Reset to defaults",
            icon=":material/restart_alt:",
            on_click=_reset,
            disabled=(settings, options) == (AnalysisSettings(), RuntimeOptions()),
            width="stretch",
        )
        st.caption("The link in the address bar carries these settings.")
    return settings, options


def _finding() -> dict[str, Any]:
    defaults = AnalysisSettings()
    st.markdown("**Finding faces**")
    confidence = st.slider(
        "Confidence",
        0.01,
        1.0,
        defaults.confidence,
        0.01,
        key="confidence",
        bind="query-params",
        help="How sure the detector must be before something counts as a face. Lower finds more "
        "faces and more mistakes. Moving it needs no new detection.",
    )
    side = st.select_slider(
        "Longest side for detection, pixels",
        _SIDES,
        value=str(defaults.max_side_px),
        key="max_side",
        bind="query-params",
        help="The detector looks at a copy no larger than this; none leaves the photo as it is. "
        "Faces are always cut out of the full photo.",
    )
    most = st.number_input(
        "Most faces",
        1,
        MAX_FACES,
        defaults.max_faces,
        key="max_faces",
        bind="query-params",
        help="Only the surest faces are read, up to this number.",
    )
    return {
        "confidence": confidence,
        "max_side_px": None if side == "none" else int(side),
        "max_faces": int(most),
    }


def _reading() -> dict[str, Any]:
    defaults = AnalysisSettings()
    st.markdown("**Reading gender and age**")
    margin = st.slider(
        "Crop margin",
        0.0,
        MAX_CROP_MARGIN_RATIO,
        defaults.crop_margin_ratio,
        0.05,
        key="crop_margin",
        bind="query-params",
        help="How much around the face the networks see, as a part of the face's own size on "
        "each side. Too much, and everybody is read as a baby.",
    )
    shape = st.segmented_control(
        "Crop shape",
        get_args(CropShape),
        default=defaults.crop_shape,
        required=True,
        key="crop_shape",
        bind="query-params",
        help="The networks want a square picture. square widens the crop, box stretches it.",
    )
    return {"crop_margin_ratio": margin, "crop_shape": shape or defaults.crop_shape}


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


def _reset() -> None:
    settings, options = AnalysisSettings(), RuntimeOptions()
    state.set_widget_values(
        {
            "confidence": settings.confidence,
            "max_side": str(settings.max_side_px),
            "max_faces": settings.max_faces,
            "crop_margin": settings.crop_margin_ratio,
            "crop_shape": settings.crop_shape,
            "threads": _AUTOMATIC,
            "optimised": options.optimised,
            "winograd": options.winograd,
            "fusion": options.fusion,
        }
    )
