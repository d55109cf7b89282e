"""A video with the faces drawn, as browsers play it: VP8 in WebM, which OpenCV's own FFmpeg writes.

libvpx, which encodes it, has a BSD licence; no other library is needed, and none under the GPL.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import cv2

from facecore.errors import DamagedImageError, FacecoreError
from facecore.export import FaceRow, PhotoRow
from facecore.imaging.decoding import BgrImage, cap_longest_side, decode_image
from facecore.imaging.drawing import draw_faces
from facecore.sources.photo import Photo
from facecore.video.frames import FrameReader
from facecore.video.sampling import Sampling
from facecore.video.tracks import Film, Track

RATE = 15
"""Frames per second."""

SIDE_PX = 960
"""Of the longest side, at most."""

SUFFIX = ".webm"

_HELD_S = 0.5
_LONGEST_GAP_S = 60
_HAIR = 0.01
_Turn = Callable[[], AbstractContextManager[object]]


def write_annotated(  # noqa: PLR0913 - what was read, and how
    video: Photo,
    film: Film,
    rows: Iterable[PhotoRow],
    place: Path,
    *,
    max_pixels: int,
    turn: _Turn = nullcontext,
    most_s: float = math.inf,
) -> None:
    """Write a video with the faces that were read of it drawn; it has no sound.

    Between two frames that were read a face moves straight on. Its label is its track's mean.

    Args:
        video, film: the file, and what was read of it.
        rows: of its frames, in the order of time, with tracks.
        place: of the file, which ends in `SUFFIX`; one that is there is overwritten.
        max_pixels, turn: as it was read with; the turn is held while a frame is drawn.
        most_s: what comes later in the video is left out, seconds.

    Raises:
        FacecoreError: it cannot be written, or nothing of the video decoded.
    """
    paths = _Paths(film, rows)
    frames = FrameReader(sampling=Sampling(number=RATE), max_pixels=max_pixels).read([video])
    writer: _Writer | None = None
    try:
        for photo in frames:
            if photo.time_s is None or photo.time_s > most_s:
                break  # what is missing was told when it was read
            with turn():
                drawn = _drawn(photo.read(), paths.at(photo.time_s), max_pixels)
                writer = writer or _Writer(place, drawn)
                writer.write(drawn, photo.time_s)
    finally:
        if writer is not None:
            writer.close()
    if writer is None:
        raise DamagedImageError("No picture of this video can be decoded any more.")


def _drawn(data: bytes, faces: Sequence[FaceRow], max_pixels: int) -> BgrImage:
    image = decode_image(data, max_pixels=max_pixels)
    small = cap_longest_side(image, SIDE_PX)
    return draw_faces(
        small,
        [face.face() for face in faces],
        scale=max(small.shape[:2]) / max(image.shape[:2]),
        numbers=[face.track or 0 for face in faces],
    )


class _Writer:
    """Frames at even distances: each stays until the next one comes."""

    def __init__(self, place: Path, first: BgrImage) -> None:
        height, width = first.shape[:2]
        code = cv2.VideoWriter.fourcc(*"VP80")
        self._size_hw = (height, width)
        self._file = cv2.VideoWriter(str(place), cv2.CAP_FFMPEG, code, RATE, (width, height))
        if not self._file.isOpened():
            raise FacecoreError("{place} cannot be written: name another folder.", place=place)
        self._last, self._place = first, 0

    def write(self, image: BgrImage, time_s: float) -> None:
        if image.shape[:2] != self._size_hw:
            return  # its size changed on the way, which the format does not know
        # A hair is added, as times are in whole milliseconds: 2/15 s is 0.133.
        place = int(time_s * RATE + _HAIR)
        # A file may say that its next frame comes in a year: what is longer is cut out.
        for _ in range(min(place - self._place, _LONGEST_GAP_S * RATE)):
            self._file.write(self._last)
        self._last, self._place = image, max(place, self._place)

    def close(self) -> None:
        self._file.write(self._last)
        self._file.release()


class _Paths:
    """Where each track is at any time."""

    def __init__(self, film: Film, rows: Iterable[PhotoRow]) -> None:
        self._tracks = film.tracks
        self._times: defaultdict[int, list[float]] = defaultdict(list)
        self._faces: defaultdict[int, list[FaceRow]] = defaultdict(list)
        for row in rows:
            for face in row.faces:
                self._times[face.track or 0].append(row.time_s or 0.0)
                self._faces[face.track or 0].append(face)

    def at(self, time_s: float) -> list[FaceRow]:
        """Return the faces that are seen then."""
        return [
            self._face(track, time_s)
            for track in self._tracks.values()
            if track.start_s <= time_s <= track.end_s + _HELD_S
        ]

    def _face(self, track: Track, time_s: float) -> FaceRow:
        times, faces = self._times[track.number], self._faces[track.number]
        before = bisect_right(times, time_s) - 1
        after = min(before + 1, len(times) - 1)
        gap_s = times[after] - times[before]
        part = (time_s - times[before]) / gap_s if gap_s else 0.0
        pairs = zip(faces[before].box_xyxy, faces[after].box_xyxy, strict=True)
        x0, y0, x1, y1 = (round(start + part * (end - start)) for start, end in pairs)
        return track.mean(faces[before], (x0, y0, x1, y1))
