"""One camera's run, from connecting to the end: its newest frame, and reading that in its turn."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from facecore.errors import UnsupportedImageError
from facecore.imaging.decoding import BgrImage, decode_image
from facecore.imaging.headers import read_header
from facecore.live.figures import RunFigures
from facecore.live.wire import Answer, Frame, Side
from facecore.serving.budget import Budget
from facecore.serving.queue import Waiting
from facecore.serving.service import FaceService
from facecore.settings import AnalysisSettings, RuntimeOptions
from facecore.tracking.reader import TrackedReader
from facecore.tracking.tracker import Tracker

FRAME_PIXELS = 16_000_000
"""Of the largest frame: a screen of 5120 × 2880 fits."""

# A face that is lost keeps its number for so long, or, where many share or a frame takes seconds,
# for two and a half of the steps between frames.
_KEPT_S, _MOST_KEPT_S = 2.0, 10.0
_KEPT_STEPS = 2.5


@dataclass(frozen=True, slots=True)
class LiveSetting:
    """How frames are read: one side of a split view, or all of it."""

    settings: AnalysisSettings
    options: RuntimeOptions


class _OverError(Exception):
    """Nobody waits for the answer any more."""


class LiveRun:
    """What one socket sends; it is told of frames in one thread and reads them in another."""

    def __init__(
        self,
        owner: str,
        sides: Callable[[], tuple[LiveSetting, ...]],
        service: FaceService,
        room: Budget,
        figures: RunFigures,
    ) -> None:
        """Begin.

        Args:
            owner: whose turn a frame takes at the queue.
            sides: returns one setting, or the two of a split view, for the next frame.
            service: the queue and the networks.
            room: bytes for the unread frames of all runs.
            figures: are told of what is offered and read.
        """
        self.owner, self.figures = owner, figures
        self.is_over = self.is_busy = False
        """Whether nobody waits any more; whether a frame waits for its turn or is read."""
        self.newest_number = self.read_number = 0
        """The numbers of the frame that came last, and of the one that was taken to be read."""
        self._sides = sides
        self._service = service
        self._room = room
        self._trackers = Tracker(_KEPT_S), Tracker(_KEPT_S)
        self._readers = tuple(TrackedReader(tracker) for tracker in self._trackers)
        self._read_s = math.inf
        self._newest: Frame | None = None
        self._lock = threading.Lock()

    def offer(self, message: bytes) -> bool:
        """Take a frame in place of one that still waits; return whether there was room for it.

        Raises:
            LiveError: it is no message of a frame.
        """
        frame = Frame.of(message, time.monotonic(), self._room.share(self.owner))
        self.figures.note_frame(frame)
        self.newest_number = frame.number
        with self._lock:
            self._newest = None
        if not frame.room.grow(len(message)):
            return False
        with self._lock:
            self._newest = frame
        return True

    def end(self) -> None:
        """Let go what waits, and have nobody wait for a turn any more."""
        self.is_over = True
        self._take()

    def read(self, tell: Callable[[Waiting], None]) -> Answer | None:
        """Wait for a turn and read what is the newest frame then; None where there is none.

        To be called in a thread. The place in the queue stays while newer frames come.

        Args:
            tell: is called in this thread after each half second of waiting, and when the turn
                is the next: then a newer frame is wanted.

        Raises:
            ImageError: the frame cannot be read.
            ModelError: the networks cannot be used.
        """

        def wait(place: Waiting) -> None:
            if self.is_over:
                raise _OverError
            tell(place)

        self.is_busy = True
        try:
            with self._service.queue.enter(self.owner, on_wait=wait, live=True):
                frame = self._take()
                return None if frame is None else self._read(frame)
        except _OverError:
            return None
        finally:
            self.is_busy = False

    def _take(self) -> Frame | None:
        with self._lock:
            frame, self._newest = self._newest, None
        return frame

    def _read(self, frame: Frame) -> Answer:
        self.read_number = frame.number
        began_s = time.monotonic()
        image = self._decoded(frame.jpeg)
        step_s = max(0.0, frame.arrived_s - self._read_s)
        for tracker in self._trackers:
            tracker.kept_s = min(max(_KEPT_S, _KEPT_STEPS * step_s), _MOST_KEPT_S)
        self._read_s = frame.arrived_s
        before = {
            "queue": (began_s - frame.arrived_s) * 1e3,
            "decode": (time.monotonic() - began_s) * 1e3,
        }
        read = [
            self._side(setting, reader, image, frame.arrived_s)
            for setting, reader in zip(self._sides(), self._readers, strict=False)
        ]
        total_ms = (time.monotonic() - began_s) * 1e3
        for one in read:
            one.side.ms.update(before)
        read[0].side.ms["total"] = total_ms
        return Answer(
            frame=frame.number,
            size_wh=(image.shape[1], image.shape[0]),
            engine=read[0].engine,
            side=read[0].side,
            other=read[1].side if len(read) > 1 else None,
        )

    def _decoded(self, jpeg: bytes) -> BgrImage:
        most_pixels = min(FRAME_PIXELS, self._service.max_pixels)
        if read_header(jpeg, max_pixels=most_pixels).format != "JPEG":
            raise UnsupportedImageError("A live frame has to be a JPEG.")
        return decode_image(jpeg, max_pixels=most_pixels)

    def _side(
        self, setting: LiveSetting, reader: TrackedReader, image: BgrImage, time_s: float
    ) -> _Read:
        with self._service.lend(setting.options) as analyzer:
            read = reader.read(analyzer, image, setting.settings, time_s)
        analysis, timings = read.analysis, read.analysis.timings
        ms = {
            "detect": timings.resize_ms + timings.detect_ms,
            "classify": timings.classify_ms,
            "total": timings.total_ms,
        }
        faces = list(zip(read.tracks, analysis.faces, strict=True))
        return _Read(Side(faces, ms, read.left), analysis.engine)


class _Read(NamedTuple):
    side: Side
    engine: str
