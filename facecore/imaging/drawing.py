"""Drawing the answers on a copy of the photo; nothing here infers or changes its input."""

from __future__ import annotations

import functools
from collections.abc import Collection, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from facecore.imaging.decoding import BgrImage
from facecore.imaging.labels import Label, Rectangle, place_labels
from facecore.imaging.lettering import LINE_EM, text_mask, text_width_em
from facecore.results import Box, Face
from facecore.wording import _

Colour = tuple[int, int, int]

_GREEN_BGR = (80, 200, 60)
_ORANGE_BGR = (60, 150, 240)
_TEXT_BGR = (20, 20, 20)
_LETTERS_RATIO = 1 / 50  # size of the font as a part of the photo's longest side
_SMALLEST_LETTERS_PX = 12.0
_SMALLER = (1.0, 0.75)  # sizes of letters, tried while there is no room for more than numbers
LETTERS_PAD_EM = 0.2
"""Room on each side of a label's text, in sizes of its font."""


def draw_faces(
    photo: BgrImage,
    faces: Sequence[Face],
    scale: float = 1.0,
    marked: Collection[Face] = (),
    numbers: Sequence[int] | None = None,
) -> BgrImage:
    """Draw a numbered box and a label for each face on a copy of the photo.

    Line width and letters grow with the photo, so that it looks the same at every
    size. Labels keep clear of each other and of the faces; where there is no room
    they are shortened, then say a number only (`place_labels`).

    Args:
        photo: BGR uint8; stays as it is.
        faces: numbered from 1 in this order, where there are no ``numbers``.
        scale: size of this photo as a part of the one that the boxes are of.
        marked: those of the faces that are orange and not green.
        numbers: one for each face, such as its track in a video.

    Returns:
        A new array of the same shape.
    """
    canvas = photo.copy()
    colours = [_ORANGE_BGR if face in marked else _GREEN_BGR for face in faces]
    # The surest face is drawn last, so that its box lies on top.
    for face, colour in reversed(list(zip(faces, colours, strict=True))):
        _draw_box(canvas, face.box, scale, colour, _line_width(photo))
    numbers = range(1, len(faces) + 1) if numbers is None else numbers
    texts = [face_labels(number, face) for number, face in zip(numbers, faces, strict=True)]
    _draw_labels(canvas, _scaled([face.box for face in faces], scale), texts, colours)
    return canvas


def draw_boxes(photo: BgrImage, boxes: Sequence[Box], scale: float = 1.0) -> BgrImage:
    """Draw boxes alone on a copy of a small picture, where labels would hide the photo.

    Args:
        photo: BGR uint8; stays as it is.
        boxes: in pixels of the photo in full.
        scale: size of this picture as a part of that one.

    Returns:
        A new array of the same shape.
    """
    canvas = photo.copy()
    for box in boxes:
        _draw_box(canvas, box, scale, _GREEN_BGR, 1 + max(photo.shape[:2]) // 250)
    return canvas


def face_labels(number: int, face: Face) -> tuple[str, str, str]:
    """Return what is drawn at a face, whole and shortened: number, gender, age or its group.

    In the language of whoever looks; in English where no page is drawn.
    """
    years = face.age_group.years
    gender, age = _(face.gender.label), face.age_group.label if years is None else f"{years:.0f}"
    whole = _("{number} {gender} {age}", number=number, gender=gender, age=age)
    return whole, f"{number} {gender[:1]} {age.strip('()')}", str(number)


def _line_width(photo: BgrImage) -> int:
    longest: int = max(photo.shape[:2])
    return max(1, round(longest / 400))


def _scaled(boxes: Sequence[Box], scale: float) -> list[Rectangle]:
    return [(b.x0 * scale, b.y0 * scale, b.x1 * scale, b.y1 * scale) for b in boxes]


def _draw_box(canvas: BgrImage, box: Box, scale: float, colour: Colour, line: int) -> None:
    x0, y0, x1, y1 = (round(edge * scale) for edge in box.xyxy)
    cv2.rectangle(canvas, (x0, y0), (x1 - 1, y1 - 1), colour, line)


def _draw_labels(
    canvas: BgrImage,
    boxes_xyxy: Sequence[Rectangle],
    texts: Sequence[tuple[str, ...]],
    colours: Sequence[Colour],
) -> None:
    """Draw a label for each box; of each box's texts, the first that there is room for."""
    if not texts:
        return
    size, labels = _arranged(boxes_xyxy, texts, canvas.shape[:2])
    for forms, label, colour in zip(texts, labels, colours, strict=True):
        if label is not None:
            _draw_label(canvas, forms[label.form], label, colour, int(size))


def _arranged(
    boxes_xyxy: Sequence[Rectangle], texts: Sequence[tuple[str, ...]], size_hw: tuple[int, int]
) -> tuple[float, list[Label | None]]:
    """Return the size of the letters in pixels and each label's place."""
    shortest = len(texts[0]) - 1
    arranged = []
    for smaller in _SMALLER:
        size = max(_SMALLEST_LETTERS_PX, _LETTERS_RATIO * max(size_hw) * smaller)
        labels = arranged_labels(boxes_xyxy, texts, (size_hw[1], size_hw[0]), size)
        cut = sum(label is None or 0 < shortest == label.form for label in labels)
        missing = labels.count(None)
        if cut == 0:
            return size, labels
        arranged.append((missing, cut, -size, labels))
    _, _, minus_size, labels = min(arranged, key=lambda tried: tried[:3])
    return -minus_size, labels


def arranged_labels(
    boxes_xyxy: Sequence[Rectangle],
    texts: Sequence[tuple[str, ...]],
    size_wh: tuple[int, int],
    letters_px: float,
) -> list[Label | None]:
    """Return each label's place where letters have this size, as `place_labels` does.

    Args:
        boxes_xyxy: in pixels, the most important first.
        texts: of each box, from the whole one to the shortest, of all equally many.
        size_wh: of the picture in pixels.
        letters_px: size of the font.
    """
    widths = [
        [(text_width_em(text) + 2 * LETTERS_PAD_EM) * letters_px for text in row] for row in texts
    ]
    return place_labels(boxes_xyxy, widths, (LINE_EM + LETTERS_PAD_EM / 2) * letters_px, size_wh)


def _draw_label(canvas: BgrImage, text: str, label: Label, colour: Colour, size_px: int) -> None:
    # Rounding keeps apart what is apart.
    x0, y0, x1, y1 = (round(edge) for edge in label.xyxy)
    opacity = np.zeros((y1 - y0, x1 - x0), np.uint8)
    mask = text_mask(text, size_px)[: y1 - y0, : x1 - x0]
    top, left = (y1 - y0 - mask.shape[0]) // 2, (x1 - x0 - mask.shape[1]) // 2
    opacity[top : top + mask.shape[0], left : left + mask.shape[1]] = mask
    canvas[y0:y1, x0:x1] = np.take(_shades(colour), opacity, axis=0)


@functools.cache
def _shades(colour: Colour) -> NDArray[np.uint8]:
    """Return the colour of each opacity of the text, (256, 3), on a ground of this colour."""
    share = np.linspace(0, 1, 256)[:, None]
    shades = np.array(colour) * (1 - share) + np.array(_TEXT_BGR) * share
    return shades.round().astype(np.uint8)
