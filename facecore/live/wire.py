"""What goes over the websocket: the header of a frame, and the messages that answer it."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

from facecore.errors import FacecoreError
from facecore.results import Face
from facecore.serving.budget import Share
from facecore.wording import _

LIVE_PATH = "/live/frames"
"""Where the socket is, below the server's base path; its ``key`` names the session."""

FRAME_BYTES = 4_000_000
"""The largest frame with its header; a JPEG of 1920 × 1080 has 100 to 700 KB."""

_HEADER = struct.Struct(">II")
_LONGEST_MS = 600_000
# Told apart also by who sees no difference between red and green (Okabe and Ito 2008).
_COLOURS = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7")


class LiveError(FacecoreError):
    """A live session cannot go on; the message is for who looks at the page."""


class Frame(NamedTuple):
    """One frame: its number, the latency of the one drawn before it, its JPEG, when it came.

    ``latency_ms`` is from glass to drawn as the browser says it, None where it says nothing.
    """

    number: int
    latency_ms: int | None
    jpeg: bytes
    arrived_s: float
    room: Share

    @classmethod
    def of(cls, message: bytes, arrived_s: float, room: Share) -> Frame:
        """Take a message apart.

        Raises:
            LiveError: it has no header, or is too large.
        """
        if not _HEADER.size < len(message) <= FRAME_BYTES:
            raise LiveError(
                "A message has 8 bytes of header and a JPEG, at most {most:g} MB.",
                most=FRAME_BYTES / 1e6,
            )
        number, latency_ms = _HEADER.unpack_from(message)
        latency = latency_ms if 0 < latency_ms <= _LONGEST_MS else None
        return cls(number, latency, message[_HEADER.size :], arrived_s, room)


class Side(NamedTuple):
    """What one setting read in a frame: faces with their tracks, milliseconds by stage.

    So many faces are ``left`` for the next frames.
    """

    faces: Sequence[tuple[int, Face]]
    ms: dict[str, float]
    left: int

    def told(self) -> dict[str, Any]:
        """Return it for the wire."""
        faces = [
            {
                "track": track,
                "box": face.box.xyxy,
                "label": _label(face),
                "color": _COLOURS[track % len(_COLOURS)],
            }
            for track, face in self.faces
        ]
        ms = {name: round(ms, 2) for name, ms in self.ms.items()}
        return {"faces": faces, "ms": ms, "left": self.left}


class Answer(NamedTuple):
    """What was read in a frame of this size, with one setting and, in a split view, another.

    ``frame`` is its number: an answer outlives the frame, of which nothing else stays.
    """

    frame: int
    size_wh: tuple[int, int]
    engine: str
    side: Side
    other: Side | None

    def text(self, share_fps: float | None, visitors: int) -> str:
        """Return the message."""
        return said(
            "faces",
            frame=self.frame,
            width=self.size_wh[0],
            height=self.size_wh[1],
            **self.side.told(),
            other=None if self.other is None else self.other.told(),
            share_fps=share_fps,
            visitors=visitors,
        )


def said(kind: str, **values: Any) -> str:
    """Return a message of a kind."""
    return json.dumps({"type": kind, **values}, separators=(",", ":"))


def _label(face: Face) -> str:
    gender, years = face.gender, face.age_group.years
    age = face.age_group.label if years is None else f"{years:.0f}"
    return _(
        "{gender} {percent:.0f} %, {age}",
        gender=_(gender.label),
        percent=100 * gender.probability,
        age=age,
    )
