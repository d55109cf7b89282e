"""What reading a film by its tracks saves, and how calm its labels are.

``python -m tests.measure.tracks [--photos FOLDER] [--half a|b] [--films N] [--seconds N]
[--engine NAME] [--model-set NAME] [--preset NAME]``: beside reading every face in every frame, on
films of up to four people of whom all is known (tests/films.py: swaying, nearing, tilted, shaken,
lit, with noise, JPEG), ten frames a second; of the samples, or of a folder with photos of one
person in the middle and a labels.csv. These are in half a or b by their names' SHA-256. Both ways
read each frame in turn, and which is first changes.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.evaluation.labels import read_labels
from facecore.imaging.decoding import BgrImage, decode_image
from facecore.models.attributes import Attributes
from facecore.results import AGE_GROUPS, ClassPrediction, Face, nearest_age_group
from facecore.settings import AnalysisSettings, RuntimeOptions
from facecore.settings.presets import preset
from facecore.tracking.averaging import averaged
from facecore.tracking.reader import TrackedReader
from tests.films import Actor, film, row_of_people, sample_people

FPS, PEOPLE = 10.0, 4
EACH, MEAN, TRACKED = "each frame alone", "mean of all readings so far", "tracks, read when due"


class _Subject(NamedTuple):
    name: str
    portrait: BgrImage
    truth: dict[str, str]


class _Labels:
    """What a way said of a person, frame by frame."""

    def __init__(self) -> None:
        self.said: dict[tuple[str, str, str], list[str | None]] = defaultdict(list)

    def add(self, way: str, actor: Actor, attributes: Attributes | None) -> None:
        for asked in ("gender", "age_group"):
            answer: ClassPrediction | None = attributes[asked] if attributes else None
            self.said[way, asked, actor.name].append(answer.label if answer else None)

    def changes(self, way: str, asked: str) -> float:
        """Return which part of successive frames differ, of those where the person was found."""
        pairs = [
            (one, other)
            for (w, a, _), said in self.said.items()
            if (w, a) == (way, asked)
            for one, other in itertools.pairwise(said)
            if one and other
        ]
        return sum(one != other for one, other in pairs) / len(pairs)

    def right(self, way: str, asked: str, truth: dict[str, dict[str, str]]) -> float:
        """Return which part of the frames where a person was found says what is true."""
        answers = [
            one == truth[name][asked]
            for (w, a, name), said in self.said.items()
            if (w, a) == (way, asked) and asked in truth[name]
            for one in said
            if one
        ]
        return sum(answers) / len(answers)


def main() -> None:
    """Print the speed of tracks over that of every face, and the changes of labels."""
    asked = _arguments()
    cv2.setNumThreads(1)
    options = RuntimeOptions(engine=asked.engine, model_set=asked.model_set, threads=1)
    analyzer = FaceAnalyzer.load(options)
    settings = replace(preset(asked.preset), closer_look="never", orientation="never")
    subjects = list(_of_samples() if asked.photos is None else _of(asked.photos, asked.half))
    subjects.sort(key=lambda one: hashlib.sha256(one.name.encode()).digest())
    casts = [subjects[i : i + PEOPLE] for i in range(0, len(subjects) - 2, PEOPLE)][: asked.films]
    labels, frames = _Labels(), round(asked.seconds * FPS)
    ratios: dict[str, list[float]] = {"CPU": [], "wall": []}
    read = faces = switches = 0
    for cast in casts:
        one = _measure(analyzer, settings, cast, frames, labels)
        for clock, ratio in one.ratios.items():
            ratios[clock].append(ratio)
        read, faces, switches = read + one.read, faces + one.faces, switches + one.switches
    people = [one for cast in casts for one in cast]
    print(
        f"{asked.model_set}, {asked.preset}, {analyzer.engine}: {len(casts)} films, "
        f"{len(people)} people, {frames} frames each; {faces} faces found, "
        f"{read} of them read, {switches} changes of a number"
    )
    for clock, found in ratios.items():
        print(
            f"frames per second by {clock} time: {statistics.median(found):.2f} times those of "
            f"every face each time ({min(found):.2f} to {max(found):.2f} over the films)"
        )
    truth = {one.name: one.truth for one in people}
    for what in ("gender", "age_group"):
        for way in (EACH, MEAN, TRACKED):
            print(
                f"{what:9} {way:27} changes {100 * labels.changes(way, what):5.2f} % of the time, "
                f"right {100 * labels.right(way, what, truth):5.1f} %"
            )


class _Measured(NamedTuple):
    ratios: dict[str, float]
    read: int
    faces: int
    switches: int


def _measure(
    analyzer: FaceAnalyzer,
    settings: AnalysisSettings,
    cast: list[_Subject],
    frames: int,
    labels: _Labels,
) -> _Measured:
    actors = row_of_people([(one.name, one.portrait) for one in cast])
    reader = TrackedReader()
    spent: dict[str, list[float]] = {EACH: [0.0, 0.0], TRACKED: [0.0, 0.0]}
    readings: dict[str, list[Attributes]] = defaultdict(list)
    numbers: dict[str, set[int]] = defaultdict(set)
    found: dict[str, tuple[Face, ...]] = {}
    read = faces = 0
    for i, (at, jpeg) in enumerate(film(actors, frames, FPS)):
        for way in (EACH, TRACKED) if i % 2 else (TRACKED, EACH):
            cpu_s, wall_s = time.process_time(), time.perf_counter()
            if way == EACH:
                found[way] = analyzer.analyze(jpeg, settings, annotate=False).faces
            else:
                frame = reader.read(analyzer, jpeg, settings, at)
                found[way] = frame.analysis.faces
            spent[way][0] += time.process_time() - cpu_s
            spent[way][1] += time.perf_counter() - wall_s
        read, faces = read + len(frame.read), faces + len(frame.tracks)
        for actor in actors:
            for way in (EACH, TRACKED):
                own = next((one for one in found[way] if actor.owns(one, at)), None)
                labels.add(way, actor, own.attributes if own else None)
                if way == EACH:
                    readings[actor.name] += [own.attributes] if own else []
                    labels.add(MEAN, actor, averaged(readings[actor.name]) if own else None)
                elif own:
                    numbers[actor.name].add(frame.tracks[found[way].index(own)])
    ratios = {
        clock: spent[EACH][place] / spent[TRACKED][place]
        for place, clock in enumerate(("CPU", "wall"))
    }
    return _Measured(ratios, read, faces, sum(len(one) - 1 for one in numbers.values() if one))


def _of_samples() -> Iterator[_Subject]:
    for person, portrait in sample_people():
        truth = {"gender": person.gender} if person.gender else {}
        if person.ages:
            truth["age_group"] = AGE_GROUPS[nearest_age_group(sum(person.ages) / 2)]
        yield _Subject(person.name, portrait, truth)


def _of(folder: Path, half: str | None) -> Iterator[_Subject]:
    labels, _ = read_labels((folder / "labels.csv").read_text(encoding="utf-8"))
    for name, label in labels.items():
        is_in_b = hashlib.sha256(name.encode()).digest()[0] % 2
        if half not in (None, "ab"[is_in_b]):
            continue
        truth = {"gender": label.gender} if label.gender else {}
        if label.age_years is not None:
            truth["age_group"] = AGE_GROUPS[nearest_age_group(label.age_years)]
        image = decode_image((folder / name).read_bytes())
        side = min(image.shape[:2])
        yield _Subject(name, np.ascontiguousarray(image[:side, :side]), truth)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--half", choices=("a", "b"))
    parser.add_argument("--films", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--engine", default="opencv")
    parser.add_argument("--model-set", default="article")
    parser.add_argument("--preset", default="Recommended")
    return parser.parse_args()


if __name__ == "__main__":
    main()
