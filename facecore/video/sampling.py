"""Which frames of a video are read."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facecore.errors import SettingsError

PER_SECOND, EVERY, KEY, SCENE = "per_second", "every", "key", "scene"
DEFAULT_FRAMES = "2/s"

_RATE = re.compile(r"(\d{1,3}(?:\.\d{1,3})?)/s")
_EVERY = re.compile(r"1/(\d{1,6})")
# Colours in 8 x 8 x 8 boxes, of a copy this small; half of the sum of absolute differences.
_COPY_WH = (64, 36)
_BINS = 8
_NEW_SCENE = 0.35
_KEPT_STEPS, _KEPT_S = 2.5, 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """A choice of frames.

    Attributes:
        kind: `PER_SECOND`, `EVERY`, `KEY` or `SCENE`.
        number: how many per second; or which one of them: every so many-th; 0 for the others.
    """

    kind: str = PER_SECOND
    number: float = 2.0

    @classmethod
    def parse(cls, text: str) -> Sampling:
        """Return what somebody wrote: "2/s", "1/10" (every tenth), "key" or "scene".

        Raises:
            SettingsError: it is none of these.
        """
        if text in (KEY, SCENE):
            return cls(kind=text, number=0)
        if (found := _RATE.fullmatch(text)) and 0.001 <= float(found[1]) <= 240:
            return cls(number=float(found[1]))
        if (found := _EVERY.fullmatch(text)) and int(found[1]):
            return cls(kind=EVERY, number=int(found[1]))
        raise SettingsError(
            "The frames of a video are 2/s (two per second, 0.001 to 240), 1/10 (every tenth), "
            "key or scene, not {text}.",
            text=text,
        )

    @property
    def needs_pixels(self) -> bool:
        """Whether the choice asks for each frame's pixels."""
        return self.kind == SCENE

    @property
    def kept_s(self) -> float:
        """For how long a track outlives frames in which its face is not found, in seconds.

        0 where each frame is a new scene: who is there now is nobody of before.
        """
        if self.kind == SCENE:
            return 0
        step_s = 1 / self.number if self.kind == PER_SECOND else 0
        return max(_KEPT_S, _KEPT_STEPS * step_s)


class Chooser:
    """Looks at the frames of one video in their order and says which are read."""

    def __init__(self, sampling: Sampling) -> None:
        self._sampling = sampling
        self._step = -1
        self._colours: NDArray[np.float32] | None = None

    def takes(self, frame: int, time_s: float, *, is_key: bool, image: Any = None) -> bool:
        """Return whether the next frame is read.

        Args:
            frame: its number, from 0.
            time_s: when it is shown.
            is_key: whether it is coded by itself.
            image: its pixels, where the sampling `needs_pixels`.
        """
        match self._sampling.kind:
            case "every":
                return frame % int(self._sampling.number) == 0
            case "key":
                return is_key
            case "scene":
                return self._is_new(image)
        # The first frame of each step; a hair is added, as 0.999 is what 1 s often becomes.
        step = math.floor(time_s * self._sampling.number + 1e-3)
        if step > self._step:
            self._step = step
            return True
        return False

    def _is_new(self, image: NDArray[np.uint8]) -> bool:
        small = cv2.resize(image, _COPY_WH, interpolation=cv2.INTER_AREA)
        counts = cv2.calcHist([small], [0, 1, 2], None, [_BINS] * 3, [0, 256] * 3)
        colours = (counts / (_COPY_WH[0] * _COPY_WH[1])).astype(np.float32)
        # Beside the last that was taken, so that a slow change becomes a new scene, too.
        before = self._colours
        if before is not None and np.abs(colours - before).sum() / 2 <= _NEW_SCENE:
            return False
        self._colours = colours
        return True
