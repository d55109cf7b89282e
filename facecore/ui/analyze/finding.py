"""What the Analyze page says of the looks that were taken, and what to try where none helped."""

from __future__ import annotations

from functools import partial

import streamlit as st

from facecore.results import Analysis, Look
from facecore.ui import state
from facecore.ui.readings import SHOWN_FROM
from facecore.ui.sidebar import slider_step, use_confidence
from facecore.wording import counted

_KINDS = {"whole": "the whole photo", "strips": "the photo in strips", "closer": "closer"}


def looks_taken(analysis: Analysis) -> None:
    """Say which looks the detector took, and what each cost."""
    words = ", ".join(f"{_in_words(look)} {look.time_ms:.0f} ms" for look in analysis.looks)
    st.caption(f"The detector's looks: {words}.")


def turned(analysis: Analysis) -> None:
    """Say by how much the photo was turned to be read, where it was."""
    degrees = analysis.faces[0].detection.turned_degrees if analysis.faces else 0
    if degrees:
        st.info(
            f"Read turned by {degrees}° clockwise, as its surest face lies like that. Boxes are "
            "those of the photo as it lies, crops are upright.",
            icon=":material/rotate_right:",
        )


def nothing_found(analysis: Analysis) -> None:
    """Say that there is no face, and offer what may find one, each with a click."""
    settings = analysis.settings
    offers = []
    below = [one.confidence for one in analysis.candidates if one.confidence >= SHOWN_FROM]
    if below:
        lower = slider_step(below[0])
        faces = counted(sum(one >= lower for one in below), "face")
        offers.append((f"Confidence {lower:.2f}: {faces}", "tune", partial(use_confidence, lower)))
    if settings.closer_look != "always":
        offers.append(("Look closer, for small faces", "zoom_in", partial(_always, "closer_look")))
    if settings.orientation == "never":
        offers.append(
            ("Look in all four directions", "rotate_right", partial(_always, "orientation"))
        )
    advice = "Try this:" if offers else "Try a photo where faces are larger or sharper."
    st.info(f"No face reaches this confidence. {advice}", icon=":material/search_off:")
    for label, symbol, take in offers:
        st.button(label, icon=f":material/{symbol}:", on_click=take)


def _always(setting: str) -> None:
    state.set_widget_values({setting: "always"})


def _in_words(look: Look) -> str:
    kind = _KINDS.get(look.kind, f"turned by {look.turned_degrees}°")
    return f"{kind} ({look.parts} parts)" if look.parts > 1 else kind
