"""Two ways of reading the same photos, by hand."""

from __future__ import annotations

import pytest

from facecore.evaluation.beside import Side, beside
from facecore.evaluation.labels import BoxXyxy, PersonLabel
from facecore.settings import AnalysisSettings
from facecore.statistics.intervals import Proportion
from tests.evaluation.conftest import analysis, face, found

SETTINGS = AnalysisSettings(confidence=0.5)
HERE: BoxXyxy = (0, 0, 10, 10)
ON_HERE, NOWHERE = (0, 0, 10, 10), (70, 60, 80, 70)
NAMES = [f"{number}.jpg" for number in range(30)]


def test_nothing_known_gives_no_row() -> None:
    """Without labels and boxes, or without photos that both read, there is no score."""
    way = Side(SETTINGS, {"a.jpg": analysis()})
    assert beside(way, way, {}, {}) == []
    assert beside(way, Side(SETTINGS, {}), {}, {"a.jpg": (HERE,)}) == []


def test_scores_and_their_difference_are_of_the_same_photos() -> None:
    """The second way finds all thirty faces where the first finds ten; both have no false one."""
    sees, blind = analysis(candidates=found((0.9, ON_HERE))), analysis()
    first = Side(SETTINGS, {name: sees if n < 10 else blind for n, name in enumerate(NAMES)})
    second = Side(SETTINGS, dict.fromkeys(NAMES, sees) | {"other.jpg": sees})
    rows = {row.name: row for row in beside(first, second, {}, dict.fromkeys(NAMES, (HERE,)))}
    assert list(rows) == ["precision", "recall", "F1", "false faces"]
    recall = rows["recall"]
    assert (recall.first, recall.second) == (Proportion(10, 30), Proportion(30, 30))
    assert recall.difference.value == pytest.approx(2 / 3)
    assert recall.difference.interval == pytest.approx((0.5, 0.83), abs=0.05)
    assert recall.is_told_apart
    assert rows["F1"].difference.value == pytest.approx(1 - 20 / 40)
    assert (rows["precision"].difference.value, rows["precision"].is_told_apart) == (0, False)


def test_each_way_has_its_own_confidence() -> None:
    """A false box of 0.6 counts for the one that begins at 0.5, and not at 0.7."""
    answers = dict.fromkeys(NAMES, analysis(candidates=found((0.9, ON_HERE), (0.6, NOWHERE))))
    stricter = Side(AnalysisSettings(confidence=0.7), answers)
    rows = beside(Side(SETTINGS, answers), stricter, {}, dict.fromkeys(NAMES, (HERE,)))
    false = next(row for row in rows if row.name == "false faces")
    assert (false.first.value, false.second.value, false.difference.value) == (1, 0, -1)


def test_people_are_compared_where_they_are_labelled() -> None:
    """Gender counts with a gender label, ages with an age, and who is not found in no share."""
    labels = {
        "a.jpg": PersonLabel("a.jpg", 30.0, "Male"),
        "b.jpg": PersonLabel("b.jpg", None, "Female"),
        "c.jpg": PersonLabel("c.jpg", 18.0, "Male"),
    }
    right = {
        "a.jpg": analysis([face("Male", 4)]),
        "b.jpg": analysis([face("Female", 4)]),
        "c.jpg": analysis(),
    }
    wrong = right | {"b.jpg": analysis([face("Male", 4)]), "c.jpg": analysis([face("Male", 4)])}
    rows = {
        row.name: row for row in beside(Side(SETTINGS, right), Side(SETTINGS, wrong), labels, {})
    }
    assert rows["gender right"].first == Proportion(2, 2)
    assert rows["gender right"].second == Proportion(2, 3)
    assert rows["no face found"].first == Proportion(1, 3)
    assert (rows["age group right"].first, rows["age group right"].second) == (
        Proportion(1, 1),
        Proportion(1, 2),
    )
    assert rows["age group right or next to it"].second == Proportion(2, 2)
    off = rows["expected age is off by"]
    assert (off.first.value, off.second.value) == (1.5, 6.0)
