"""Reading the photos of a page: each once per settings, every run remembered."""

from __future__ import annotations

import io
import math
import zipfile
from collections import OrderedDict
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

import streamlit as st

from facecore.analysis.memory import PhotoMemory
from facecore.errors import (
    BusyError,
    FacecoreError,
    ModelError,
    friendly_message,
)
from facecore.imaging.decoding import cap_longest_side, decode_image, encode_jpeg, encode_png
from facecore.imaging.drawing import draw_boxes, draw_faces
from facecore.results import Analysis
from facecore.serving.history import RunRecord
from facecore.serving.service import process_service
from facecore.settings import AnalysisSettings, RuntimeOptions
from facecore.sources.photo import Photo
from facecore.ui import state
from facecore.ui.networks import session_turn
from facecore.ui.photos import Reading
from facecore.wording import _

PREVIEW_SIDE_PX = 1400
THUMBNAIL_SIDE_PX = 320
CROP_SIDE_PX = 160
THUMBNAIL_QUALITY = 80
_MANY = 60  # faces whose crops are kept in full
_MOST_SHOWN_PIXELS = 16_000_000
_SHOWN_PHOTOS = 4
SHOWN_FROM = 0.15
"""Candidates less sure than this are not drawn while they are rejected: there are too many."""


def read_photo(photo: Photo, settings: AnalysisSettings, options: RuntimeOptions) -> Reading:
    """Return the answer for a photo; reads it only if this session has no such answer yet.

    A photo that cannot be read gives a reading with the sentence that says why. Where
    the server is busy, what is known of the photo stays, and it can be tried again.

    Raises:
        ModelError: the networks cannot be used at all.
    """
    known = state.photos().reading(photo.key)
    if known is not None and known.answers(settings, options):
        return replace(known, photo=photo)
    unread = Reading(photo=photo, settings=settings, options=options)
    try:
        reading = _read(unread, known.run if known else None)
    except ModelError:
        raise
    except BusyError as error:
        return replace(unread, error=error.text, busy=True)
    except Exception as error:  # noqa: BLE001 - one photo must not stop the others
        reading = replace(unread, error=friendly_message(error))
        if not isinstance(error, FacecoreError):
            return reading  # it may go better next time, so it is not the photo's answer
    state.photos().keep_reading(photo.key, reading)
    return reading


def _read(unread: Reading, before: RunRecord | None) -> Reading:
    photo, settings, options = unread.photo, unread.settings, unread.options
    with session_turn(options) as turn:
        opened = _opened(photo, options)
        analysis = turn.read(opened, settings, preview_side_px=PREVIEW_SIDE_PX, name=photo.name)
        seen = [face.detection for face in analysis.faces]
        side_px = CROP_SIDE_PX if len(seen) <= _MANY else CROP_SIDE_PX // 2
        crops = tuple(
            encode_jpeg(cap_longest_side(crop, side_px))
            for crop in turn.analyzer.crops(opened, seen, settings)
        )
        small = thumbnail(opened, settings, analysis, THUMBNAIL_SIDE_PX)
    run = state.history().add(
        analysis,
        source=photo.source,
        name=photo.name,
        runtime=options,
        waited_ms=turn.waited_ms,
    )
    state.photos().keep_open(photo.key, options, opened)
    return replace(
        unread,
        analysis=analysis,
        crops_jpeg=crops,
        thumbnail_jpeg=small,
        run=run,
        run_before=before,
    )


def thumbnail(
    opened: PhotoMemory, settings: AnalysisSettings, analysis: Analysis, side_px: int
) -> bytes:
    """Return a small JPEG of a photo that was read, with its boxes and without their labels."""
    small = opened.picture(settings, side_px).preview(side_px)
    scale = max(small.shape[:2]) / max(analysis.size_wh)
    boxes = [face.box for face in analysis.faces]
    return encode_jpeg(draw_boxes(small, boxes, scale), THUMBNAIL_QUALITY)


def read_photos(
    photos: list[Photo], settings: AnalysisSettings, options: RuntimeOptions
) -> list[Reading]:
    """Read photos one at a time, with a progress bar where there are several.

    Raises:
        ModelError: the networks cannot be used at all.
    """
    if len(photos) == 1:
        loaded = process_service().loaded(options)
        words = _("Reading faces …") if loaded else _("Loading the three networks …")
        with st.spinner(words, show_time=True):
            return [read_photo(photos[0], settings, options)]
    readings: list[Reading] = []
    bar = st.progress(0.0)
    for number, photo in enumerate(photos, start=1):
        bar.progress(
            (number - 1) / len(photos),
            _("Reading photo {number} of {count} …", number=number, count=len(photos)),
        )
        readings.append(read_photo(photo, settings, options))
        if readings[-1].busy:
            # The others would wait as long, one after the other, for the same answer.
            readings += [replace(readings[-1], photo=left) for left in photos[number:]]
            break
    bar.empty()
    return readings


def most_side_px(size_wh: tuple[int, int]) -> int:
    """Return the longest side in which a photo is sent to a browser: in full, to 16 megapixels."""
    share = math.sqrt(_MOST_SHOWN_PIXELS / (size_wh[0] * size_wh[1]))
    return math.floor(max(size_wh) * min(1, share))


def plain_jpeg(
    photo: Photo,
    settings: AnalysisSettings,
    options: RuntimeOptions,
    side_px: int = PREVIEW_SIDE_PX,
) -> tuple[bytes, int]:
    """Return a photo no longer than this with nothing drawn on it, and its width; kept for a while.

    Raises:
        BusyError: the photo has to be decoded again, and the queue gives no turn for it.
        ImageError: the photo cannot be decoded any more.
    """
    key = photo.key, side_px
    shown = state.shown_photos() if photo.key else OrderedDict()
    if key not in shown:
        opened = _opened(photo, options)
        with _turn_to_decode(opened):
            small = opened.picture(settings, side_px).preview(side_px)
        # Decoding may have taken memory: the bounds are seen to again.
        state.photos().keep_open(photo.key, options, opened)
        shown[key] = encode_jpeg(small), small.shape[1]
    shown.move_to_end(key)
    while len(shown) > _SHOWN_PHOTOS:
        shown.popitem(last=False)
    return shown[key]


def annotated_png(reading: Reading, session_key: str) -> bytes:
    """Draw a reading's faces on the full-size photo again and encode it as PNG.

    Raises:
        BusyError: the queue gives no turn for it.
        ImageError: the photo cannot be decoded any more.
    """
    # A download runs beside the session's own thread, so it decodes the photo anew.
    with process_service().queue.enter(session_key):
        image = decode_image(reading.photo.read(), max_pixels=process_service().max_pixels)
        return encode_png(draw_faces(image, reading.analysis.faces if reading.analysis else ()))


def crops_zip(reading: Reading, session_key: str) -> bytes:
    """Return a ZIP file with a JPEG of each face as the networks are given it, in full size.

    Raises:
        BusyError: the queue gives no turn for it.
        ImageError: the photo cannot be decoded any more.
    """
    faces = reading.analysis.faces if reading.analysis else ()
    packed = io.BytesIO()
    service = process_service()
    with (
        service.turn(session_key, reading.options) as turn,
        zipfile.ZipFile(packed, "w") as archive,
    ):
        opened = PhotoMemory(reading.photo.read(), service.max_pixels)
        seen = [face.detection for face in faces]
        crops = turn.analyzer.crops(opened, seen, reading.settings)
        for number, (face, crop) in enumerate(zip(faces, crops, strict=True), start=1):
            age = face.age_group.label.strip("()")
            name = f"face-{number:03}-{face.gender.label.lower()}-{age}.jpg"
            archive.writestr(name, encode_jpeg(crop))
    return packed.getvalue()


def _turn_to_decode(opened: PhotoMemory) -> AbstractContextManager[object]:
    if opened.image_bytes:
        return nullcontext()
    return process_service().queue.enter(state.session_key())


def _opened(photo: Photo, options: RuntimeOptions) -> PhotoMemory:
    known = state.photos().opened(photo.key, options)
    return known or PhotoMemory(photo.read(), process_service().max_pixels)
