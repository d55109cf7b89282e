"""The one thing that all the ways to bring photos give: a photo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from facecore.results import Box
from facecore.sources.stores import Address
from facecore.wording import Text

_GENDERS = {"Female": Text("female"), "Male": Text("male")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who is known to be on a photo, from what was published and not from looks.

    Attributes:
        name: as they are known, or the photo's title says.
        box: of the face.
        gender: one of `facecore.results.GENDERS`.
        ages: the youngest and the oldest they can be on it, in years; None where nobody says.
    """

    name: str
    box: Box
    gender: str
    ages: tuple[int, int] | None = None

    @property
    def in_words(self) -> Text:
        """What is true, such as "Grace Hopper, female, 77 years old"."""
        known = {"name": Text(self.name), "gender": _GENDERS[self.gender]}
        if self.ages is None:
            return Text("{name}, {gender}", **known)
        youngest, oldest = self.ages
        if youngest == oldest:
            return Text("{name}, {gender}, {age} years old", age=oldest, **known)
        return Text(
            "{name}, {gender}, {youngest} to {oldest} years old",
            youngest=youngest,
            oldest=oldest,
            **known,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """What a user brings: a name, and how to read the bytes. Nothing is read before it is needed.

    Attributes:
        name: its path, or the name that a stranger gave it, as text to show; bytes that are
            no valid text are kept as lone surrogates, as Python does.
        read: returns the file's bytes, or raises a FacecoreError.
        key: the same for the same content: where it is from, a colon, and a number or a word
            that is its own there ("upload:3"); "" where nobody asks twice.
        address: where a photo lies that any machine may read by ``address.read()``, which is
            what ``read`` does; None for all that only this process can.
        problem: this stands for something that is no photo, and ``read`` says why.
        passed_over: it is of this kind, which is not read ("PDF"), and nobody asked for it by
            name; a problem as well.
        is_video: the file is a video; it stands for its frames, which `facecore.video` reads.
        time_s, frame: of a video's frame, when it is shown and its number, from 0.
        title, credit: what to call it, and whose photo it is; for samples only.
        people: what is known to be true of the people on it; for samples only.
    """

    name: str
    read: Callable[[], bytes]
    key: str = ""
    address: Address | None = None
    problem: bool = False
    passed_over: str = ""
    is_video: bool = False
    time_s: float | None = None
    frame: int | None = None
    title: str = ""
    credit: str = ""
    people: tuple[Person, ...] = ()

    def person_at(self, box: Box) -> Person | None:
        """Return who is known to be in this box: it lies around the middle of their face."""
        for person in self.people:
            face = person.box
            x, y = (face.x0 + face.x1) / 2, (face.y0 + face.y1) / 2
            inside = box.x0 <= x <= box.x1 and box.y0 <= y <= box.y1
            if inside and box.width <= 2 * face.width and box.height <= 2 * face.height:
                return person
        return None

    @property
    def source(self) -> str:
        """Where it is from: "sample", "upload" or "camera"; "" where it has no key."""
        return self.key.partition(":")[0]

    @property
    def number(self) -> str:
        """What its source knows it by: Streamlit's number of an uploaded file."""
        return self.key.partition(":")[2]
