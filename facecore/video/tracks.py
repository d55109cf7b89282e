"""The same face in successive frames: a number for each track."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from facecore.export import PhotoRow, Row
from facecore.tracking.tracker import Tracker
from facecore.video.frames import video_of


def with_tracks(rows: Iterable[Row], kept_s: float) -> Iterator[Row]:
    """Return rows, those of videos' frames with the tracks of their faces.

    The same rows give the same numbers, which begin at 1 in each video.

    Args:
        rows: those of one video are together, in the order of time.
        kept_s: for how long a track outlives frames in which its face is not found, seconds.
    """
    video, tracker = "", Tracker(kept_s)
    for row in rows:
        if not isinstance(row, PhotoRow) or row.time_s is None:
            yield row
            continue
        if video_of(row.path) != video:
            video, tracker = video_of(row.path), Tracker(kept_s)
        tracks = tracker.update([face.box_xyxy for face in row.faces], row.time_s)
        faces = tuple(
            msgspec.structs.replace(face, track=track)
            for face, track in zip(row.faces, tracks, strict=True)
        )
        yield msgspec.structs.replace(row, faces=faces)
