"""What is kept of an answer gives the same scores as the whole of it."""

from __future__ import annotations

from facecore.evaluation.kept import KeptAnswer, KeptAnswers
from tests.evaluation.conftest import SIZE_WH, analysis, face, found


def test_an_empty_answer_is_kept_empty() -> None:
    """No face and no candidate are none afterwards."""
    kept = KeptAnswer.of(analysis())
    assert (kept.faces, kept.candidates, kept.size_wh) == ((), (), SIZE_WH)


def test_candidates_and_the_labelled_person_stay() -> None:
    """Of the faces the one at the centre is kept, of the candidates all."""
    middle, corner = face("Male", 3), face("Female", 1, (0, 0, 20, 20))
    offered = found((0.9, (0, 0, 20, 20)), (0.4, (40, 30, 60, 50)))
    answers = KeptAnswers()
    answers.add("a.jpg", analysis([corner, middle], offered))
    kept = answers.now()["a.jpg"]
    assert kept.faces == (middle,)
    assert kept.candidates == offered
