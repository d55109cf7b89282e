"""What was read of a video: over time, as stills, and each moment opened."""

from __future__ import annotations

import tempfile
from bisect import bisect_right
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path, PurePosixPath

import streamlit as st

from facecore.batch.background import BackgroundBatch
from facecore.serving.service import process_service
from facecore.ui import state
from facecore.ui.batch import charts
from facecore.ui.batch.inputs import MAX_BATCH_PHOTOS, ChosenPhotos
from facecore.ui.batch.opened import opened_photo
from facecore.ui.components import Tile, gallery
from facecore.video.annotated import SUFFIX, write_annotated
from facecore.video.tracks import Film
from facecore.wording import Text, _

_MOST_TRACKS = 30
_STILLS = 16
_LONGEST_S = 120  # of a video that is made again while somebody waits
_MOMENT = "batch_moment"
# One row that scrolls, however narrow the page is.
_STRIP = """<style>
.st-key-batch_strip [data-testid="stGrid"] {display: flex; flex-wrap: nowrap; overflow-x: auto;
  padding-bottom: .5rem;}
.st-key-batch_strip [data-testid="stGridCell"] {flex: 0 0 8.5rem;}
.st-key-batch_strip [class*="st-key-tile_"] img {height: 4rem;}
</style>"""


FRAMES_OFFERED = {
    "2/s": Text("2 per second"),
    "1/s": Text("1 per second"),
    "5/s": Text("5 per second"),
    "0.1/s": Text("1 in 10 seconds"),
    "1/1": Text("All"),
    "1/10": Text("Every tenth"),
    "key": Text("Key frames"),
    "scene": Text("One for each scene"),
}
"""Choices of frames as a page calls them."""


def frames_control(chosen: ChosenPhotos) -> str:
    """Return the choice of frames, drawn where there is a video; "" where there is none."""
    if not any(photo.is_video for photo in chosen.photos):
        return ""
    return st.selectbox(
        _("Frames of the videos"),
        FRAMES_OFFERED,
        format_func=lambda one: _(FRAMES_OFFERED[one]),
        key="batch_frames",
        width=320,
        help=_(
            "Up to {most} frames of all videos together. A new scene is a change of the whole "
            "picture's colours.",
            most=MAX_BATCH_PHOTOS,
        ),
    )


def films(batch: BackgroundBatch, turn: Callable[[], AbstractContextManager[object]]) -> None:
    """Show the videos of a batch that has ended, one at a time; nothing where there is none.

    Args:
        batch: holds the videos' files, and their frames' rows.
        turn: held while a frame is drawn.
    """
    found = batch.films()
    if not found:
        return
    film = found[0]
    if len(found) > 1:
        chosen = st.selectbox(_("Video"), range(len(found)), format_func=lambda n: found[n].name)
        film = found[chosen or 0]
    st.markdown(f"**{_('Over time')}**")
    key = f"{_MOMENT}_{found.index(film)}"
    _timeline(film, key)
    if film.moments[-1].time_s <= _LONGEST_S:
        st.download_button(
            _("Annotated video"),
            partial(_annotated, batch, film, turn),
            f"{PurePosixPath(film.name).stem}.annotated{SUFFIX}",
            "video/webm",
            key=f"{key}_annotated",
            icon=":material/movie:",
            on_click="ignore",
            help=_("The faces drawn on it, with their tracks' labels; made when you click."),
        )
    _stills(batch, film, key)
    _opened(batch, film, key, turn)


def _timeline(film: Film, key: str) -> None:
    longest = sorted(film.tracks.values(), key=lambda one: (-len(one.places), one.number))
    shown = sorted(longest[:_MOST_TRACKS], key=lambda one: one.number)
    chart_key = f"{key}_timeline"

    def choose() -> None:
        points = (state.widget_value(chart_key) or {}).get("selection", {}).get("points", [])
        if points:
            place = points[0].get("customdata")
            _keep(key, film, int(place[0] if isinstance(place, list) else place))

    st.plotly_chart(
        charts.timeline(film, shown),
        key=chart_key,
        on_select=choose,
        selection_mode="points",
        config={"displayModeBar": False},
        alt=_("Faces over time, and {n} track", "Faces over time, and {n} tracks", n=len(shown)),
    )
    if len(longest) > len(shown):
        words = Text(
            "The {shown} longest of {all} tracks are shown.", shown=len(shown), all=len(longest)
        )
        st.caption(_(words))


def _keep(key: str, film: Film, place: int) -> None:
    times = {moment.place: moment.time_s for moment in film.moments}
    if place in times:
        state.set_widget_values({key: times[place]})


def _stills(batch: BackgroundBatch, film: Film, key: str) -> None:
    listed = batch.answers.listed()
    step = max(1, -(-len(film.moments) // _STILLS))
    chosen = state.widget_value(key)
    before = bisect_right([moment.time_s for moment in film.moments[::step]], chosen or 0.0) - 1
    tiles = [
        Tile(
            key=str(moment.place),
            picture=listed[moment.place].thumbnail_jpeg,
            name=f"{moment.time_s:.1f} s",
        )
        for moment in film.moments[::step]
        if listed[moment.place].thumbnail_jpeg
    ]
    if tiles:
        opened = tiles[min(max(before, 0), len(tiles) - 1)].key
        st.html(_STRIP)
        with st.container(key="batch_strip"):
            gallery(f"{key}_still", tiles, lambda place: _keep(key, film, int(place)), opened)


def _opened(
    batch: BackgroundBatch,
    film: Film,
    key: str,
    turn: Callable[[], AbstractContextManager[object]],
) -> None:
    with st.container(key="opened"):
        time_s = film.moments[0].time_s
        if len(film.moments) > 1:
            time_s = st.select_slider(
                _("Moment"),
                [moment.time_s for moment in film.moments],
                format_func=lambda at_s: f"{at_s:.2f} s",
                key=key,
            )
        place = next(moment.place for moment in film.moments if moment.time_s == time_s)
        with st.spinner(_("Decoding …"), show_time=False):
            opened_photo(batch, place, turn, f"{key}_faces")
        st.caption(
            _(
                "What is said here was read in this one frame. A bar above says the mean over all "
                "frames of its track, and may say something else."
            )
        )


def _annotated(
    batch: BackgroundBatch, film: Film, turn: Callable[[], AbstractContextManager[object]]
) -> bytes:
    # OpenCV writes to a file of a name, and to nothing else.
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, f"film{SUFFIX}")
        max_pixels = process_service().max_pixels
        video, rows = batch.film_rows(film)
        # Of a long video perhaps only the beginning was read, or has scenes.
        write_annotated(
            *(video, film, rows, place), max_pixels=max_pixels, turn=turn, most_s=_LONGEST_S
        )
        return place.read_bytes()
