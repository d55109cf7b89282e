"""A photo with boxes on a page: hover tells, a click chooses, zoom shows each pixel.

Streamlit draws a Plotly chart anew for each change of it, which would lose the zoom with each
face that is chosen; so this is a component of its own. The photo goes to the browser by its
address, once, whatever is chosen.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from facecore.imaging.drawing import arranged_labels
from facecore.results import Box
from facecore.ui import state
from facecore.ui.streamlit_internals import media_url
from facecore.wording import _

GREEN, ORANGE, BLUE = "#3cc850", "#f0963c", "#56b4e9"
"""What is found, what is rejected or wrong, and what is true: dark letters can be read on each."""

# Letters as a part of the photo's longest side, for a narrow page and for each zoom; the browser
# takes the smallest that can be read.
_LETTERS_RATIOS = tuple(1 / (26 * 1.5**step) for step in range(8))
_HIDES = 2  # `Label.covers` of one that hides a face: it is told by a hover, or closer up
_FOLDER = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A box on a picture.

    Attributes:
        box: in pixels of the upright photo in full.
        number: what a click on it returns; None where it cannot be clicked. Two have not the same.
        labels: what is written at it, from the whole text to the shortest that will do where
            there is little room; empty for nothing.
        hover: what is told of it under the pointer and to a screen reader; in lines.
        colour: of the box and the ground of its label, in CSS; dark letters are to be read on it.
        dashed: its line, for what is of another kind, such as the truth.
    """

    box: Box
    number: int | None = None
    labels: tuple[str, ...] = ()
    hover: str = ""
    colour: str = GREEN
    dashed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TableBeside:
    """A table with a row for each box, which is scrolled to the one that is clicked on the photo.

    Attributes:
        key: of the table.
        row: of the chosen box, from 0, as the table is unsorted.
        row_px: height of each row in pixels.
    """

    key: str
    row: int
    row_px: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPhoto:
    """A photo as it goes to the browser.

    Attributes:
        jpeg: with nothing drawn on it, at any size.
        jpeg_width: of the JPEG, in pixels.
        size_wh: of the upright photo in full, in pixels, which boxes are in.
        name: says which photo it is: with another, the zoom begins anew.
        alt: what the picture is, for a screen reader.
        on_finer: is called once the visitor has zoomed so far that a finer JPEG would show more;
            None where there is none.
        beside: a table of the same boxes.
    """

    jpeg: bytes
    jpeg_width: int
    size_wh: tuple[int, int]
    name: str
    alt: str
    on_finer: Callable[[], None] | None = None
    beside: TableBeside | None = None


def clickable_picture(
    photo: ShownPhoto,
    marks: Sequence[Mark],
    *,
    key: str,
    chosen: int | None = None,
    on_click: Callable[[int], None] | None = None,
) -> int | None:
    """Draw a photo with boxes, and return the number of the one that was clicked just now, or None.

    Labels never meet; where there is no room for one it is shortened or left out, and is there
    once the visitor zooms in.

    Args:
        photo: without the boxes.
        marks: the boxes, the most important first.
        key: of the widget.
        chosen: the number of the box that is highlighted; another is brought into sight.
        on_click: is called with the number, before the page runs again.
    """

    def clicked() -> None:
        number = (state.widget_value(key) or {}).get("clicked")
        if on_click is not None and number is not None:
            on_click(int(number))

    with st.container(key=f"{key}_place"):
        _keep_place(key, photo.size_wh)
        result = _component()(
            key=key,
            data=_sent(photo, marks, key) | {"chosen": chosen},
            on_clicked_change=clicked,
            on_finer_change=photo.on_finer or _nothing,
        )
    return None if result.clicked is None else int(result.clicked)


def _keep_place(key: str, size_wh: tuple[int, int]) -> None:
    """Keep the photo's place free until the browser has the component's script."""
    st.html(
        f"<style>.st-key-{key}_place {{ aspect-ratio: {size_wh[0]} / {size_wh[1]}; "
        "min-height: 11rem; max-height: min(80vh, 46rem); padding-bottom: 2.4rem; "
        "box-sizing: content-box; }</style>"
    )


@functools.cache
def _component() -> ComponentRenderer:
    # With their contents: Streamlit finds the files of a package only where pip installed it.
    return st.components.v2.component(
        "facecore_picture",
        css=(_FOLDER / "clickable.css").read_text(encoding="utf-8"),
        js=(_FOLDER / "clickable.js").read_text(encoding="utf-8"),
    )


def _sent(photo: ShownPhoto, marks: Sequence[Mark], key: str) -> dict[str, Any]:
    texts = tuple(mark.labels for mark in marks)
    return {
        "src": media_url(photo.jpeg, "image/jpeg", key),
        "name": photo.name,
        "alt": photo.alt,
        "words": {
            "note": _("Ctrl and the wheel zoom, too"),
            "out": _("Zoom out"),
            "whole": _("Whole photo"),
            "in": _("Zoom in"),
        },
        "width": photo.size_wh[0],
        "height": photo.size_wh[1],
        "shown_width": photo.jpeg_width,
        "finer": photo.on_finer is not None,
        "beside": asdict(photo.beside) if photo.beside else None,
        "layouts": _layouts(tuple(mark.box.xyxy for mark in marks), texts, photo.size_wh),
        "marks": [
            {
                "box": mark.box.xyxy,
                "number": mark.number,
                "hover": mark.hover,
                "colour": mark.colour,
                "dashed": mark.dashed,
            }
            for mark in marks
        ],
    }


def _nothing() -> None:
    """Streamlit gives no value of an event that has no callback."""


@functools.lru_cache(maxsize=64)
def _layouts(
    boxes_xyxy: tuple[tuple[int, int, int, int], ...],
    texts: tuple[tuple[str, ...], ...],
    size_wh: tuple[int, int],
) -> list[dict[str, Any]]:
    """Return where each label goes at each size of letters, the largest first.

    A label is the number of its box, x0, y0, x1, y1 in pixels of the photo, and its text.
    """
    labelled = [index for index, forms in enumerate(texts) if forms]
    if not labelled:
        return []
    boxes = [boxes_xyxy[index] for index in labelled]
    forms = [texts[index] for index in labelled]
    layouts = []
    for ratio in _LETTERS_RATIOS:
        letters_px = ratio * max(size_wh)
        placed = arranged_labels(boxes, forms, size_wh, letters_px)
        labels = [
            (index, *(round(edge, 1) for edge in label.xyxy), texts[index][label.form])
            for index, label in zip(labelled, placed, strict=True)
            if label is not None and label.covers < _HIDES
        ]
        layouts.append({"letters": letters_px, "labels": labels})
    return layouts
