"""The same face in successive frames: a number for each track, and what was read over time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from facecore.export import FaceRow, PhotoRow, Row
from facecore.tracking.tracker import Tracker
from facecore.video.frames import video_of
from facecore.video.sampling import DEFAULT_FRAMES, Sampling

FRAMES = "frames"
"""The setting that says which frames of videos are read; none where that is the default."""


def with_tracks(rows: Iterable[Row], settings: Mapping[str, Any]) -> Iterator[Row]:
    """Return rows, those of videos' frames with the tracks of their faces.

    The same rows give the same numbers, which begin at 1 in each video.

    Args:
        rows: those of one video are together, in the order of time.
        settings: that they were read with; ``frames`` says which those of a video are.
    """
    kept_s = Sampling.parse(settings.get(FRAMES, DEFAULT_FRAMES)).kept_s
    video, tracker = "", Tracker(kept_s)
    for row in rows:
        if not isinstance(row, PhotoRow) or row.time_s is None:
            yield row
            continue
        if video_of(row.path) != video:
            video, tracker = video_of(row.path), Tracker(kept_s)
        tracks = tracker.update([face.box_xyxy for face in row.faces], row.time_s)
        yield numbered(row, tracks)


def numbered(row: PhotoRow, tracks: Sequence[int]) -> PhotoRow:
    """Return a row whose faces have these tracks."""
    faces = tuple(
        msgspec.structs.replace(face, track=track)
        for face, track in zip(row.faces, tracks, strict=True)
    )
    return msgspec.structs.replace(row, faces=faces)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A frame that was read.

    Attributes:
        place: of its row among all, from 0.
        time_s: when it is shown.
        tracks: the number of each of its faces, in their order.
    """

    place: int
    time_s: float
    tracks: tuple[int, ...]


@dataclass(slots=True, kw_only=True)
class Track:
    """A face over time.

    Attributes:
        number: from 1 in each video.
        places: of the rows that it is in, from 0, in the order of time.
        start_s, end_s: when it is seen first and last.
        genders, age_groups: its probabilities, added up over its faces.
        years: likewise its age, where the networks say one.
    """

    number: int
    start_s: float
    end_s: float = 0.0
    places: list[int] = field(default_factory=list)
    genders: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    age_groups: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    years: float = 0.0

    def see(self, place: int, time_s: float, face: FaceRow) -> None:
        """Add the next of its faces."""
        self.places.append(place)
        self.years += face.age_years or 0.0
        self.end_s = time_s
        for sums, shares in (
            (self.genders, face.gender_probabilities),
            (self.age_groups, face.age_group_probabilities),
        ):
            for label, share in shares.items():
                sums[label] += share

    def mean(self, face: FaceRow, box_xyxy: tuple[int, int, int, int]) -> FaceRow:
        """Return one of its faces in another box, read as all of them on average."""
        count = len(self.places)
        return msgspec.structs.replace(
            face,
            box_xyxy=box_xyxy,
            gender_probabilities={label: share / count for label, share in self.genders.items()},
            age_group_probabilities={
                label: share / count for label, share in self.age_groups.items()
            },
            age_years=None if face.age_years is None else self.years / count,
        )

    @property
    def gender(self) -> tuple[str, float]:
        """The likeliest on average over its faces, and how likely it is."""
        return self._likeliest(self.genders)

    @property
    def age_group(self) -> tuple[str, float]:
        """The likeliest on average over its faces, and how likely it is."""
        return self._likeliest(self.age_groups)

    def _likeliest(self, sums: Mapping[str, float]) -> tuple[str, float]:
        label, total = max(sums.items(), key=lambda one: one[1])
        return label, total / len(self.places)


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """What was read of a video, in the order of time."""

    name: str
    moments: list[Moment] = field(default_factory=list)
    tracks: dict[int, Track] = field(default_factory=dict)


def films(rows: Iterable[Row], settings: Mapping[str, Any]) -> list[Film]:
    """Return the videos whose frames are among the rows; the arguments are `with_tracks`'s."""
    found: dict[str, Film] = {}
    for place, row in enumerate(with_tracks(rows, settings)):
        if not isinstance(row, PhotoRow) or row.time_s is None:
            continue
        film = found.setdefault(video_of(row.path), Film(name=video_of(row.path)))
        tracks = tuple(face.track or 0 for face in row.faces)
        film.moments.append(Moment(place=place, time_s=row.time_s, tracks=tracks))
        for number, face in zip(tracks, row.faces, strict=True):
            new = Track(number=number, start_s=row.time_s)
            film.tracks.setdefault(number, new).see(place, row.time_s, face)
    return list(found.values())
