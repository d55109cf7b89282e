"""Reading the photos of a page: each once per settings, every run remembered."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from facecore.analyzer import OpenPhoto
from facecore.annotate import draw_faces
from facecore.attributes import crop_face
from facecore.errors import ModelError, friendly_message
from facecore.images import cap_longest_side, encode_jpeg, encode_png
from facecore.results import Analysis
from facecore.settings import AnalysisSettings, RuntimeOptions
from facecore.ui import state
from facecore.ui.photos import PhotoInput, Reading
from facecore.ui.resources import analyzer

PREVIEW_SIDE_PX = 1400
CROP_SIDE_PX = 160
CROPS_PER_PHOTO = 60


def read_photo(photo: PhotoInput, settings: AnalysisSettings, options: RuntimeOptions) -> Reading:
    """Give the answer for a photo; reads it only if this session has no such answer yet.

    A photo that cannot be read gives a reading with the sentence that says why.

    Raises:
        ModelError: the networks cannot be used at all.
    """
    known = state.photos().reading(photo.key)
    if known is not None and known.answers(settings, options):
        return replace(known, photo=photo)
    try:
        opened = _open(photo, options)
        analysis = opened.read(settings, preview_side_px=PREVIEW_SIDE_PX)
        crops = _crops(opened, analysis)
    except ModelError:
        raise
    except Exception as error:  # noqa: BLE001 - one photo must not stop the others
        reading = Reading(
            photo=photo, settings=settings, options=options, error=friendly_message(error)
        )
    else:
        before = state.history().newest()
        run = state.history().add(analysis, source=photo.source, name=photo.name, runtime=options)
        state.photos().keep_open(photo.key, options, opened)
        reading = Reading(
            photo=photo,
            settings=settings,
            options=options,
            analysis=replace(analysis, annotated=None),
            crops_jpeg=crops,
            run=run,
            run_before=before,
        )
    state.photos().keep_reading(photo.key, reading)
    return reading


def read_photos(
    photos: list[PhotoInput], settings: AnalysisSettings, options: RuntimeOptions
) -> list[Reading]:
    """Read photos one at a time, with a progress bar where there are several.

    Raises:
        ModelError: the networks cannot be used at all.
    """
    if len(photos) == 1:
        with st.spinner("Reading faces …", show_time=True):
            return [read_photo(photos[0], settings, options)]
    readings = []
    bar = st.progress(0.0)
    for number, photo in enumerate(photos, start=1):
        bar.progress((number - 1) / len(photos), f"Reading photo {number} of {len(photos)} …")
        readings.append(read_photo(photo, settings, options))
    bar.empty()
    return readings


def annotated_png(reading: Reading) -> bytes:
    """Draw a reading's faces on the full-size photo again and encode it as PNG.

    Raises:
        ImageError: the photo cannot be decoded any more.
    """
    # A download runs beside the session's own thread, so it opens the photo anew.
    fresh = analyzer(reading.options).open(reading.photo.read())
    if reading.analysis is None:
        return encode_png(fresh.image)
    return encode_png(draw_faces(fresh.image, reading.analysis.faces))


def _open(photo: PhotoInput, options: RuntimeOptions) -> OpenPhoto:
    opened = state.photos().opened(photo.key, options)
    if opened is None:
        return analyzer(options).open(photo.read())
    opened.attach(analyzer(options))
    return opened


def _crops(opened: OpenPhoto, analysis: Analysis) -> tuple[bytes, ...]:
    return tuple(
        encode_jpeg(
            cap_longest_side(crop_face(opened.image, face.box, analysis.settings), CROP_SIDE_PX)
        )
        for face in analysis.faces[:CROPS_PER_PHOTO]
    )
