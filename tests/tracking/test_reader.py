"""Films of the samples' people, read frame by frame with the real networks."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
import pytest

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.errors import ImageError
from facecore.imaging.decoding import decode_image
from facecore.settings import AnalysisSettings
from facecore.tracking import reader as reader_module
from facecore.tracking.reader import TrackedFrame, TrackedReader
from tests.conftest import Recorded
from tests.films import Actor, Pose, film, row_of_people, sample_people

pytestmark = pytest.mark.slow

SETTINGS = AnalysisSettings(closer_look="never", orientation="never")
FPS = 10.0


@pytest.fixture(scope="module")
def people() -> list[Actor]:
    """Three people side by side, who sway."""
    subjects = sample_people()
    return row_of_people([(subjects[i][0].name, subjects[i][1]) for i in (0, 1, 4)])


@pytest.fixture(scope="module")
def frames(people: list[Actor]) -> list[tuple[float, bytes]]:
    """A film of them, of 1.2 seconds."""
    return list(film(people, 12, FPS))


def _numbers(frame: TrackedFrame, actor: Actor, time_s: float) -> set[int]:
    return {
        number
        for face, number in zip(frame.analysis.faces, frame.tracks, strict=True)
        if actor.owns(face, time_s)
    }


def test_a_frame_without_faces(analyzer: FaceAnalyzer) -> None:
    """It has no tracks, and one that is no picture is told as ever and leaves the reader whole."""
    reader = TrackedReader()
    blank = np.zeros((90, 160, 3), dtype=np.uint8)
    frame = reader.read(analyzer, blank, SETTINGS, 0.0)
    assert (frame.analysis.faces, frame.tracks, frame.read, frame.left) == ((), (), (), 0)
    with pytest.raises(ImageError):
        reader.read(analyzer, b"no picture", SETTINGS, 1.0)
    assert reader.read(analyzer, blank, SETTINGS, 0.5).tracks == ()


def test_faces_are_read_when_due(
    recorded: Recorded, frames: list[tuple[float, bytes]], people: list[Actor]
) -> None:
    """New ones at once, then one a frame: after 0.2 s, and after as long as they were known."""
    reader = TrackedReader()
    found = [reader.read(recorded.analyzer, jpeg, SETTINGS, at) for at, jpeg in frames]
    passes, genders, ages = recorded.counts()
    assert passes >= len(frames)
    assert genders == ages == [len(one.read) for one in found if one.read]
    assert genders[0] == 3
    assert set(genders[1:]) == {1}
    for number in (1, 2, 3):
        # At 0, 0.2, 0.4 and 0.8 s where nobody comes before; a better picture comes between.
        assert 3 <= sum(number in one.read for one in found) <= 5
    for actor in people:
        numbers = [_numbers(one, actor, at) for one, (at, _) in zip(found, frames, strict=True)]
        assert numbers == numbers[:1] * 12
    timings = found[1].analysis.timings
    assert timings.detect_ms > 0
    assert found[0].analysis.timings.classify_ms > timings.classify_ms


def test_a_crowd_is_read_over_several_frames(
    recorded: Recorded, frames: list[tuple[float, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of many who come at once the surest are read, and the others next; none is read twice."""
    monkeypatch.setattr(reader_module, "MOST_NEW", 2)
    reader, (_, jpeg) = TrackedReader(), frames[0]
    first, second = (reader.read(recorded.analyzer, jpeg, SETTINGS, at) for at in (0.0, 0.05))
    assert recorded.gender.batch_sizes == [2, 1]
    assert (len(first.analysis.faces), first.left, second.left) == (2, 1, 0)
    assert set(first.tracks) == set(first.read) == set(second.tracks) - set(second.read)
    faces = second.analysis.faces
    assert {one.confidence for one in first.analysis.faces} == set(
        sorted((one.confidence for one in faces), reverse=True)[:2]
    )


def test_what_is_shown_is_the_mean_of_what_was_read(
    analyzer: FaceAnalyzer, frames: list[tuple[float, bytes]]
) -> None:
    """The last frame's faces have the mean of the calibrated readings of their tracks."""
    reader = TrackedReader()
    readings: dict[int, list[tuple[float, ...]]] = {}
    for at, jpeg in frames[:4]:
        frame = reader.read(analyzer, jpeg, SETTINGS, at)
        alone = analyzer.analyze(jpeg, SETTINGS, annotate=False).faces
        for number, face, shown in zip(frame.tracks, alone, frame.analysis.faces, strict=True):
            if number in frame.read:
                readings.setdefault(number, []).append(face.age_group.probabilities)
            assert shown.age_group.probabilities == pytest.approx(
                np.mean(readings[number], axis=0), abs=1e-6
            )
    assert {len(rows) for rows in readings.values()} >= {2}


def test_labels_are_calm(
    analyzer: FaceAnalyzer, frames: list[tuple[float, bytes]], people: list[Actor]
) -> None:
    """Read in the article's way, labels change with every third frame, over tracks hardly ever."""
    article = replace(SETTINGS, crop_shape="box", crop_margin_ratio=0.0, calibrated=False)
    reader = TrackedReader()
    said: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for at, jpeg in frames:
        alone = analyzer.analyze(jpeg, article, annotate=False).faces
        tracked = reader.read(analyzer, jpeg, article, at).analysis.faces
        for way, faces in (("alone", alone), ("tracked", tracked)):
            for actor in people:
                (face,) = (one for one in faces if actor.owns(one, at))
                answer = face.gender.label, face.age_group.label
                said.setdefault((way, actor.name), []).append(answer)
    changes = {"alone": 0, "tracked": 0}
    for (way, _), labels in said.items():
        changes[way] += sum(one != other for one, other in pairwise(labels))
    assert changes["alone"] >= 6
    assert changes["tracked"] <= changes["alone"] / 3


def test_settings_act_on_the_next_frame(
    recorded: Recorded, modern: FaceAnalyzer, frames: list[tuple[float, bytes]]
) -> None:
    """What is found and calibrated changes with no reading; other crops or networks read anew."""
    reader = TrackedReader()
    analyzer, (_, jpeg) = recorded.analyzer, frames[0]
    first = reader.read(analyzer, jpeg, SETTINGS, 0.0)
    weakest = min(face.confidence for face in first.analysis.faces)
    strict = replace(SETTINGS, confidence=weakest + 1e-6)
    assert len(reader.read(analyzer, jpeg, strict, 0.05).tracks) == 2
    raw = reader.read(analyzer, jpeg, replace(SETTINGS, calibrated=False), 0.1)
    assert recorded.gender.batch_sizes == [3]
    assert [face.gender.probabilities for face in raw.analysis.faces] == [
        pytest.approx(face.gender.raw) for face in first.analysis.faces
    ]
    other = reader.read(analyzer, jpeg, replace(SETTINGS, crop_margin_ratio=0.5), 0.15)
    assert recorded.gender.batch_sizes == [3, 3]
    assert other.tracks == other.read == first.tracks
    years = reader.read(modern, jpeg, SETTINGS, 0.2)
    assert set(years.read) == set(years.tracks) == {1, 2, 3}
    assert all(face.age_group.years for face in years.analysis.faces)


def test_a_better_picture_is_read_at_once(analyzer: FaceAnalyzer, hopper_file: bytes) -> None:
    """Larger by a quarter, or sharper by a half; the same again is not."""
    portrait = decode_image(hopper_file)
    reader = TrackedReader()
    read = []
    for i, (side, blur) in enumerate([(300, 3.0), (300, 3.0), (300, 0.1), (400, 0.1), (400, 0.1)]):
        canvas = np.zeros((700, 700, 3), dtype=np.uint8)
        small = cv2.resize(portrait, (side, side * 6 // 5), interpolation=cv2.INTER_AREA)
        small = cv2.GaussianBlur(small, (0, 0), blur)
        canvas[50 : 50 + small.shape[0], 50 : 50 + side] = small
        read.append(reader.read(analyzer, canvas, SETTINGS, i / 100).read)
    assert read == [(1,), (), (1,), (1,), ()]


def test_a_gap_in_the_film(analyzer: FaceAnalyzer, people: list[Actor]) -> None:
    """Who is away for 0.3 s keeps number and readings; after over a second nothing is held."""
    middle = people[1]
    away = replace(middle, pose=lambda t: None if 0.15 < t < 0.45 else middle.pose(t))
    reader = TrackedReader()
    found = [(at, reader.read(analyzer, jpeg, SETTINGS, at)) for at, jpeg in film([away], 6, FPS)]
    assert [one.tracks for _, one in found] == [(1,), (1,), (), (), (), (1,)]
    late = reader.read(analyzer, next(film([middle], 1, FPS))[1], SETTINGS, 2.0)
    assert late.tracks == late.read == (2,)
    assert reader._tracks.keys() == {2}


def test_two_who_cross_keep_their_numbers(analyzer: FaceAnalyzer) -> None:
    """One walks behind the other and is hidden in the middle."""
    (_, behind), (_, front) = sample_people()[1:3]
    actors = [
        Actor("behind", behind, lambda t: Pose(180 + 450 * t, 260, 220)),
        Actor("front", front, lambda t: Pose(780 - 450 * t, 280, 240)),
    ]
    reader = TrackedReader()
    numbers: dict[str, list[int]] = {"behind": [], "front": []}
    for at, jpeg in film(actors, 14, FPS):
        frame = reader.read(analyzer, jpeg, SETTINGS, at)
        if not 0.5 < at < 0.85:
            for actor in actors:
                numbers[actor.name] += _numbers(frame, actor, at)
    assert len(numbers["behind"]) == len(numbers["front"]) == 11
    assert (set(numbers["behind"]), set(numbers["front"])) in [({1}, {2}), ({2}, {1})]
