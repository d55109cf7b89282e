"""The photos of an experiment side by side, with the faces that differ in orange."""

from __future__ import annotations

import numpy as np
import streamlit as st

from facecore.errors import FacecoreError
from facecore.experiment.record import Experiment, PhotoFacts
from facecore.experiment.report import Outcome
from facecore.imaging.decoding import BgrImage, encode_jpeg
from facecore.imaging.drawing import draw_faces
from facecore.imaging.geometry import fit_within
from facecore.imaging.pictures import decode_picture
from facecore.results import Face
from facecore.serving.service import process_service
from facecore.ui import state
from facecore.ui.components import grid
from facecore.wording import _, counted

_SIDE_PX = 700
_GREY = 90


def photos_view(outcome: Outcome) -> None:
    """Show one photo as each variant read it; which one is the visitor's choice."""
    experiment = outcome.experiment
    readable = {photo.name: photo for photo in experiment.photos if photo.size_wh}
    if not readable:
        return
    st.markdown(_("**The photos side by side** (orange: faces that differ from the baseline's)"))
    differing = {
        event.photo for one in outcome.reports if one.agreement for event in one.agreement.events
    }
    ordered = sorted(readable, key=lambda name: name not in differing)
    name = st.selectbox(
        _("Photo"),
        ordered,
        format_func=lambda name: _("{photo} (differs)", photo=name) if name in differing else name,
        key="compare_photo",
    )
    if name not in readable:
        return
    picture, is_there = _picture(readable[name])
    if not is_there:
        st.caption(_("The photo itself cannot be shown: only the places of its faces are shown."))
    marked = _marked(outcome, name)
    for place, column in enumerate(grid(len(outcome.reports))):
        with column:
            st.text(outcome.reports[place].variant.name)
            _show(experiment, place, name, picture, marked[place])


def _show(
    experiment: Experiment, place: int, name: str, picture: BgrImage, marked: list[Face]
) -> None:
    faces = experiment.answers[place].get(name)
    size_wh = next(photo.size_wh for photo in experiment.photos if photo.name == name)
    if faces is None or size_wh is None:
        st.caption(_("Not read."))
        return
    scale = max(picture.shape[:2]) / max(size_wh)
    drawn = encode_jpeg(draw_faces(picture, faces, scale, marked))
    st.image(
        drawn,
        width="stretch",
        alt=_("{photo} as {variant}", photo=name, variant=experiment.plan.variants[place].name),
    )
    words = _("{n} face.", "{n} faces.", n=len(faces))
    if marked:
        faces_in_words = counted(len(faces), "face")
        words = _("{faces}, {differ} of them differ.", faces=faces_in_words, differ=len(marked))
        if len(faces) == 1:
            words = _("{faces}, it differs.", faces=faces_in_words)
    st.caption(words)


def _marked(outcome: Outcome, name: str) -> list[list[Face]]:
    """Return for each variant a photo's faces that differ; for the baseline, from any other."""
    answers = [faces.get(name, ()) for faces in outcome.experiment.answers]
    marked: list[list[Face]] = [[] for one in answers]
    for place, one in enumerate(outcome.reports):
        for event in one.agreement.events if one.agreement else ():
            if event.photo == name:
                marked[0] += [face for face in answers[0] if face.box == event.box]
                marked[place] += [f for f in answers[place] if f.box == event.variant_box]
    return marked


def _picture(photo: PhotoFacts) -> tuple[BgrImage, bool]:
    """Return a small copy of a photo, or grey of its shape where its file is not here."""
    known = state.compared_photos().get(photo.sha256)
    if known is not None:
        try:
            with process_service().queue.enter(state.session_key()):
                picture = decode_picture(
                    known.read(), _SIDE_PX, max_pixels=process_service().max_pixels
                )
                return picture.preview(_SIDE_PX), True
        except FacecoreError:
            pass
    width, height = fit_within(photo.size_wh or (1, 1), _SIDE_PX)
    return np.full((height, width, 3), _GREY, dtype=np.uint8), False
