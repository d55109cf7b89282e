"""What a decoder and its parent tell each other: see `facecore.executors.messages`."""

from __future__ import annotations

from msgspec import Struct

from facecore.executors import messages
from facecore.video.sampling import Sampling


class Open(Struct, frozen=True, tag=True):
    """To a decoder: open the video whose bytes follow. `Opened` is the answer."""

    container: str
    sampling: Sampling
    max_pixels: int


class Next(Struct, frozen=True, tag=True):
    """To a decoder: go on to the next frame that is read. `Step` is the answer."""


class GoTo(Struct, frozen=True, tag=True):
    """To a decoder: go to this frame, by its number and time. `Step` is the answer."""

    frame: int
    time_s: float


class Give(Struct, frozen=True, tag=True):
    """To a decoder: give the pixels of the frame that it is at. `Given` is the answer."""


class Opened(Struct, frozen=True, tag=True):
    """From a decoder: how long the video is by its header, in seconds; 0 where it does not say."""

    duration_s: float


class Step(Struct, frozen=True, tag=True):
    """From a decoder: how far it is.

    ``frame`` is the number of the frame that is to be read; None on the way there, about once a
    second, and at the end. One that comes too early is an error.
    """

    time_s: float
    frame: int | None = None
    ended: bool = False


class Given(Struct, frozen=True, tag=True):
    """From a decoder: the frame follows, as the bytes of a BMP."""


Order = Open | Next | GoTo | Give
Reply = Opened | Step | Given | messages.Failed
