"""Drawing the answers on a copy of the photo; nothing here infers or changes its input."""

from __future__ import annotations

from collections.abc import Sequence

import cv2

from facecore.images import BgrImage
from facecore.results import Face

_BOX_BGR = (80, 200, 60)
_TEXT_BGR = (20, 20, 20)
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw_faces(photo: BgrImage, faces: Sequence[Face]) -> BgrImage:
    """Draw a numbered box and a label for each face on a copy of the photo.

    Line width and letters grow with the photo, so that they can be read when it
    is shown at the width of a page.

    Args:
        photo: BGR uint8; stays as it is.
        faces: numbered from 1 in this order.

    Returns:
        A new array of the same shape.
    """
    canvas = photo.copy()
    line = max(1, round(max(photo.shape[:2]) / 400))
    # The surest face is drawn last, so that its label lies on top.
    for number, face in reversed(list(enumerate(faces, start=1))):
        box = face.box
        cv2.rectangle(canvas, (box.x0, box.y0), (box.x1 - 1, box.y1 - 1), _BOX_BGR, line)
        _draw_label(canvas, face_label(number, face), (box.x0, box.y0), box.y1, line)
    return canvas


def face_label(number: int, face: Face) -> str:
    """Give the text that is drawn at a face: number, gender, age group."""
    return f"{number} {face.gender.label} {face.age_group.label}"


def _draw_label(
    canvas: BgrImage, text: str, corner_xy: tuple[int, int], bottom_y: int, line: int
) -> None:
    scale = max(0.4, line * 0.3)
    weight = max(1, round(line * 0.7))
    (width, height), baseline = cv2.getTextSize(text, _FONT, scale, weight)
    pad = max(2, line)
    full_height = height + baseline + 2 * pad
    canvas_height, canvas_width = canvas.shape[:2]
    x = max(0, min(corner_xy[0], canvas_width - width - 2 * pad))
    # Above the box where there is room, else below it, else inside it at the top.
    y = corner_xy[1] - full_height
    if y < 0:
        y = bottom_y if bottom_y + full_height <= canvas_height else corner_xy[1]
    cv2.rectangle(canvas, (x, y), (x + width + 2 * pad, y + full_height), _BOX_BGR, cv2.FILLED)
    origin = (x + pad, y + pad + height)
    cv2.putText(canvas, text, origin, _FONT, scale, _TEXT_BGR, weight, cv2.LINE_AA)
