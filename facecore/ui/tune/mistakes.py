"""Missed and false faces, and what is behind a number of a confusion table, as a gallery."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import streamlit as st

from facecore.evaluation.accuracy import files_by_answer, labelled_face
from facecore.evaluation.labels import BoxXyxy
from facecore.ui import state
from facecore.ui.components import Tile, as_text, gallery
from facecore.ui.tune.people import CELL, chosen_cell
from facecore.ui.tune.photo import crops, photo_view
from facecore.ui.tune.subject import Subject
from facecore.wording import Text, _

_A_PAGE = 24
_MISSED, _FALSE, _NO_FACE = "missed", "false", "no_face"


@dataclass(frozen=True, slots=True)
class _Shown:
    """A picture of the gallery: a photo, the box in it that matters, and words."""

    name: str
    box: BoxXyxy | None
    note: str = ""


_opened = state.Remembered[str]("tune_opened", str)


def mistakes(subject: Subject, threshold: float) -> None:
    """Show what was missed, what was wrong, and the chosen cell; a click opens its photo."""
    kinds = _kinds(subject, threshold)
    if not kinds:
        return
    st.header(_("What went wrong, photo by photo"))
    if state.widget_value("tune_mistakes") not in kinds:
        state.set_widget_values({"tune_mistakes": next(iter(kinds))})
    kind = st.segmented_control(
        _("Show"),
        list(kinds),
        format_func=lambda kind: f"{_title(kind)} ({len(kinds[kind])})",
        required=True,
        key="tune_mistakes",
        label_visibility="collapsed",
    )
    shown = kinds[kind or next(iter(kinds))]
    if not shown:
        st.caption(_("None."))
        return
    page = 1
    if len(shown) > _A_PAGE:
        page = st.pagination(-(-len(shown) // _A_PAGE), key=f"tune_page_{kind}")
    part = shown[(page - 1) * _A_PAGE : page * _A_PAGE]
    by_key = {f"{kind} {one.name} {one.box}": one for one in part}
    opened = by_key.get(_opened())
    if opened is not None:
        st.markdown(f"**{as_text(opened.name)}**{f': {opened.note}' if opened.note else ''}")
        photo_view(subject, opened.name, threshold, "opened", opened.box)
    with st.spinner(_("Cutting out …")):
        pictures = crops([(subject.photos[one.name], one.box) for one in part])
    tiles = [
        Tile(key=key, picture=picture, name=one.name.rpartition("/")[2], note=one.note)
        for (key, one), picture in zip(by_key.items(), pictures, strict=True)
        if picture is not None
    ]
    if len(tiles) < len(part):
        st.caption(_("The server is busy: some pictures are left out. Any click tries again."))
    gallery("mistakes", tiles, _opened.keep, _opened())


def _kinds(subject: Subject, threshold: float) -> dict[str, list[_Shown]]:
    kinds: dict[str, list[_Shown]] = {}
    matched = subject.matched()
    if matched:
        missed, false = _MISSED, _FALSE
        kinds[missed] = [
            _Shown(name, box) for name, photo in matched.items() for box in photo.missed(threshold)
        ]
        kinds[false] = [
            _Shown(name, box) for name, photo in matched.items() for box in photo.false(threshold)
        ]
    labelled = [name for name in subject.truth.labels if name in subject.answers]
    if labelled:
        kinds[_NO_FACE] = [_Shown(n, None) for n in labelled if not subject.answers[n].faces]
    cell = chosen_cell()
    if labelled and cell is not None:
        kinds[CELL] = list(_of_cell(subject, cell))
    return kinds


def _of_cell(subject: Subject, cell: tuple[str, str, str]) -> Iterator[_Shown]:
    attribute, label, answer = cell
    files = files_by_answer(subject.answers, subject.truth.labels)[attribute]
    for name in files.get((label, answer), []):
        face = labelled_face(subject.answers[name])
        if face is None:
            continue
        said = face.attributes[attribute]
        words = _(
            "{label}, {probability:.0%}", label=Text(said.label), probability=said.probability
        )
        yield _Shown(name, face.box.xyxy, words)


def _title(kind: str) -> str:
    if kind == CELL and (cell := chosen_cell()) is not None:
        return _("{label} read as {answer}", label=Text(cell[1]), answer=Text(cell[2]))
    return {_MISSED: _("Missed faces"), _FALSE: _("False faces")}.get(kind, _("No face found"))
