"""Reading a film frame by frame: faces are found in each, and read only when it is due."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import cv2
import numpy as np

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.analysis.memory import PhotoMemory
from facecore.imaging.pictures import ImageInput, Picture
from facecore.models.attributes import Attributes
from facecore.models.sets import ModelSet
from facecore.results import Analysis, Box, Detection, Face
from facecore.settings import AnalysisSettings
from facecore.tracking.averaging import averaged
from facecore.tracking.tracker import Tracker

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 2.0
LARGER, SHARPER = 1.25, 1.5
MOST_NEW = 8
"""So many new faces are read of one frame, the surest, and the others of the next ones."""

MOST_READINGS = 20
"""So many readings of a face are averaged, the latest: those of the last 40 seconds at least."""

_SHARPNESS_SIDE_PX = 64


@dataclass(frozen=True, slots=True)
class TrackedFrame:
    """The answer for one frame of a film.

    Attributes:
        analysis: as for a photo, but that what was read of its faces is the mean over their tracks.
        tracks: the number of each face's track, in the order of ``analysis.faces``.
        read: the tracks whose faces were read in this very frame.
        left: how many faces were found beside these, and are read in one of the next frames.
    """

    analysis: Analysis
    tracks: tuple[int, ...]
    read: tuple[int, ...]
    left: int


class TrackedReader:
    """Reads a film with any analyzer; of one film (or one live session), for one thread at a time.

    The detector looks at each frame. Gender and age group of a track are read when it is due:

    - at once where nothing of it is known; of a crowd eight a frame, the surest first, so that
      a low threshold, with a hundred faces at once, does not stop the film;
    - where the face is larger by a quarter, or sharper by a half, than in all readings before: a
      better picture of it is worth more than one more of the same;
    - again after 0.2 s, and then each time after as long as it was known already, at the most 2 s:
      pictures that are close together are alike, and of a mean over n readings the next one moves
      only a part in n.

    Of those that are known one a frame is read, the longest waiting first, so that no frame takes
    much longer than another and a crowd takes turns. What is shown is the mean of a track's
    last 20 readings, each calibrated as the settings of the frame say.

    Settings and analyzers may change with any frame. Where faces are cut out otherwise or other
    networks read them, the tracks' readings begin anew; where only what is found changes, or the
    calibration, they stay. What is gone longer than the tracker remembers it is forgotten.
    """

    def __init__(self, tracker: Tracker | None = None) -> None:
        self._tracker = tracker or Tracker()
        self._tracks: dict[int, _Track] = {}
        self._read_with: tuple[object, ...] = ()

    def read(
        self,
        analyzer: FaceAnalyzer,
        image: ImageInput,
        settings: AnalysisSettings,
        time_s: float,
    ) -> TrackedFrame:
        """Return the faces of the next frame; nothing is drawn.

        Args:
            analyzer: the networks.
            image: a file's bytes, or an upright BGR array (height, width, 3) of uint8.
            settings: how to read this frame.
            time_s: when it was taken, in seconds, not before the last one.

        Raises:
            ImageError: the frame cannot be read.
            ModelError: a network cannot be run.
            ValueError: the frame is earlier than the one before it.
        """
        read_with = (analyzer.models.name, analyzer.networks[0].options, settings.crop_key)
        if read_with != self._read_with:
            self._tracks.clear()
            self._read_with = read_with
        frame = _Frame(image, analyzer.max_pixels, self._tracker, self._tracks, time_s)
        analysis = analyzer.read(frame, settings, annotate=False)
        faces = tuple(
            replace(face, attributes=self._tracks[number].mean(face, analyzer.models, settings))
            for face, number in zip(analysis.faces, frame.numbers, strict=True)
        )
        return TrackedFrame(replace(analysis, faces=faces), frame.numbers, frame.due, frame.left)


@dataclass(slots=True)
class _Track:
    """What was read of one face, as the networks said it, and of how good pictures."""

    readings: deque[Attributes] = field(default_factory=lambda: deque(maxlen=MOST_READINGS))
    first_s: float = 0.0
    last_s: float = 0.0
    side_px: float = 0.0
    sharpness: float = 0.0
    _mean: Attributes | None = None
    _mean_with: object = None

    def is_due(self, view: _View, time_s: float) -> bool:
        pause_s = min(max(self.last_s - self.first_s, FIRST_PAUSE_S), LONGEST_PAUSE_S)
        return (
            time_s - self.last_s >= pause_s
            or view.side_px >= LARGER * self.side_px
            or view.sharpness >= SHARPER * self.sharpness
        )

    def add(self, reading: Attributes, view: _View, time_s: float) -> None:
        if not self.readings:
            self.first_s = time_s
        self.readings.append(reading)
        self.last_s = time_s
        self.side_px = max(self.side_px, view.side_px)
        self.sharpness = max(self.sharpness, view.sharpness)
        self._mean = None

    def mean(self, face: Face, models: ModelSet, settings: AnalysisSettings) -> Attributes:
        if self._mean is None or self._mean_with != settings.calibrated:
            faces = (replace(face, attributes=one) for one in self.readings)
            self._mean = averaged([models.calibrated(one, settings).attributes for one in faces])
            self._mean_with = settings.calibrated
        return self._mean


class _View(NamedTuple):
    side_px: int
    sharpness: float

    @classmethod
    def of(cls, box: Box, picture: Picture) -> _View:
        """Return how large a face is in a picture, and how sharp whatever its size and contrast."""
        side = _SHARPNESS_SIDE_PX
        small = cv2.resize(picture.cut(box.xyxy), (side, side), interpolation=cv2.INTER_AREA)
        grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.float32)
        contrast = float(grey.var())
        return cls(
            max(box.width, box.height),
            float(cv2.Laplacian(grey, cv2.CV_32F).var()) / contrast if contrast else 0.0,
        )


class _Frame(PhotoMemory):
    """A frame, of whose faces those of known tracks are read only when they are due."""

    def __init__(
        self,
        image: ImageInput,
        max_pixels: int,
        tracker: Tracker,
        tracks: dict[int, _Track],
        time_s: float,
    ) -> None:
        super().__init__(image, max_pixels)
        self._tracker, self._tracks, self._time_s = tracker, tracks, time_s
        self._views: dict[int, _View] = {}
        self.numbers: tuple[int, ...] = ()
        self.due: tuple[int, ...] = ()
        self.left = 0

    def unread(
        self, detections: Sequence[Detection], settings: AnalysisSettings
    ) -> list[Detection]:
        """Return those whose tracks are due, which are found out here."""
        boxes = [one.box.xyxy for one in detections]
        self.numbers = tuple(self._tracker.update(boxes, self._time_s))
        for gone in self._tracks.keys() - self._tracker.numbers:
            del self._tracks[gone]
        picture = self.picture(settings, 0)
        by_number = dict(zip(self.numbers, detections, strict=True))
        self._views = {number: _View.of(one.box, picture) for number, one in by_number.items()}
        new = [number for number in self.numbers if number not in self._tracks][:MOST_NEW]
        known = [number for number in self.numbers if number in self._tracks]
        due = [n for n in known if self._tracks[n].is_due(self._views[n], self._time_s)]
        longest = sorted(due, key=lambda number: self._tracks[number].last_s)[:1]
        self.due = (*new, *longest)
        return [by_number[number] for number in self.due]

    def faces(
        self,
        detections: Sequence[Detection],
        settings: AnalysisSettings,
        read: Sequence[Detection],
        answers: Sequence[Attributes],
    ) -> tuple[Face, ...]:
        """Return each that was read with the latest of its track, the answers included."""
        for number, answer in zip(self.due, answers, strict=True):
            self._tracks.setdefault(number, _Track()).add(answer, self._views[number], self._time_s)
        pairs = zip(self.numbers, detections, strict=True)
        shown = {number: one for number, one in pairs if number in self._tracks}
        self.left, self.numbers = len(detections) - len(shown), tuple(shown)
        return tuple(Face(one, self._tracks[number].readings[-1]) for number, one in shown.items())
