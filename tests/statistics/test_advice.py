"""One sentence of advice: what it dares to say, and what it leaves open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from facecore.results import AgeGroupPrediction, Box, Detection, Face, GenderPrediction
from facecore.statistics.advice import Rival, advice, best_places
from facecore.statistics.agreement import face_agreement
from facecore.statistics.comparison import compare_times

FACE = Face(
    Detection(Box(10, 20, 60, 90), 0.9),
    {
        "gender": GenderPrediction((0.25, 0.75)),
        "age_group": AgeGroupPrediction((0.5, 0.25, 0.125, 0.0625, 0.03125, 0.03125, 0.0, 0.0)),
    },
)
OTHER = replace(FACE, attributes={**FACE.attributes, "gender": GenderPrediction((0.75, 0.25))})


def _rival(
    name: str, ratio: float, *, n: int = 20, noise: float = 0.01, answer: Face = FACE
) -> Rival:
    """Make a variant that is so many times as fast, in pairs that vary by so much."""
    levels = np.exp(noise * np.random.default_rng(7).standard_normal((n, 2)))
    pairs = [(10 * ratio * float(old), 10 * float(new)) for old, new in levels]
    answers = face_agreement({"a.jpg": [FACE]}, {"a.jpg": [answer]})
    return Rival(name=name, place=1, times=compare_times({"a.jpg": pairs}), answers=answers)


def _said(*rivals: Rival, faster: Sequence[tuple[int, int]] = ()) -> str:
    placed = [replace(rival, place=number) for number, rival in enumerate(rivals, start=1)]
    return advice(placed, lambda one, other: (one, other) in faster)


def test_nothing_measured_is_no_advice() -> None:
    """Without a pair nothing is advised, and with too few only more of them."""
    nothing = "Nothing can be advised: no variant was measured beside the baseline."
    assert _said() == _said(_rival("X", 1, n=0)) == nothing
    assert _said(_rival("X", 2, n=3)) == (
        "Measure more before you choose: 3 pairs cannot tell them apart."
    )


def test_what_is_faster_with_the_same_answers_is_to_be_taken() -> None:
    """With its figures, and how many faces the answers are of."""
    said = _said(_rival("X", 1.6), _rival("slow", 0.5))
    assert said.startswith("Take X: 1.60× faster (1.")
    assert said.endswith("×) with the same answers for 1 face (few to go by).")


def test_the_fastest_is_taken_and_what_ties_with_it_named() -> None:
    """Where the verdict does not tell two apart, nobody is kept from the other."""
    first, second = _rival("X", 1.61), _rival("Y", 1.6)
    assert _said(first, second).endswith("; Y cannot be told apart from it.")
    assert "Y" not in _said(first, second, faster=[(1, 2)])


def test_other_answers_have_their_price() -> None:
    """What is faster but answers otherwise is not advised without a word."""
    other = _rival("X", 1.6, answer=OTHER)
    said = _said(other)
    assert said.startswith("Keep the baseline, unless other answers will do: X is 1.60× faster (")
    assert said.endswith("answers differ: none of 1 face lost, 1 gender changed.")
    said = _said(_rival("same", 1.2), other, faster=[(2, 1)])
    assert said.startswith("Take same: 1.20× faster")
    assert said.endswith("; X is faster still, but none of 1 face lost, 1 gender changed.")


def test_labels_decide_about_other_answers() -> None:
    """Who is clearly right more often is taken; six people to none are clear, five are not."""

    def judged(ratio: float, gender: tuple[int, int], age: tuple[int, int] = (0, 0)) -> str:
        rival = _rival("X", ratio, answer=OTHER)
        return _said(replace(rival, judged={"gender": gender, "age group": age}))

    said = judged(1.6, (6, 0))
    assert said.startswith("Take X: 1.60× faster (")
    assert said.endswith(
        "with other answers; by the labels X is more often right about the gender (6 to 0 of those "
        "whom only one of the two gets right)."
    )
    assert judged(1.6, (5, 0)).startswith("Keep the baseline, unless other answers will do")
    assert judged(1.6, (5, 0)).endswith("; by the labels nobody is clearly more often right.")
    said = judged(1.6, (6, 0), (0, 9))
    assert said.startswith("Keep the baseline, unless other answers will do")
    assert "less often right about the age group (9 to 0 of" in said
    said = judged(0.5, (9, 0))
    assert said.startswith("Keep the baseline for its speed: X is 0.50× as fast")
    assert "; by the labels X is more often right about the gender" in said


def test_no_clear_difference_keeps_the_baseline_with_its_bound() -> None:
    """What can be excluded is the interval's end; where much is left, that is for now."""
    narrow = _rival("X", 1.0)
    assert narrow.times.interval is not None
    assert _said(narrow) == (
        f"Keep the baseline: nothing is clearly faster, and more than "
        f"{narrow.times.interval[1]:.2f}×, with X, can be excluded."
    )
    wide = _rival("X", 1.02, n=6, noise=0.3)
    said = _said(wide)
    assert said.startswith("Keep the baseline for now: X may be anything from ")
    assert f"about {wide.times.more_trials} more pairs would tell" in said
    assert _said(narrow, _rival("Y", 2, n=2)).endswith(
        "; not every variant has enough pairs for a verdict."
    )


def test_slower_variants_keep_the_baseline() -> None:
    """One is named with its ratio, of several the best; other answers need labels to judge."""
    said = _said(_rival("X", 0.5))
    assert said.startswith("Keep the baseline: X is 0.50× as fast (0.")
    said = _said(_rival("X", 0.5), _rival("Y", 0.25, answer=OTHER))
    assert said.startswith(
        "Keep the baseline for its speed: all others are slower, X the least: 0.50× as fast"
    )
    assert said.endswith("; whose answers are better, labels would tell.")


@pytest.mark.parametrize(
    ("shares", "faster", "best"),
    [
        pytest.param([], [], (), id="none"),
        pytest.param([1.0], [], (0,), id="one"),
        pytest.param([1.0, 1.0], [], (), id="two that cannot be told apart"),
        pytest.param([1.0, 1.0], [(1, 0)], (1,), id="faster, same answers"),
        pytest.param([1.0, 0.9], [(1, 0)], (0, 1), id="each has its price"),
        pytest.param([1.0, 0.9], [], (0,), id="agrees less, not faster"),
        pytest.param([1.0, 1.0, 1.0], [(1, 0), (2, 0)], (), id="two tie in front"),
        pytest.param([1.0, 1.0, 0.5], [(2, 0), (2, 1)], (2,), id="only what is apart"),
    ],
)
def test_stars_are_for_what_can_be_told_apart(
    shares: list[float], faster: list[tuple[int, int]], best: tuple[int, ...]
) -> None:
    """What another beats is out, and so is what ties with another in front."""
    assert best_places(shares, lambda one, other: (one, other) in faster) == best
