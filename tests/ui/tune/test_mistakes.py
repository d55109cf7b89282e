"""What is behind a number of a confusion table."""

from __future__ import annotations

import pytest

from facecore.evaluation.accuracy import confusions
from facecore.evaluation.labels import PersonLabel
from facecore.evaluation.truth import Truth
from facecore.settings import AnalysisSettings, RuntimeOptions
from facecore.ui.tune.mistakes import _of_cell
from facecore.ui.tune.people import _clicked
from facecore.ui.tune.subject import Subject, Way
from facecore.wording import speaking
from tests.evaluation.conftest import MIDDLE, analysis, face


def test_a_number_opens_the_face_that_it_counts() -> None:
    """Of several faces it is the labelled person's, not the surest one."""
    read = analysis([face("Male", 1, (0, 0, 9, 9)), face("Female", 4)])
    subject = Subject(
        photos={},
        answers={"a": read},
        reading=Way(settings=AnalysisSettings(), options=RuntimeOptions()),
        truth=Truth(labels={"a": PersonLabel("a", gender="Female")}),
        key=0,
    )
    (shown,) = _of_cell(subject, ("gender", "Female", "Female"))
    assert (shown.box, shown.note) == (MIDDLE, "Female, 75%")


@pytest.mark.parametrize(("language", "column"), [("en", "Male"), ("zh", "男")])
def test_a_click_is_on_the_same_number_in_each_language(language: str, column: str) -> None:
    """The column that was clicked is named as the reader sees it; the answer is the data's."""
    with speaking(language):
        genders, _ = confusions({}, {})
        assert _clicked("gender", genders, 1, column) == ("gender", "Female", "Male")
