"""Plotly figures of the Batch page, from plain values; no Streamlit in here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

import plotly.graph_objects as go

from facecore.results import GENDERS
from facecore.ui.charts import laid_out, whole_ticks
from facecore.video.tracks import Film, Track
from facecore.wording import Text, _

_SURE, _UNSURE = "#0072B2", "#9EC5E4"
_PHOTOS, _TIMES = "#009E73", "#E69F00"
_HEIGHT_PX = 260
_BAR_GAP = 0.15
_MOST_BINS = 40
_TRACK = Text(
    "Track {number}: {words}<br>from {start} s", number="%{y}", words="%{text}", start="%{base:.1f}"
)
_MOMENT = Text("{time} s: {faces} faces", time="%{x:.2f}", faces="%{y}")


def faces_per_photo(photos_by_faces: Mapping[int, int]) -> go.Figure:
    """Draw how many photos have how many faces."""
    numbers = sorted(photos_by_faces)
    figure = go.Figure(
        go.Bar(
            x=numbers,
            y=[photos_by_faces[number] for number in numbers],
            # By itself a bar is as wide as the smallest step between two numbers.
            width=0.8,
            marker_color=_PHOTOS,
            hovertemplate=_("{faces} faces: {photos} photos", faces="%{x}", photos="%{y}")
            + "<extra></extra>",
        )
    )
    # One bar alone would fill the whole width, and have half numbers beside it.
    highest = max(5, *numbers) if numbers else 5
    figure.update_xaxes(title=_("faces"), range=[-0.6, highest + 0.6], **whole_ticks([0, highest]))
    counts = whole_ticks([0, *photos_by_faces.values()])
    figure.update_yaxes(title=_("photos"), rangemode="tozero", **counts)
    return laid_out(figure, _HEIGHT_PX).update_layout(bargap=_BAR_GAP)


def latencies(latencies_ms: Sequence[float]) -> go.Figure:
    """Draw how the photos' times spread, milliseconds."""
    figure = go.Figure(
        go.Histogram(
            x=list(latencies_ms),
            nbinsx=_MOST_BINS,
            marker_color=_TIMES,
            hovertemplate=_("{time} ms: {photos} photos", time="%{x}", photos="%{y}")
            + "<extra></extra>",
        )
    )
    figure.update_xaxes(title=_("milliseconds"), rangemode="tozero")
    # How high the bars are nobody knows here: up to five there are no halves between the ticks.
    figure.update_yaxes(
        title=_("photos"), rangemode="tozero", tickformat="d", autorangeoptions={"include": 5}
    )
    return laid_out(figure, _HEIGHT_PX).update_layout(bargap=_BAR_GAP)


def answers(counts: Mapping[tuple[str, bool], int], labels: Sequence[str]) -> go.Figure:
    """Draw how many faces were read as what, of these labels, sure and unsure apart."""
    figure = go.Figure()
    for name, is_unsure, colour in ((_("sure"), False, _SURE), (_("unsure"), True, _UNSURE)):
        figure.add_bar(
            x=[_(label) for label in labels],
            y=[counts.get((label, is_unsure), 0) for label in labels],
            name=name,
            marker_color=colour,
            hovertemplate=_("{label}: {faces} faces, {sure}", label="%{x}", faces="%{y}", sure=name)
            + "<extra></extra>",
        )
    figure.update_layout(barmode="stack")
    figure.update_xaxes(type="category")
    totals = [sum(counts.get((label, unsure), 0) for unsure in (True, False)) for label in labels]
    figure.update_yaxes(title=_("faces"), rangemode="tozero", **whole_ticks([0, *totals]))
    return laid_out(figure, _HEIGHT_PX).update_layout(bargap=_BAR_GAP)


_GENDER_COLOURS = dict(zip(GENDERS, ("#56B4E9", "#E69F00"), strict=True))
_TRACK_PX, _FACES_PX, _AROUND_PX = 30, 110, 110


def timeline(film: Film, tracks: Sequence[Track]) -> go.Figure:
    """Draw faces over time, and below a bar for each of these tracks with its gender and age.

    Each point and bar has the place of its row, a bar that of its first, as its custom data.
    """
    figure = go.Figure()
    bottom_px = _TRACK_PX * max(1, len(tracks))
    height_px = _FACES_PX + bottom_px + _AROUND_PX
    _add_tracks(figure, film, tracks)
    _add_faces(figure, film)
    part = bottom_px / (bottom_px + _FACES_PX)
    counts = whole_ticks([0, *(len(moment.tracks) for moment in film.moments)])
    figure.update_xaxes(title=_("seconds"), rangemode="tozero")
    figure.update_layout(
        yaxis={
            "title": _("track"),
            "type": "category",
            "categoryarray": [str(track.number) for track in tracks],
            "autorange": "reversed",
            "domain": [0, max(0.0, part - 0.04)],
        },
        yaxis2={"title": _("faces"), "rangemode": "tozero", "domain": [part, 1], **counts},
        bargap=_BAR_GAP,
        barmode="overlay",
        clickmode="event+select",
    )
    return laid_out(figure, height_px)


def _add_tracks(figure: go.Figure, film: Film, tracks: Sequence[Track]) -> None:
    middle_s = (film.moments[0].time_s + film.moments[-1].time_s) / 2
    for (gender, colour), is_late in product(_GENDER_COLOURS.items(), (False, True)):
        read = [track for track in tracks if track.gender[0] == gender]
        # The words of a short bar that begins late would leave the picture at its right.
        those = [track for track in read if (track.start_s > middle_s) == is_late]
        figure.add_bar(
            x=[max(track.end_s - track.start_s, _shortest_s(film)) for track in those],
            base=[track.start_s for track in those],
            y=[str(track.number) for track in those],
            orientation="h",
            name=_(gender),
            legendgroup=gender,
            showlegend=not is_late,
            marker_color=colour,
            text=[_in_words(track) for track in those],
            textposition="inside",
            insidetextanchor="end" if is_late else "start",
            textangle=0,
            textfont={"size": 12, "color": "#141414"},
            constraintext="none",
            customdata=[track.places[0] for track in those],
            hovertemplate=_(_TRACK) + "<extra></extra>",
        )


def _add_faces(figure: go.Figure, film: Film) -> None:
    figure.add_scatter(
        x=[moment.time_s for moment in film.moments],
        y=[len(moment.tracks) for moment in film.moments],
        mode="lines+markers",
        line={"shape": "hv", "color": _PHOTOS},
        marker={"size": 7},
        yaxis="y2",
        name=_("faces"),
        customdata=[moment.place for moment in film.moments],
        hovertemplate=_(_MOMENT) + "<extra></extra>",
    )


def _shortest_s(film: Film) -> float:
    """Return what a bar needs to be seen and clicked."""
    return (film.moments[-1].time_s - film.moments[0].time_s) / 100 or 0.1


def _in_words(track: Track) -> str:
    (gender, share), age = track.gender, track.age_group[0]
    return _(
        "{gender} {percent:.0f} %, {age}",
        gender=Text(gender),
        percent=100 * share,
        age=age.strip("()"),
    )
