"""The model card's tables: from answers made by hand to Markdown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from facecore.evaluation.accuracy import cross_fitted
from facecore.evaluation.card import Column, card, column, ways
from facecore.evaluation.labels import PersonLabel
from facecore.models.calibration import Calibration
from facecore.results import Analysis, GenderPrediction
from facecore.settings import AnalysisSettings, RuntimeOptions
from tests.evaluation.conftest import MIDDLE, analysis, face, found

GENDER = Calibration(
    attribute="gender", views="one", scales=(0.9, 0.9), offsets=(0.1, -0.1), data="", date=""
)
WAY = ways(True)[0]


def _people(count: int) -> tuple[dict[str, Analysis], dict[str, PersonLabel]]:
    """Return people who are all said to be men; the second of each two is a woman."""
    names = [f"{number}.png" for number in range(count)]
    usual = face("Male", 4)
    said = replace(usual, attributes={**usual.attributes, "gender": _sure(0.99)})
    labels = {
        name: PersonLabel(name, 30.0, ("Male", "Female")[number // 2 % 2])
        for number, name in enumerate(names)
    }
    return {name: analysis([said]) for name in names}, labels


def _sure(probability: float) -> GenderPrediction:
    return GenderPrediction((probability, 1 - probability))


def test_cross_fitting_of_nobody_and_without_a_calibration() -> None:
    """There is nothing to fit, and answers stay."""
    assert cross_fitted({}, {}, {"gender": GENDER}) == {}
    analyses, labels = _people(2)
    assert cross_fitted(analyses, labels, {}) == analyses


def test_each_half_is_put_right_by_the_other() -> None:
    """What is known of the first half alone changes the answers of the second alone."""
    analyses, labels = _people(40)
    names = list(labels)
    known = {
        name: labels[name] if place % 2 else PersonLabel(name) for place, name in enumerate(names)
    }
    anew = cross_fitted(analyses, known, {"gender": GENDER})
    probabilities = [anew[name].faces[0].gender.probabilities[0] for name in names]
    # Half of the others are women, whatever the network says.
    assert probabilities[::2] == pytest.approx([0.5] * 20, abs=0.2)
    # Nothing is known of the others: it stays as it was fitted before.
    assert probabilities[1::2] == pytest.approx([GENDER.of(_sure(0.99)).probabilities[0]] * 20)
    assert anew[names[0]].faces[0].gender.raw == _sure(0.99).probabilities


def test_card_of_people_has_a_column_a_way() -> None:
    """Shares have intervals; each table has a cell for each way; what has no boxes has no faces."""
    analyses, labels = _people(40)
    one = column(WAY, analyses, labels, {}, {"gender": GENDER})
    text = card([one, replace(one, title="Other")])
    assert "| As the answers are | Article | Other |" in text
    assert "| gender right | 50.0 % (35 to 65) | 50.0 % (35 to 65) |" in text
    assert "| gender, as the networks say | 0.490 | 0.490 |" in text
    assert "| (25-32) | 100.0 % (91 to 100) | 100.0 % (91 to 100) |" in text
    assert "| whole photo, wall time | 10.0 ms | 10.0 ms |" in text
    assert "Faces found" not in text


def test_card_of_boxes_has_recall_and_precision() -> None:
    """Without labels only faces and costs are told."""
    analyses = {"a.png": analysis(candidates=found((0.9, MIDDLE), (0.8, (0, 0, 9, 9))))}
    text = card([column(WAY, analyses, {}, {"a.png": (MIDDLE,)}, {})])
    assert text.startswith("| Faces found | Article |")
    assert "| recall | 100.0 % (21 to 100) |" in text
    assert "| precision | 50.0 % (9 to 91) |" in text
    assert "Calibr" not in text


def test_ways_are_the_presets_and_the_other_sets() -> None:
    """The article's preset runs on its engine; the modern set is a column where it is there."""
    people, faces = ways(True), ways(False)
    assert [one.title for one in people][:4] == ["Article", "Recommended", "Careful", "Aligned"]
    assert [one.title for one in faces][:3] == ["Article", "Recommended", "Crowd"]
    assert people[0].options == RuntimeOptions(engine="opencv")
    assert people[1].settings == AnalysisSettings()
    assert isinstance(column(people[0], {}, {}, {}, {}), Column)
