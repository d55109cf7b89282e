"""A decoder's own side: a process that decodes one video and may die of it.

It gets a container that its parent has recognised and the file's bytes. Before FFmpeg sees them,
the process gives up what it does not need, for good: it can open no file and no connection, write
nothing, and has so much memory and processor time and no more.
"""

from __future__ import annotations

import contextlib
import io
import math
import os
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, cast

import cv2
import msgspec

from facecore.errors import (
    DamagedImageError,
    FacecoreError,
    ImageTooLargeError,
    UnsupportedImageError,
)
from facecore.executors import messages
from facecore.imaging.kinds import MATROSKA
from facecore.video.containers import is_cut
from facecore.video.messages import Give, Given, Next, Open, Opened, Order, Reply, Step
from facecore.video.sampling import Chooser

try:
    import resource
except ImportError:  # Windows has no such limits
    resource = None  # type: ignore[assignment]

MEMORY_BYTES = 1_500_000_000
"""For the decoder's own pictures, beside the file and the program: 8K with all its references."""

CPU_S = 3600
"""Processor time for one video."""

MOST_PIXELS = 500_000_000_000
"""Of all frames together, each counted as 0.1 megapixels at least: 2 hours of 1080p at 30/s."""

_LEAST_PIXELS = 100_000
_TELL_EVERY_S = 1.0
_MISSING_RATIO, _MISSING_FRAMES = 0.9, 2
_CONVERT = "save it as MP4 (H.264) or WebM (VP9)"


def serve(file_descriptor: int) -> None:
    """Do what the parent says until it goes away."""
    link = Connection(file_descriptor)
    film: _Film | None = None
    with contextlib.suppress(EOFError, OSError):
        while True:
            order, payload = link.recv_bytes(), link.recv_bytes()
            picture = None
            try:
                match msgspec.json.decode(order, type=Order):
                    case Open() as opening:
                        film = _Film(opening, payload)
                        reply: Reply = Opened(film.duration_s)
                    case Next(frame=frame) if film:
                        reply = film.step(frame)
                    case Give() if film:
                        reply, picture = Given(), film.picture()
                    case _:
                        raise UnsupportedImageError("No video was opened.")
            except Exception as error:  # noqa: BLE001 - whatever a broken file causes
                reply = messages.Failed.of(_in_words(error))
            del payload
            link.send_bytes(messages.encode(reply))
            if picture is not None:
                link.send_bytes(picture)


def _in_words(error: Exception) -> FacecoreError:
    if isinstance(error, FacecoreError):
        return error
    if isinstance(error, MemoryError) or "nsufficient memory" in str(error):
        return ImageTooLargeError(f"This video needs too much memory: {_CONVERT} and smaller.")
    return DamagedImageError(f"This video cannot be decoded: {_CONVERT}.")


class _Film:
    """A video that is decoded frame by frame, never back."""

    def __init__(self, opening: Open, data: bytes) -> None:
        self._container, self._max_pixels = opening.container, opening.max_pixels
        self._chooser = Chooser(opening.sampling)
        self._needs_pixels = opening.sampling.needs_pixels
        self._cut = is_cut(data, opening.container)
        # The one that was recognised, and no guess at another that may lead elsewhere.
        os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = (
            f"input_format;{opening.container}|protocol_whitelist;none|enable_drefs;0"
        )
        os.environ["OPENCV_FFMPEG_LOGLEVEL"] = "-8"
        cv2.setNumThreads(1)
        _give_up_rights()
        self._video = cv2.VideoCapture(
            cast("Any", io.BytesIO(data)), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1]
        )
        if not self._video.isOpened():
            raise DamagedImageError(
                "This video is cut off before its index, and has no picture that can be found: "
                "copy it anew."
                if self._cut
                else f"This video is damaged, or its pictures are not read: {_CONVERT}."
            )
        self._check_size(self._number(cv2.CAP_PROP_FRAME_WIDTH), self._height)
        rate = self._number(cv2.CAP_PROP_FPS)
        self._frames = max(0.0, self._number(cv2.CAP_PROP_FRAME_COUNT))
        self.duration_s = self._frames / rate if rate > 0 else 0.0
        self._at, self._time_ms, self._decoded = -1, -1, 0.0
        self._image: cv2.typing.MatLike | None = None

    @property
    def _height(self) -> float:
        return self._number(cv2.CAP_PROP_FRAME_HEIGHT)

    def _number(self, name: int) -> float:
        value = self._video.get(name)
        return value if math.isfinite(value) and abs(value) < 1e15 else 0.0

    def step(self, wanted: int | None) -> Step:
        """Go on to the next frame that is chosen, or to this one; say where it is now and then."""
        since_s = time.monotonic()
        while True:
            if self._decoded > MOST_PIXELS:
                return self._end("This video is longer than is read of one: cut it into parts.")
            self._image = None
            if not self._video.grab():
                return self._end(self._what_is_missing())
            self._at += 1
            pixels = self._number(cv2.CAP_PROP_FRAME_WIDTH) * self._height
            self._decoded += max(_LEAST_PIXELS, pixels)
            time_s = max(0.0, self._number(cv2.CAP_PROP_POS_MSEC) / 1e3)
            if self._at == wanted or (wanted is None and self._chosen(time_s)):
                # Later than the one before, whatever the file says: it is a name, too.
                self._time_ms = max(round(time_s * 1e3), self._time_ms + 1)
                return Step(self._time_ms / 1e3, self._at)
            if time.monotonic() - since_s > _TELL_EVERY_S:
                return Step(time_s)

    def picture(self) -> bytes:
        """Return the frame that it is at, upright, as the bytes of a BMP."""
        # Quick to write and to read, and nothing of the pixels is lost.
        return cv2.imencode(".bmp", self._retrieved())[1].tobytes()

    def _chosen(self, time_s: float) -> bool:
        image = self._retrieved() if self._needs_pixels else None
        is_key = self._number(cv2.CAP_PROP_FRAME_TYPE) == ord("I")
        return self._chooser.takes(self._at, time_s, is_key=is_key, image=image)

    def _retrieved(self) -> cv2.typing.MatLike:
        if self._image is None:
            there, image = self._video.retrieve()
            if not there or image is None or image.size == 0:
                raise DamagedImageError("This frame of the video cannot be decoded.")
            self._check_size(image.shape[1], image.shape[0])
            self._image = image
        return self._image

    def _check_size(self, width: float, height: float) -> None:
        if not 0 < width * height <= self._max_pixels:
            raise ImageTooLargeError(
                f"The pictures of this video have {width:.0f}×{height:.0f} pixels, and the limit "
                f"is {self._max_pixels / 1e6:g} megapixels: make it smaller."
                if width * height > 0
                else f"This video has no pictures that can be read: {_CONVERT}."
            )

    def _end(self, note: str) -> Step:
        return Step(max(0, self._time_ms) / 1e3, ended=True, note=note)

    def _what_is_missing(self) -> str:
        count = self._at + 1
        if not count:
            return f"No picture of this video can be decoded: {_CONVERT}."
        told = 0.0 if self._container == MATROSKA else self._frames  # an estimate there
        if self._cut or count < _MISSING_RATIO * told - _MISSING_FRAMES:
            return (
                f"This video is cut off or damaged: it ends after {count} frames, before it "
                "should. Those are read."
            )
        return ""


def _give_up_rights() -> None:
    """Take from this process, for good, what decoding bytes in memory does not need."""
    if resource is None:
        return
    limits = {
        # The lowest three are taken: none is left for a file or a connection to be opened.
        "RLIMIT_NOFILE": 3,
        "RLIMIT_FSIZE": 0,
        "RLIMIT_CORE": 0,
        "RLIMIT_CPU": CPU_S,
    }
    with contextlib.suppress(OSError, ValueError):
        words = Path("/proc/self/statm").read_text(encoding="ascii").split()
        limits["RLIMIT_AS"] = int(words[0]) * resource.getpagesize() + MEMORY_BYTES
    for name, limit in limits.items():
        resource.setrlimit(getattr(resource, name), (limit, limit))
