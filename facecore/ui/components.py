"""Pieces that pages share: values in, something on the screen."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from facecore.errors import friendly_message
from facecore.serving.job import BackgroundJob
from facecore.ui.photos import Reading
from facecore.wording import _

_SIGN_EVERY_S = 2.0
_TILE_WIDTH_PX = 150
# The name's button lies over its whole tile, so that a click anywhere on this opens it; the
# height is reserved before the picture has come. What is opened may stand above what is in sight.
_GALLERY = """<style>
.st-key-opened {scroll-margin-top: 4rem;}
[class*="st-key-tile_"] {position: relative;}
[class*="st-key-tile_"] img {height: 8rem; object-fit: contain;}
[class*="st-key-tile_"] :is(.stElementContainer, .stButton, button) {position: static;}
[class*="st-key-tile_"] button {justify-content: flex-start; overflow: hidden;}
[class*="st-key-tile_"] button p {overflow: hidden; text-overflow: ellipsis; white-space: nowrap;}
[class*="st-key-tile_"] button::after {content: ""; position: absolute; inset: -.75rem; z-index: 1;
  border-radius: .5rem;}
[class*="st-key-tile_"] button:is(:hover, :focus-visible)::after,
[class*="st-key-tile_open_"] button::after {box-shadow: 0 0 0 2px currentColor;}
</style>
<script>
if (!window.facecoreGallery) {
  window.facecoreGallery = true;
  document.addEventListener("click", ({target}) => {
    if (target.closest?.('[class*="st-key-tile_"]'))
      document.querySelector(".st-key-opened")?.scrollIntoView({block: "start"});
  });
}
</script>"""


def as_text(text: str) -> str:
    """Return the Markdown that shows a text as it is, whatever a stranger wrote in it."""
    return "".join(f"\\{letter}" if letter in string.punctuation else letter for letter in text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A picture in a gallery.

    ``key`` is its own there; ``picture`` is an image file's bytes; ``name`` is shown as it is,
    whatever a stranger wrote in it; ``note`` stands small below.
    """

    key: str
    picture: bytes
    name: str
    note: str = ""


@contextmanager
def friendly_errors() -> Iterator[None]:
    """Show whatever goes wrong inside as one sentence; the log has the traceback."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - the page's last resort
        st.error(_(friendly_message(error)), icon=":material/error:")


def busy_note(readings: Sequence[Reading]) -> None:
    """Show once which photos found the server busy, with a way to try again; else nothing."""
    busy = [reading for reading in readings if reading.busy]
    if busy:
        row = st.container(horizontal=True, vertical_alignment="center")
        row.warning(_(busy[0].error), icon=":material/hourglass_top:")
        # Any click runs the page again, and with it whatever has no answer yet.
        row.button(_("Try again"), icon=":material/refresh:", key="try_again")


def reading_error(reading: Reading) -> None:
    """Show the sentence that says why there is no answer for a photo."""
    if reading.busy:
        st.info(_("Not read yet."), icon=":material/hourglass_top:")
    else:
        st.error(_(reading.error), icon=":material/broken_image:")


def grid(count: int, a_row: int = 4) -> list[DeltaGenerator]:
    """Return so many places of one width, side by side in rows."""
    width = max(1, min(count, a_row))
    rows = [st.columns(width) for _ in range(0, count, width)]
    return [place for row in rows for place in row][:count]


def gallery(
    name: str, tiles: Sequence[Tile], on_open: Callable[[str], None], opened: str = ""
) -> None:
    """Draw pictures side by side, as many to a row as there is room for.

    A click anywhere on one calls ``on_open`` with its key before the page is drawn again, and
    brings the page's container of the key "opened" in sight, where there is one.

    Args:
        name: tells this gallery's buttons from another's on the page.
        tiles: the pictures, in their order.
        on_open: such as a `facecore.ui.state.Remembered`'s ``keep``.
        opened: the key of the one that the page shows in full, which is marked.
    """
    if tiles:
        st.html(_GALLERY, unsafe_allow_javascript=True)
    places = st.grid(min_column_width=_TILE_WIDTH_PX, gap="xsmall", border=True)
    for place, tile in enumerate(tiles):
        kind = "tile_open" if tile.key == opened else "tile"
        with places.cell(), st.container(key=f"{kind}_{name}_{place}", gap="xxsmall"):
            st.image(tile.picture, width="stretch", alt="")
            st.button(
                as_text(tile.name),
                key=f"{name}_{tile.key}",
                type="tertiary",
                width="stretch",
                on_click=on_open,
                args=(tile.key,),
            )
            if tile.note:
                st.caption(tile.note)


def chart(figure: go.Figure, key: str, alt: str, title: str = "") -> None:
    """Draw a figure without Plotly's buttons, under a title where there is one."""
    if title:
        st.markdown(f"**{title}**")
    st.plotly_chart(figure, key=key, config={"displayModeBar": False}, alt=alt)


def bar_and_stop(job: BackgroundJob, share: float, words: str, note: str) -> None:
    """Draw how much of a job is done, 0 to 1 and in words, and the button that stops it."""
    st.progress(share, words)
    st.button(
        _("Stop"),
        key=f"{job.name}_stop",
        icon=":material/stop:",
        on_click=job.stop,
        disabled=job.state == "stopping",
        help=note,
    )


def sign(icon: str, words: Callable[[], str | None]) -> None:
    """Show in the sidebar how a job goes, anew every two seconds; nothing where it says None."""
    with st.sidebar:
        _sign(icon, words)


@st.fragment(run_every=_SIGN_EVERY_S)
def _sign(icon: str, words: Callable[[], str | None]) -> None:
    text = words()
    if text:
        st.caption(f":material/{icon}: {text}")
