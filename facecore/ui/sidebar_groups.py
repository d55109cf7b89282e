"""The sidebar's groups of settings: a control for each, bound to the link under its key."""

from __future__ import annotations

from typing import Any, get_args

import streamlit as st

from facecore.engines import engine, options_from_values
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
from facecore.ui.networks import usable_threads

_SIDES = ("320", "480", "640", "800", "1024", "1280", "1600", "2048", "none")
AUTOMATIC = "auto"
"""What the threads' widget holds where OpenCV chooses their number."""

_DEFAULTS = AnalysisSettings()

WIDGETS = {
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
    "reduced_decode": "reduced_decode",
    "batch_faces": "batch_faces",
}
"""Setting by widget, which is also its name in the link."""


def finding() -> dict[str, Any]:
    """Draw what concerns finding faces; gives the settings by name."""
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
    outside = _toggle(
        "Drop boxes outside the photo",
        _DEFAULTS.drop_outside,
        "drop_outside",
        "Where a face fills the photo, the detector puts boxes outside it.",
    )
    rescue = _toggle(
        "Close-up rescue",
        _DEFAULTS.rescue,
        "rescue",
        "Looks a second time, with a border, where the first look shows signs of a close-up. "
        "Its time is part of detect.",
    )
    return {
        "max_side_px": None if side == "none" else int(side),
        "input_shape": shape,
        "drop_outside": outside,
        "rescue": rescue,
        "max_faces": _most_faces(),
    }


def _toggle(label: str, default: bool, key: str, note: str) -> bool:
    return st.toggle(label, default, key=key, bind="query-params", help=note)


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


def reading() -> dict[str, Any]:
    """Draw what concerns gender and age; gives the settings by name."""
    st.markdown("**Reading gender and age**")
    read: dict[str, Any] = {}
    read["careful"] = _toggle(
        "Careful",
        _DEFAULTS.careful,
        "careful",
        "Reads each face six times, in three margins and mirrored, and averages: right a "
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


def speed() -> tuple[dict[str, Any], RuntimeOptions]:
    """Draw what concerns speed alone; gives settings by name, and the networks' options."""
    with st.expander("Speed"):
        return _less_work(), _networks()


def _less_work() -> dict[str, Any]:
    reduced = _toggle(
        "Reduced decoding",
        _DEFAULTS.reduced_decode,
        "reduced_decode",
        "Decodes a large JPEG at a half, a quarter or an eighth of its size where the "
        "detector's copy and the crops need no more; a small face makes it decode again, finer.",
    )
    batch = _toggle(
        "All faces at once",
        _DEFAULTS.batch_faces,
        "batch_faces",
        "One pass of each network for all faces of a photo, or one for each.",
    )
    return {"reduced_decode": reduced, "batch_faces": batch}


def _networks() -> RuntimeOptions:
    threads = st.selectbox(
        "Threads",
        (AUTOMATIC, *(str(count) for count in range(1, usable_threads() + 1))),
        key="threads",
        bind="query-params",
        help="How many threads one photo may use; auto leaves it to OpenCV. A change of this or "
        "of what is below loads the networks again.",
    )
    knobs = {
        knob.name: _toggle(
            knob.label[:1].upper() + knob.label[1:], bool(knob.default), knob.name, knob.help
        )
        for knob in engine().knobs
    }
    return options_from_values({"threads": None if threads == AUTOMATIC else int(threads), **knobs})
