"""The visitor's tables of labels and boxes, read once when they are uploaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

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


@dataclass(slots=True)
class Truth:
    """What is known of the photos: labels and boxes by the photo's name.

    ``tables`` are the names of the files it is from, ``problems`` the sentences
    about what was left out.
    """

    tables: list[str] = field(default_factory=list)
    labels: dict[str, PersonLabel] = field(default_factory=dict)
    boxes: dict[str, tuple[BoxXyxy, ...]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


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
