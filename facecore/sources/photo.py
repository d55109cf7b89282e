"""The one thing that all the ways to bring photos give: a photo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """What a user brings: a name, and how to read the bytes. Nothing is read before it is needed.

    Attributes:
        name: its path, or the name that a stranger gave it, as text to show; bytes that are
            no valid text are kept as lone surrogates, as Python does.
        read: returns the file's bytes, or raises a FacecoreError.
        key: the same for the same content: where it is from, a colon, and a number or a word
            that is its own there ("upload:3"); "" where nobody asks twice.
        problem: this stands for something that is no photo, and ``read`` says why.
        passed_over: it is of this kind, which is not read ("PDF"), and nobody asked for it by
            name; a problem as well.
        title, truth, credit: what to call it, what is known to be true of the people on it,
            and whose photo it is; for samples only.
    """

    name: str
    read: Callable[[], bytes]
    key: str = ""
    problem: bool = False
    passed_over: str = ""
    title: str = ""
    truth: str = ""
    credit: str = ""

    @property
    def source(self) -> str:
        """Where it is from: "sample", "upload" or "camera"; "" where it has no key."""
        return self.key.partition(":")[0]

    @property
    def number(self) -> str:
        """What its source knows it by: Streamlit's number of an uploaded file."""
        return self.key.partition(":")[2]
