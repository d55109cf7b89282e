"""Tables of labels and boxes, and which photo each of their rows is of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from facecore.evaluation.labels import (
    BoxXyxy,
    PersonLabel,
    decode_table,
    has_boxes,
    read_boxes,
    read_labels,
)
from facecore.imaging.kinds import HEAD_BYTES, kind_of

MAX_TABLE_BYTES = 5_000_000


@dataclass(slots=True, eq=False)
class Truth:
    """What is known of the photos: labels and boxes by the photo's name.

    ``tables`` are the names of the files it is from, ``problems`` the sentences
    about what was left out.
    """

    tables: list[str] = field(default_factory=list)
    labels: dict[str, PersonLabel] = field(default_factory=dict)
    boxes: dict[str, tuple[BoxXyxy, ...]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def files(self) -> set[str]:
        """The photos of which something is known."""
        return self.labels.keys() | self.boxes.keys()

    def __or__(self, other: Truth) -> Truth:
        """Return both together; where both know something, the other counts."""
        return Truth(
            [*self.tables, *other.tables],
            self.labels | other.labels,
            self.boxes | other.boxes,
            [*self.problems, *other.problems],
        )

    def of_photos(self, names: Iterable[str]) -> Truth:
        """Return what is known of these photos, under their names, each with one of its own.

        A row is of the photo whose path it names, or the end of it: "a.jpg" is
        "faces.zip/train/a.jpg", and the reverse. A row that could be of several photos is of
        none, which is told.
        """
        photos = _by_last_part(names)
        found, problems = {}, list(self.problems)
        for file in self.labels | self.boxes:
            shared = {name: _shared_parts(file, name) for name in photos[_parts(file)[-1]]}
            most = max(shared.values(), default=0)
            same = [name for name in shared if most and shared[name] == most]
            if file in same:
                same = [file]
            if len(same) == 1:
                found[file] = same[0]
            elif same:
                problems.append(
                    f"{file!r} could be any of {len(same)} photos, so it is left out: name its "
                    "folder in the table as well."
                )
        labels = {
            name: replace(self.labels[file], file=name)
            for file, name in found.items()
            if file in self.labels
        }
        boxes = {name: self.boxes[file] for file, name in found.items() if file in self.boxes}
        return Truth(self.tables, labels, boxes, problems)


def read_truth(tables: Sequence[tuple[str, bytes]]) -> Truth:
    """Read tables given by name and content; which is which is told by their columns."""
    truth = Truth()
    for name, data in tables:
        truth.tables.append(name)
        if len(data) > MAX_TABLE_BYTES:
            truth.problems.append(f"{name} is larger than 5 MB, so it is left out.")
            continue
        if kind := kind_of(data[:HEAD_BYTES]):
            truth.problems.append(
                f"{name} is no table of text but {'an' if kind[0] in 'AEIOS' else 'a'} {kind} "
                "file, so it is left out: save it as CSV."
            )
            continue
        text = decode_table(data)
        if has_boxes(text):
            boxes, problems = read_boxes(text)
            truth.boxes |= boxes
        else:
            labels, problems = read_labels(text)
            truth.labels |= labels
        truth.problems += problems
    return truth


def _by_last_part(names: Iterable[str]) -> defaultdict[str, list[str]]:
    photos = defaultdict(list)
    for name in names:
        photos[_parts(name)[-1]].append(name)
    return photos


def _shared_parts(file: str, name: str) -> int:
    """Return how many parts two paths share where one is the end of the other; else 0."""
    pairs = list(zip(reversed(_parts(file)), reversed(_parts(name)), strict=False))
    return len(pairs) if all(one == other for one, other in pairs) else 0


def _parts(path: str) -> list[str]:
    return path.replace("\\", "/").split("/")
