"""Drawing the answers on a copy of the photo; nothing here infers or changes its input."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import cv2

from facecore.imaging.decoding import BgrImage
from facecore.results import Detection, Face

_GREEN_BGR = (80, 200, 60)
_ORANGE_BGR = (60, 150, 240)
_TELL_FROM = 0.2  # below, a rejected box says no number, or the numbers hide the photo
_TEXT_BGR = (20, 20, 20)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_WIDEST_LABEL = 2.5  # times the box's width; a wider one would cover the neighbours


def draw_faces(
    photo: BgrImage,
    faces: Sequence[Face],
    scale: float = 1.0,
    marked: Collection[Face] = (),
) -> BgrImage:
    """Draw a numbered box and a label for each face on a copy of the photo.

    Line width and letters grow with the photo, so that they can be read when it
    is shown at the width of a page. A face too small for its label gets its
    number only.

    Args:
        photo: BGR uint8; stays as it is.
        faces: numbered from 1 in this order.
        scale: size of this photo as a part of the one that the boxes are of.
        marked: those of the faces that are orange and not green.

    Returns:
        A new array of the same shape.
    """
    canvas = photo.copy()
    line = max(1, round(max(photo.shape[:2]) / 400))
    # The surest face is drawn last, so that its label lies on top.
    for number, face in reversed(list(enumerate(faces, start=1))):
        x0, y0, x1, y1 = (round(edge * scale) for edge in face.box.xyxy)
        colour = _ORANGE_BGR if face in marked else _GREEN_BGR
        cv2.rectangle(canvas, (x0, y0), (x1 - 1, y1 - 1), colour, line)
        text = face_label(number, face)
        if _text_width(text, line) > _WIDEST_LABEL * (x1 - x0):
            text = str(number)
        _draw_label(canvas, text, (x0, y0, y1), line, colour)
    return canvas


def draw_candidates(
    photo: BgrImage, candidates: Sequence[Detection], threshold: float, scale: float = 1.0
) -> BgrImage:
    """Draw what the detector offered on a copy of the photo, each with its confidence.

    Boxes that reach the threshold are green and thick, the others orange and thin.

    Args:
        photo: BGR uint8; stays as it is.
        candidates: the boxes, by falling confidence.
        threshold: 0 to 1.
        scale: size of this photo as a part of the one that the boxes are of.

    Returns:
        A new array of the same shape.
    """
    canvas = photo.copy()
    line = max(1, round(max(photo.shape[:2]) / 400))
    for candidate in reversed(candidates):
        accepted = candidate.confidence >= threshold
        colour = _GREEN_BGR if accepted else _ORANGE_BGR
        x0, y0, x1, y1 = (round(edge * scale) for edge in candidate.box.xyxy)
        cv2.rectangle(canvas, (x0, y0), (x1 - 1, y1 - 1), colour, line if accepted else 1)
        text = f"{candidate.confidence:.2f}"
        if accepted or candidate.confidence >= _TELL_FROM:
            _draw_label(canvas, text, (x0, y0, y1), line, colour)
    return canvas


def face_label(number: int, face: Face) -> str:
    """Return the text that is drawn at a face: number, gender, age group."""
    return f"{number} {face.gender.label} {face.age_group.label}"


def _letters(line: int) -> tuple[float, int]:
    """Scale and weight of the letters that go with a line width."""
    return max(0.4, line * 0.3), max(1, round(line * 0.7))


def _text_width(text: str, line: int) -> int:
    scale, weight = _letters(line)
    return cv2.getTextSize(text, _FONT, scale, weight)[0][0]


def _draw_label(
    canvas: BgrImage,
    text: str,
    place: tuple[int, int, int],
    line: int,
    colour: tuple[int, int, int] = _GREEN_BGR,
) -> None:
    x0, y0, y1 = place  # left, top and bottom of the box
    scale, weight = _letters(line)
    (width, height), baseline = cv2.getTextSize(text, _FONT, scale, weight)
    pad = max(2, line)
    full_height = height + baseline + 2 * pad
    canvas_height, canvas_width = canvas.shape[:2]
    x = max(0, min(x0, canvas_width - width - 2 * pad))
    # Above the box where there is room, else below it, else inside it at the top.
    y = y0 - full_height
    if y < 0:
        y = y1 if y1 + full_height <= canvas_height else y0
    cv2.rectangle(canvas, (x, y), (x + width + 2 * pad, y + full_height), colour, cv2.FILLED)
    origin = (x + pad, y + pad + height)
    cv2.putText(canvas, text, origin, _FONT, scale, _TEXT_BGR, weight, cv2.LINE_AA)
