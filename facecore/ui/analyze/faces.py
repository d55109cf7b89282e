"""A photo's faces on it and beside it: cards where they are few, else a table and one card."""

from __future__ import annotations

import base64
import functools
from collections.abc import Sequence
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from facecore.imaging.decoding import cap_longest_side, decode_image, encode_jpeg
from facecore.imaging.drawing import face_labels
from facecore.results import Analysis, Face
from facecore.sources.photo import Photo
from facecore.ui import state
from facecore.ui.analyze.cards import face_card
from facecore.ui.photos import Reading
from facecore.ui.picture.clickable import Mark, ShownPhoto, TableBeside, clickable_picture
from facecore.ui.readings import PREVIEW_SIDE_PX, most_side_px, plain_jpeg
from facecore.wording import Text, _

FEW = 4
"""Up to so many faces have a card each."""

_PHOTO_KEY, _TABLE_KEY = "photo_with_faces", "faces_table"
_FILTERS = ("Male", "Female", Text("Unsure"))
_ROW_PX, _HEAD_PX, _TABLE_PX = 44, 38, 640
_THUMBNAIL_SIDE_PX = 64

# The width of a column, the form of its numbers, its heading and what it means.
_COLUMNS: dict[str, tuple[int, str, str, str]] = {
    "no": (38, "%d", Text("no."), ""),
    "crop": (46, "", Text("face"), ""),
    "gender": (62, "", Text("gender"), ""),
    "gender_percent": (62, "%.0f", Text("gender %"), Text("Probability of this gender")),
    "age": (70, "", Text("age"), ""),
    "age_percent": (52, "%.0f", Text("age %"), Text("Probability of this age group")),
    "unsure": (
        64,
        "",
        Text("unsure"),
        Text("Which answers have a probability below the setting unsure below"),
    ),
    "found_percent": (
        60,
        "%.0f",
        Text("found %"),
        Text("How sure the detector is that this is a face"),
    ),
    "true": (240, "", Text("true"), Text("What is known of this person")),
}


def _columns() -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, (width, form, heading, note) in _COLUMNS.items():
        column = st.column_config
        how: dict[str, Any] = {"width": width, "help": _(note) or None}
        if form:
            made[name] = column.NumberColumn(_(heading), format=form, **how)
        else:
            kind = column.ImageColumn if name == "crop" else column.TextColumn
            made[name] = kind(_(heading), **how)
    return made


@st.fragment
def photo_with_faces(reading: Reading, analysis: Analysis) -> None:
    """Show the photo, its faces marked, beside what was read of each; a click chooses one.

    What is chosen runs this part of the page alone.
    """
    few = len(analysis.faces) <= FEW
    left, right = st.columns([3, 2] if few else [11, 10])
    with right:
        numbers = list(range(1, len(analysis.faces) + 1)) if few else _filtered(analysis)
    chosen = _chosen(reading.photo, numbers, first=not few)
    with left:
        _photo(reading, analysis, numbers, chosen)
        if chosen and not few:
            _cards(reading, analysis, [chosen])
        if reading.photo.credit:
            st.caption(_("Photo: {credit}.", credit=reading.photo.credit))
    with right:
        if few:
            _cards(reading, analysis, numbers)
        elif numbers:
            _table(reading, analysis, numbers, chosen)
        else:
            st.caption(_("No face is like that."))
        _missed(analysis, reading.photo)


def photo_without_faces(reading: Reading, analysis: Analysis) -> None:
    """Show a photo on which no face was found, and who is known to be on it."""
    _photo(reading, analysis, [], None)
    if reading.photo.credit:
        st.caption(_("Photo: {credit}.", credit=reading.photo.credit))
    _missed(analysis, reading.photo)


def faces_in_full(reading: Reading, analysis: Analysis, photo: Photo) -> None:
    """Show what was read of each face, without a photo to click: cards, or a table.

    Args:
        reading: the answer.
        analysis: the same, as it is known to be there.
        photo: says what is true of the people.
    """
    if len(analysis.faces) <= FEW:
        _cards(reading, analysis, range(1, len(analysis.faces) + 1))
    else:
        numbers = list(range(1, len(analysis.faces) + 1))
        st.dataframe(
            face_rows(analysis, reading.crops_jpeg, photo, numbers), **_table_look(len(numbers))
        )
    _missed(analysis, photo)


def face_rows(
    analysis: Analysis, crops_jpeg: Sequence[bytes], photo: Photo, numbers: Sequence[int]
) -> pd.DataFrame:
    """Return a row for each of these faces, by their numbers from 1; percentages are 0 to 100.

    The column "true" is there where something is known of anybody on the photo, "crop" is a
    small JPEG as a data URI.
    """
    limit = analysis.settings.unsure_below
    rows = []
    for number in numbers:
        face = analysis.faces[number - 1]
        person = photo.person_at(face.box)
        rows.append(
            {
                "no": number,
                "crop": _thumbnail(crops_jpeg[number - 1]),
                "gender": _(face.gender.label),
                "gender_percent": 100 * face.gender.probability,
                "age": _age(face),
                "age_percent": 100 * face.age_group.probability,
                "unsure": _(", ").join(_unsure(face, limit)),
                "found_percent": 100 * face.confidence,
                "true": _(person.in_words) if person else "",
            }
        )
    table = pd.DataFrame(rows, columns=list(_COLUMNS))
    return table if photo.people else table.drop(columns="true")


def _photo(
    reading: Reading, analysis: Analysis, numbers: Sequence[int], chosen: int | None
) -> None:
    finest_px = most_side_px(analysis.size_wh)
    fine = state.finer_photo() == reading.photo.key
    side_px = finest_px if fine else min(PREVIEW_SIDE_PX, finest_px)
    jpeg, width = plain_jpeg(reading.photo, reading.settings, reading.options, side_px)
    clickable_picture(
        ShownPhoto(
            jpeg=jpeg,
            jpeg_width=width,
            size_wh=analysis.size_wh,
            name=reading.photo.key,
            alt=_("The photo with its faces marked"),
            on_finer=partial(state.finer_photo.keep, reading.photo.key)
            if side_px < finest_px
            else None,
            beside=TableBeside(key=_TABLE_KEY, row=numbers.index(chosen), row_px=_ROW_PX)
            if chosen
            else None,
        ),
        [_mark(number, analysis.faces[number - 1], reading.photo) for number in numbers],
        key=_PHOTO_KEY,
        chosen=chosen,
        on_click=lambda number: state.chosen_face.keep((reading.photo.key, number)),
    )


def _mark(number: int, face: Face, photo: Photo) -> Mark:
    person = photo.person_at(face.box)
    hover = [
        _("Face {number}", number=number),
        _(
            "{label}, {probability:.0%}",
            label=Text(face.gender.label),
            probability=face.gender.probability,
        ),
        _("Age {age}, {probability:.0%}", age=_age(face), probability=face.age_group.probability),
        _("Face found with {confidence:.0%}", confidence=face.confidence),
        _("True: {person}", person=person.in_words) if person else "",
    ]
    return Mark(
        box=face.box,
        number=number,
        labels=face_labels(number, face),
        hover="\n".join(filter(None, hover)),
    )


def _filtered(analysis: Analysis) -> list[int]:
    """Draw the filter, and return the numbers of the faces that it lets through."""
    wanted = st.pills(
        _("Only these faces"), _FILTERS, format_func=_, selection_mode="multi", key="faces_filter"
    )
    limit = analysis.settings.unsure_below
    genders = {"Male", "Female"} & set(wanted) or {"Male", "Female"}
    return [
        number
        for number, face in enumerate(analysis.faces, start=1)
        if face.gender.label in genders and ("Unsure" not in wanted or _unsure(face, limit))
    ]


def _chosen(photo: Photo, numbers: Sequence[int], *, first: bool) -> int | None:
    """Return the face that was chosen last, else the first where there is to be one."""
    key, number = state.chosen_face()
    if key == photo.key and number in numbers:
        return number
    return numbers[0] if first and numbers else None


def _table(
    reading: Reading, analysis: Analysis, numbers: Sequence[int], chosen: int | None
) -> None:
    rows = [numbers.index(chosen)] if chosen else []
    held = state.widget_value(_TABLE_KEY)
    if held is None or list(held["selection"]["rows"]) != rows:
        # Chosen on the photo, or the filter has moved the row.
        state.set_widget_values({_TABLE_KEY: {"selection": {"rows": rows}}})

    def choose() -> None:
        # The browser tells of the row that it was given, too, perhaps with a click on the photo.
        clicked = (state.widget_value(_PHOTO_KEY) or {}).get("clicked")
        picked = state.widget_value(_TABLE_KEY)["selection"]["rows"]
        if picked and picked != rows and clicked is None:
            state.chosen_face.keep((reading.photo.key, numbers[picked[0]]))

    st.dataframe(
        face_rows(analysis, reading.crops_jpeg, reading.photo, numbers),
        key=_TABLE_KEY,
        on_select=choose,
        selection_mode="single-row-required",
        **_table_look(len(numbers)),
    )


def _table_look(rows: int) -> dict[str, Any]:
    return {
        "column_config": _columns(),
        "hide_index": True,
        "row_height": _ROW_PX,
        "height": min(_TABLE_PX, _HEAD_PX + rows * _ROW_PX),
        "alt": _("The faces, a row for each"),
    }


def _cards(reading: Reading, analysis: Analysis, numbers: Sequence[int]) -> None:
    for number in numbers:
        face = analysis.faces[number - 1]
        face_card(
            number,
            face,
            reading.crops_jpeg[number - 1],
            analysis.settings.unsure_below,
            reading.photo.person_at(face.box),
        )


def _missed(analysis: Analysis, photo: Photo) -> None:
    found = {photo.person_at(face.box) for face in analysis.faces}
    missed = [_(person.in_words) for person in photo.people if person not in found]
    if missed:
        st.markdown(_("**Not found**  \n{names}.", names=_("; ").join(missed)))


def _age(face: Face) -> str:
    years = face.age_group.years
    return face.age_group.label if years is None else _("{years:.0f} years", years=years)


def _unsure(face: Face, limit: float) -> list[str]:
    answers = {_("gender"): face.gender, _("age"): face.age_group}
    return [name for name, answer in answers.items() if answer.probability < limit]


@functools.lru_cache(maxsize=512)
def _thumbnail(crop_jpeg: bytes) -> str:
    small = encode_jpeg(cap_longest_side(decode_image(crop_jpeg), _THUMBNAIL_SIDE_PX))
    return "data:image/jpeg;base64," + base64.b64encode(small).decode("ascii")
