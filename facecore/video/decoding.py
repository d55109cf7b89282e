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
from facecore.machine.container import read_limits
from facecore.video.containers import is_cut, shown_s
from facecore.video.messages import Give, Given, GoTo, Next, Open, Opened, Order, Reply, Step
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
_SEEK_S, _SEEK_BEFORE_S = 3.0, 0.5
_MISSING_RATIO, _MISSING_FRAMES = 0.9, 2


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
                    case Next() if film:
                        reply = film.step()
                    case GoTo(frame=frame, time_s=time_s) if film:
                        reply = film.go_to(frame, time_s)
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
        return ImageTooLargeError(
            "This video needs too much memory: save it smaller, as MP4 (H.264) or WebM (VP9)."
        )
    return DamagedImageError("This video is damaged: save it again as MP4 (H.264) or WebM (VP9).")


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
        self._data = data
        self._open()
        self._check_size(self._number(cv2.CAP_PROP_FRAME_WIDTH), self._height)
        rate = self._number(cv2.CAP_PROP_FPS)
        self._frames = max(0.0, self._number(cv2.CAP_PROP_FRAME_COUNT))
        self.duration_s = self._frames / rate if rate > 0 else 0.0
        if 0 < (shown := shown_s(data, opening.container)) < self.duration_s:
            self.duration_s, self._frames = shown, shown * rate
        self._time_ms, self._decoded = -1, 0.0
        self._image: cv2.typing.MatLike | None = None

    def _open(self) -> None:
        self._video = cv2.VideoCapture(
            cast("Any", io.BytesIO(self._data)), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1]
        )
        if not self._video.isOpened():
            raise self._unopened()
        self._at = -1

    def _unopened(self) -> FacecoreError:
        if self._cut:
            return DamagedImageError(
                "This video is cut off before its index, and has no picture that can be found: "
                "copy it anew."
            )
        return DamagedImageError(
            "This video is damaged, or of a kind that is not read: save it as MP4 (H.264) or WebM "
            "(VP9)."
        )

    @property
    def _height(self) -> float:
        return self._number(cv2.CAP_PROP_FRAME_HEIGHT)

    def _number(self, name: int) -> float:
        value = self._video.get(name)
        return value if math.isfinite(value) and abs(value) < 1e15 else 0.0

    def step(self) -> Step:
        """Go on to the next frame that is chosen; say where it is about once a second."""
        since_s = time.monotonic()
        while self._grab():
            time_s = self._time_s()
            if self._chosen(time_s):
                # Later than the one before, whatever the file says: it is a name, too.
                self._time_ms = max(round(time_s * 1e3), self._time_ms + 1)
                return Step(self._time_ms / 1e3, self._at)
            if time.monotonic() - since_s > _TELL_EVERY_S:
                return Step(time_s)
        self._check_end()
        return Step(max(0, self._time_ms) / 1e3, ended=True)

    def go_to(self, frame: int, time_s: float) -> Step:
        """Go to a frame by its number and time; to be asked again until it is there."""
        if self._at < 0 and time_s > _SEEK_S:
            # As the nearest key frame before it may be told wrong, the time tells whether it is it.
            self._video.set(cv2.CAP_PROP_POS_MSEC, (time_s - _SEEK_BEFORE_S) * 1e3)
            while self._grab() and self._time_s() < time_s - 5e-4:
                pass
            if abs(self._time_s() - time_s) < 5e-4:
                return Step(time_s, frame)
            self._open()
        since_s = time.monotonic()
        while self._grab():
            if self._at == frame:
                return Step(time_s, frame)
            if time.monotonic() - since_s > _TELL_EVERY_S:
                return Step(self._time_s())
        return Step(time_s, ended=True)

    def _grab(self) -> bool:
        if self._decoded > MOST_PIXELS:
            raise ImageTooLargeError("This video is longer than is read of one: cut it into parts.")
        self._image = None
        if not self._video.grab():
            return False
        self._at += 1
        pixels = self._number(cv2.CAP_PROP_FRAME_WIDTH) * self._height
        self._decoded += max(_LEAST_PIXELS, pixels)
        return True

    def _time_s(self) -> float:
        return max(0.0, self._number(cv2.CAP_PROP_POS_MSEC) / 1e3)

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
        if width * height <= 0:
            raise DamagedImageError(
                "This video has no pictures that can be read: save it as MP4 (H.264) or WebM (VP9)."
            )
        if width * height > self._max_pixels:
            raise ImageTooLargeError(
                "The pictures of this video have {width:.0f}×{height:.0f} pixels, and the limit is "
                "{limit:g} megapixels: make it smaller.",
                width=width,
                height=height,
                limit=self._max_pixels / 1e6,
            )

    def _check_end(self) -> None:
        """See that this is the end, and not where it is cut off."""
        count = self._at + 1
        if not count:
            raise DamagedImageError(
                "No picture of this video can be decoded: save it as MP4 (H.264) or WebM (VP9)."
            )
        told = 0.0 if self._container == MATROSKA else self._frames  # an estimate there
        if self._cut or count < _MISSING_RATIO * told - _MISSING_FRAMES:
            raise DamagedImageError(
                "This video is cut off or damaged: it ends after {n} frame, before it should.",
                "This video is cut off or damaged: it ends after {n} frames, before it should. "
                "These are read.",
                n=count,
            )


def _give_up_rights() -> None:
    """Take from this process, for good, what decoding bytes in memory does not need."""
    if resource is None:
        return
    memory = MEMORY_BYTES
    if limit := read_limits().memory_limit_bytes:
        memory = min(memory, limit // 2)
    # Where memory runs out, it is this process that ends (proc(5)).
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    limits = {
        # The lowest three are taken: none is left for a file or a connection to be opened.
        "RLIMIT_NOFILE": 3,
        "RLIMIT_FSIZE": 0,
        "RLIMIT_CORE": 0,
        "RLIMIT_CPU": CPU_S,
    }
    with contextlib.suppress(OSError, ValueError):
        words = Path("/proc/self/statm").read_text(encoding="ascii").split()
        limits["RLIMIT_AS"] = int(words[0]) * resource.getpagesize() + memory
    for name, limit in limits.items():
        resource.setrlimit(getattr(resource, name), (limit, limit))
