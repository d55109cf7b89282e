"""Tables of labels and boxes, and which photo each of their rows is of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from facecore.evaluation.labels import (
    BoxXyxy,
    PersonLabel,
    decode_table,
    has_boxes,
    read_boxes,
    read_labels,
)
from facecore.imaging.kinds import HEAD_BYTES, kind_of
from facecore.wording import Text

MAX_TABLE_BYTES = 5_000_000
_T = TypeVar("_T")


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
        none, and a photo that several rows could be of has none, which is told.
        """
        photos = _by_last_part(names)
        problems = list(self.problems)
        labels = {
            name: replace(label, file=name)
            for name, label in _by_photo(self.labels, photos, problems).items()
        }
        boxes = _by_photo(self.boxes, photos, problems)
        return Truth(self.tables, labels, boxes, list(dict.fromkeys(problems)))


def read_truth(tables: Sequence[tuple[str, bytes]]) -> Truth:
    """Read tables given by name and content; which is which is told by their columns."""
    truth = Truth()
    for name, data in tables:
        truth.tables.append(name)
        if len(data) > MAX_TABLE_BYTES:
            truth.problems.append(Text("{name} is larger than 5 MB, so it is left out.", name=name))
            continue
        if kind := kind_of(data[:HEAD_BYTES]):
            truth.problems.append(_no_text(name, kind))
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


def _no_text(name: str, kind: str) -> Text:
    if kind[0] in "AEIOS":
        return Text(
            "{name} is no table of text but an {kind} file, so it is left out: save it as CSV.",
            name=name,
            kind=kind,
        )
    return Text(
        "{name} is no table of text but a {kind} file, so it is left out: save it as CSV.",
        name=name,
        kind=kind,
    )


def _by_photo(
    rows: Mapping[str, _T], photos: Mapping[str, Sequence[str]], problems: list[str]
) -> dict[str, _T]:
    """Return the row of each photo that has one of its own; add a sentence for what has none."""
    files: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for file in rows:
        shared = {name: _shared_parts(file, name) for name in photos.get(_parts(file)[-1], ())}
        if same := _nearest(file, shared):
            if len(same) == 1:
                files[same[0]][file] = shared[same[0]]
            else:
                problems.append(
                    Text(
                        "{file} could be any of {count} photos, so it is left out: name its "
                        "folder in the table as well.",
                        file=repr(file),
                        count=len(same),
                    )
                )
    found = {}
    for name, shared in files.items():
        same = _nearest(name, shared)
        if len(same) == 1:
            found[name] = rows[same[0]]
        else:
            problems.append(
                Text(
                    "{count} rows could be of {name}, so they are left out: name it as the table "
                    "does.",
                    count=len(same),
                    name=repr(name),
                )
            )
    return found


def _nearest(path: str, shared: Mapping[str, int]) -> list[str]:
    """Return which paths share most parts with this one, or are the very same."""
    most = max(shared.values(), default=0)
    return [path] if path in shared else [one for one in shared if most and shared[one] == most]


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
