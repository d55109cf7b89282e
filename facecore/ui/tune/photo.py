"""One photo with accepted, rejected and true boxes, and small pictures cut out of photos."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import suppress

import streamlit as st

from facecore.errors import FacecoreError
from facecore.evaluation.labels import BoxXyxy
from facecore.evaluation.thresholds import MatchedPhoto
from facecore.imaging.decoding import cap_longest_side, decode_image, encode_jpeg
from facecore.imaging.geometry import crop_window_xyxy
from facecore.results import Box
from facecore.serving.service import process_service
from facecore.sources.photo import Photo
from facecore.ui import state
from facecore.ui.picture.clickable import BLUE, GREEN, ORANGE, Mark, ShownPhoto, clickable_picture
from facecore.ui.readings import SHOWN_FROM, plain_jpeg
from facecore.ui.tune.subject import Subject
from facecore.wording import _

_TELL_FROM = 0.2  # below, a rejected box says no number, or the numbers hide the photo
_CROP_SIDE_PX = 200
_CROP_MARGIN_RATIO = 0.6  # what is around a missed face often says why
_MOST_CROPS = 400

_crops = state.Remembered[OrderedDict[tuple[str, BoxXyxy | None], bytes]]("tune_crops", OrderedDict)


def photo_view(
    subject: Subject, name: str, threshold: float, key: str, chosen: BoxXyxy | None = None
) -> None:
    """Draw a photo with its boxes; a box of the truth or the detector can be marked as chosen."""
    answer = subject.answers[name]
    jpeg, width = plain_jpeg(
        subject.photos[name], subject.reading.settings, subject.reading.options
    )
    marks = list(_marks(subject, name, threshold))
    number = next((n for n, mark in enumerate(marks) if _same(mark.box, chosen)), None)
    shown = ShownPhoto(
        jpeg=jpeg,
        jpeg_width=width,
        size_wh=answer.size_wh,
        name=subject.photos[name].key,
        alt=_("Accepted, rejected and true boxes"),
    )
    clickable_picture(shown, marks, key=f"tune_photo_{key}", chosen=number)
    words = _("Green: reaches the threshold. Orange: does not. The numbers are the confidence.")
    known = name in subject.truth.boxes
    st.caption(_("{words} Blue and dashed: where the faces are.", words=words) if known else words)


def _marks(subject: Subject, name: str, threshold: float) -> Iterator[Mark]:
    answer = subject.answers[name]
    truth = subject.truth.boxes.get(name, ())
    matched = MatchedPhoto.of(answer.candidates, truth)
    shown = matched.reached(min(threshold, SHOWN_FROM))
    number = 0
    for box, confidence, face in zip(
        matched.boxes_xyxy[:shown].tolist(),
        matched.confidences[:shown].tolist(),
        matched.takes[:shown].tolist(),
        strict=True,
    ):
        accepted = confidence >= threshold
        hover = _("confidence {confidence:.2f}: rejected", confidence=confidence)
        if accepted:
            hover = _("confidence {confidence:.2f}: accepted", confidence=confidence)
        if truth:
            hover += _(", a face") if face >= 0 else _(", no face")
        yield Mark(
            box=Box(*box),
            number=number,
            labels=(f"{confidence:.2f}",) if confidence >= min(threshold, _TELL_FROM) else (),
            hover=hover,
            colour=GREEN if accepted else ORANGE,
        )
        number += 1
    missed = set(matched.missed(threshold))
    for face_box in truth:
        if (place := _inside(face_box, answer.size_wh)) is not None:
            yield Mark(
                box=place,
                number=number,
                hover=_("a face, missed") if face_box in missed else _("a face, found"),
                colour=BLUE,
                dashed=True,
            )
            number += 1


def crops(
    photos: Sequence[tuple[Photo, BoxXyxy | None]],
) -> list[bytes | None]:
    """Return a small JPEG around each box, of the whole photo for None, each made once.

    None for one that cannot be made now, as the server is busy or the photo damaged.
    """
    known = _crops()
    by_photo: dict[str, tuple[Photo, list[BoxXyxy | None]]] = {}
    for photo, box in photos:
        if (photo.key, box) not in known:
            by_photo.setdefault(photo.key, (photo, []))[1].append(box)
    for photo, boxes in by_photo.values():
        with suppress(FacecoreError):
            _cut(photo, boxes)
    found = [known.get((photo.key, box)) for photo, box in photos]
    while len(known) > _MOST_CROPS:
        known.popitem(last=False)
    return found


def _cut(photo: Photo, boxes: Sequence[BoxXyxy | None]) -> None:
    service = process_service()
    with service.queue.enter(state.session_key()):
        image = decode_image(photo.read(), max_pixels=service.max_pixels)
        size_wh = image.shape[1], image.shape[0]
        for box in boxes:
            cut = image
            if box is not None and (place := _inside(box, size_wh)):
                x0, y0, x1, y1 = crop_window_xyxy(
                    place.xyxy, size_wh, margin_ratio=_CROP_MARGIN_RATIO, square=True
                )
                cut = image[y0:y1, x0:x1]
            _crops()[photo.key, box] = encode_jpeg(cap_longest_side(cut, _CROP_SIDE_PX))


def _inside(xyxy: BoxXyxy, size_wh: tuple[int, int]) -> Box | None:
    """Return a box of a table in whole pixels of the photo; None where it has none in there."""
    width, height = size_wh
    x0, y0 = max(0, round(xyxy[0])), max(0, round(xyxy[1]))
    x1, y1 = min(width, round(xyxy[2])), min(height, round(xyxy[3]))
    return Box(x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None


def _same(box: Box, chosen: BoxXyxy | None) -> bool:
    return chosen is not None and all(
        abs(one - other) <= 1 for one, other in zip(box.xyxy, chosen, strict=True)
    )
