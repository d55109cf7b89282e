"""Photos that come with the project: portraits, and groups made of them.

Where they come from stands in ``README.md`` beside this file.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from facecore.imaging.decoding import BgrImage, decode_image, encode_png
from facecore.results import Box
from facecore.sources.photo import Person, Photo
from facecore.wording import Text

# A picture, the width and height to scale it to, and where its top left corner goes.
_Pasted = tuple[BgrImage, tuple[int, int], tuple[int, int]]

_FOLDER = Path(__file__).resolve().parent
_GROUP_WH = (1280, 720)
_CREDIT = Text(
    "official portraits of members of the US Congress, public domain; Apollo 11's crew by NASA, "
    "public domain; Brothers, by Robert Boning, about 1870, from pellethepoet, CC BY 2.0, cropped"
)

_COLLINS = Person(name="Eileen Collins", box=Box(178, 57, 270, 175), gender="Female", ages=(33, 43))
_HOPPER = Person(name="Grace Hopper", box=Box(178, 120, 353, 332), gender="Female", ages=(77, 77))

# A portrait, its width in pixels, its top left corner. Of those of Congress the head and shoulders.
_FIGURES = (
    ("lisa_blunt_rochester.jpg", 225, (40, 40)),
    ("tim_scott.jpg", 225, (290, 40)),
    ("mazie_hirono.jpg", 225, (540, 40)),
    ("ami_bera.jpg", 225, (790, 40)),
    ("bernie_sanders.jpg", 188, (40, 390)),
    ("sharice_davids.jpg", 188, (250, 390)),
    ("marco_rubio.jpg", 188, (460, 390)),
    ("elise_stefanik.jpg", 188, (670, 390)),
    ("brothers_1870.jpg", 210, (1045, 60)),
    ("apollo_11_crew.jpg", 370, (885, 400)),
)
# Name, gender, ages, box. Of members of Congress the date of the portrait is not known: they
# are as old as between entering their chamber and 2021, when the portraits were collected.
_KNOWN = (
    ("Lisa Blunt Rochester", "Female", (54, 59), (120, 102, 211, 222)),
    ("Tim Scott", "Male", (47, 56), (353, 74, 447, 198)),
    ("Mazie Hirono", "Female", (65, 74), (595, 90, 694, 212)),
    ("Ami Bera", "Male", (47, 56), (858, 130, 955, 255)),
    ("Bernie Sanders", "Male", (65, 80), (83, 437, 172, 552)),
    ("Sharice Davids", "Female", (38, 41), (313, 474, 387, 574)),
    ("Marco Rubio", "Male", (39, 50), (511, 436, 602, 562)),
    ("Elise Stefanik", "Female", (30, 37), (726, 425, 795, 518)),
    (Text("One of two brothers, about 1870"), "Male", None, (1095, 90, 1128, 131)),
    (Text("The other of the brothers"), "Male", None, (1179, 203, 1212, 246)),
    ("Neil Armstrong", "Male", (38, 38), (921, 506, 964, 564)),
    ("Michael Collins", "Male", (38, 38), (1043, 435, 1085, 488)),
    ("Buzz Aldrin", "Male", (39, 39), (1171, 515, 1214, 568)),
)
# Portrait, its part that is shown, side in pixels, top left corner, mirrored or not.
_SIX = (
    ("astronaut.png", _COLLINS, (105, 10, 240), 300, (60, 40), False),
    ("grace_hopper.jpg", _HOPPER, (65, 30, 400), 240, (510, 70), True),
    ("astronaut.png", _COLLINS, (105, 10, 240), 210, (940, 85), True),
    ("grace_hopper.jpg", _HOPPER, (65, 30, 400), 300, (130, 390), False),
    ("astronaut.png", _COLLINS, (105, 10, 240), 260, (600, 410), True),
    ("grace_hopper.jpg", _HOPPER, (65, 30, 400), 300, (940, 380), True),
)


def samples() -> tuple[Photo, ...]:
    """Return the samples, with what is true of the people, the one to show first in front."""
    return (
        Photo(
            key="sample:figures",
            title=Text("Public figures"),
            credit=_CREDIT,
            name="figures.png",
            read=figures_photo,
            people=tuple(
                Person(name=name, box=Box(*box), gender=gender, ages=ages)
                for name, gender, ages, box in _KNOWN
            ),
        ),
        Photo(
            key="sample:group",
            title=Text("Group of six, often read wrong"),
            credit=Text("Eileen Collins by NASA, Grace Hopper by the US Navy, public domain"),
            name="group.png",
            read=group_photo,
            people=tuple(_in_group(*portrait) for portrait in _SIX),
        ),
        Photo(
            key="sample:collins",
            title=Text("Eileen Collins"),
            credit=Text("NASA, public domain"),
            name="astronaut.png",
            read=_file_reader("astronaut.png"),
            people=(_COLLINS,),
        ),
        Photo(
            key="sample:hopper",
            title=Text("Grace Hopper"),
            credit=Text("US Navy, 20 January 1984, public domain"),
            name="grace_hopper.jpg",
            read=_file_reader("grace_hopper.jpg"),
            people=(_HOPPER,),
        ),
    )


@functools.cache
def group_photo() -> bytes:
    """Compose the group photo; PNG of 1280×720, the same bytes at every call."""
    pictures: list[_Pasted] = []
    for name, _, (left, top, part), side, (x, y), mirrored in _SIX:
        portrait = _picture(name)[top : top + part, left : left + part]
        turned = portrait[:, ::-1] if mirrored else portrait
        pictures.append((turned, (side, side), (x, y)))
    return _composed(pictures)


@functools.cache
def figures_photo() -> bytes:
    """Compose the photo of public figures; PNG of 1280×720, the same bytes at every call."""
    pictures: list[_Pasted] = []
    for name, width, corner in _FIGURES:
        picture = _picture(name)
        if picture.shape[0] > picture.shape[1]:
            margin = picture.shape[1] // 10
            part = picture.shape[1] - 2 * margin
            picture = picture[: part * 5 // 4, margin : margin + part]
        height = round(width * picture.shape[0] / picture.shape[1])
        pictures.append((picture, (width, height), corner))
    return _composed(pictures)


def _in_group(
    _name: str,
    person: Person,
    part: tuple[int, int, int],
    side: int,
    corner: tuple[int, int],
    mirrored: bool,
) -> Person:
    """Return a portrait's person as placed in the group."""
    left, top, whole = part
    scale = side / whole
    x0, y0, x1, y1 = person.box.xyxy
    across = sorted(whole - (x - left) if mirrored else x - left for x in (x0, x1))
    xs = [corner[0] + round(x * scale) for x in across]
    ys = [corner[1] + round((y - top) * scale) for y in (y0, y1)]
    return replace(person, box=Box(xs[0], ys[0], xs[1], ys[1]))


def _file_reader(name: str) -> Callable[[], bytes]:
    return (_FOLDER / name).read_bytes


def _picture(name: str) -> BgrImage:
    return decode_image(_file_reader(name)())


def _composed(pictures: Iterable[_Pasted]) -> bytes:
    """Return a picture of pictures as PNG."""
    canvas = _backdrop()
    for picture, (width, height), (x, y) in pictures:
        scaled = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        _paste(canvas, scaled.astype(np.uint8, copy=False), x, y)
    return encode_png(canvas)


def _backdrop() -> BgrImage:
    width, height = _GROUP_WH
    rows = np.linspace(70, 120, height).astype(np.uint8)[:, None, None]
    tint = np.array([1.0, 0.95, 0.9])
    return np.ascontiguousarray((rows * tint).astype(np.uint8).repeat(width, axis=1))


def _paste(canvas: BgrImage, picture: BgrImage, x: int, y: int) -> None:
    height, width = picture.shape[:2]
    frame = 6
    top_left, bottom_right = (x - frame, y - frame), (x + width + frame - 1, y + height + frame - 1)
    cv2.rectangle(canvas, top_left, bottom_right, (235, 240, 245), cv2.FILLED)
    canvas[y : y + height, x : x + width] = picture
