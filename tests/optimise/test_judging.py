"""From readings to a recommendation, with readings that are made up."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from facecore.evaluation.labels import PersonLabel
from facecore.optimise.bench import Reading
from facecore.optimise.confirming import finalists
from facecore.optimise.judging import Judge, Tried
from facecore.optimise.proposals import hopeless
from facecore.optimise.record import Confirmation, Constraints, Figure
from facecore.optimise.sentences import points, recommendation
from facecore.optimise.space import space_of
from facecore.profiles.configuration import configuration
from facecore.results import Face
from tests.experiment.conftest import made_face

SPACE = space_of(
    configuration(flags={"engine": "opencv"}, environment={}), "latency", ["batch_faces"], 2
)
FACES = {f"{n}.jpg": (made_face(),) for n in range(40)}


def made(number: int, ms: float, answers: Mapping[str, tuple[Face, ...]] | None = None) -> Tried:
    """Make what was tried, with 40 readings of about that time and a peak of 300 MB."""
    chance = np.random.default_rng(number)
    times = ms * np.exp(chance.normal(0, 0.05, 40))
    return Tried(
        number=number,
        choice=SPACE.start(),
        given=SPACE.configuration(SPACE.start()),
        answers=FACES if answers is None else answers,
        readings=[
            Reading(n, f"{n}.jpg", float(t), float(t), 300_000_000) for n, t in enumerate(times)
        ],
        fate="kept" if number else "baseline",
    )


def confirmed(number: int, **changes: Any) -> Confirmation:
    """Make a last measurement that bears out what the search said."""
    values: dict[str, Any] = {
        "number": number,
        "search": Figure(2.0, (1.9, 2.1), 40),
        "fresh": Figure(1.9, (1.8, 2.0), 120),
        "baseline_p50_ms": Figure(100.0),
        "p50_ms": Figure(50.0),
        "p95_ms": Figure(60.0),
        "memory_saved_mb": 10.0,
        "agreement_percent": Figure(100.0, (90.0, 100.0), 40),
        "faces": 40,
        "accuracy_percent": Figure(),
        "rounds": 120,
        "is_better": True,
        "violations": (),
    }
    return Confirmation(**values | changes)


def test_a_null_space_keeps_the_baseline() -> None:
    """Where all are as fast as the baseline, it is recommended, however lucky the best was."""
    tried = [made(number, 100) for number in range(20)]
    judge = Judge("latency", Constraints(), tried[0])
    assert finalists(judge, tried) == []
    number, sentence = recommendation(judge, tried, (), SPACE, is_stopped=False)
    assert number == 0
    assert sentence.startswith("Keep your baseline: none of 19 candidates is verifiably better")
    # Nor where luck went as far as the last measurement, and ended there.
    fresh = confirmed(3, is_better=False, fresh=Figure(1.01, (0.97, 1.05), 120))
    number, sentence = recommendation(judge, tried, [fresh], SPACE, is_stopped=False)
    assert number == 0


def test_the_faster_one_is_taken_with_both_figures() -> None:
    """A candidate that is faster in the search and anew is taken; the sentence has both ratios."""
    tried = [made(0, 100), made(1, 50), made(2, 80)]
    judge = Judge("latency", Constraints(min_agreement_percent=99), tried[0])
    assert [one.number for one in finalists(judge, tried)] == [1, 2]
    number, sentence = recommendation(judge, tried, [confirmed(1)], SPACE, is_stopped=False)
    assert number == 1
    assert "1.90× faster than your baseline (1.80× to 2.00×)" in sentence
    assert "the same answers for 100 % of 40 faces" in sentence
    assert "in the search it was 1.99×" in sentence
    # Stopped before that, it is the best so far, and said to be no more.
    number, sentence = recommendation(judge, tried, [], SPACE, is_stopped=True)
    assert number == 1
    assert "not measured again" in sentence


def test_who_breaks_a_constraint_is_never_recommended() -> None:
    """Too few same answers, too slow, too much memory, too often wrong: out, however fast."""
    other = {name: () if name < "2" else faces for name, faces in FACES.items()}
    tried = [made(0, 100), made(1, 10, other)]
    for limits in (
        Constraints(min_agreement_percent=99),
        Constraints(max_memory_mb=200),
        Constraints(max_latency_ms=5),
    ):
        judge = Judge("latency", limits, tried[0])
        (broken,) = judge.violations(tried[1])
        assert broken.is_certain
        assert broken.excess > 0
        assert finalists(judge, tried) == []
        assert judge.score(tried[1]) < judge.score(tried[0]) or judge.violations(tried[0])
        number, _ = recommendation(judge, tried, [], SPACE, is_stopped=True)
        assert number != 1
    # And one whose fresh figures break it is not either.
    judge = Judge("latency", Constraints(max_latency_ms=60), tried[0])
    late = confirmed(
        1, violations=Judge("latency", Constraints(max_latency_ms=5), tried[0]).violations(tried[1])
    )
    number, sentence = recommendation(judge, tried, [late], SPACE, is_stopped=False)
    assert number is None
    assert sentence.startswith("Nothing that was measured keeps to the constraints")


def test_a_baseline_that_breaks_a_constraint_gives_way() -> None:
    """What keeps to the constraints is taken, also where it is slower than the baseline."""
    tried = [made(0, 100), made(1, 120)]
    tried[0].readings = [
        Reading(one.round, one.photo, one.ms, one.latency_ms, 900_000_000)
        for one in tried[0].readings
    ]
    judge = Judge("latency", Constraints(max_memory_mb=400), tried[0])
    assert [one.number for one in finalists(judge, tried)] == [1]
    slower = confirmed(1, is_better=False, fresh=Figure(0.83, (0.8, 0.86), 120))
    number, sentence = recommendation(judge, tried, [slower], SPACE, is_stopped=False)
    assert number == 1
    assert "your baseline does not keep to the constraints (memory 900 MB" in sentence


def test_who_was_not_measured_has_no_speed() -> None:
    """The baseline is as fast as itself; of who never ran beside it nothing is said."""
    tried = [made(0, 100), made(1, 50), made(2, 50)]
    tried[2].readings = []
    found = points(Judge("latency", Constraints(), tried[0]), tried, SPACE)
    assert [one.speed.value for one in found] == [1.0, pytest.approx(2, abs=0.1), None]
    assert [one.is_on_front for one in found] == [False, True, False]


def test_accuracy_counts_people() -> None:
    """Half of a person's two answers right is half a success; without labels nothing is said."""
    one = made(0, 100)
    assert Judge("accuracy", Constraints(), one).accuracy_percent(one) == Figure()
    labels = {"0.jpg": PersonLabel("0.jpg", age_years=1.0, gender="Male")}
    judge = Judge("accuracy", Constraints(), one, labels, dict.fromkeys(FACES, (70, 100)))
    assert judge.accuracy_percent(one).value == pytest.approx(50.0)


def test_the_hopeless_are_told_by_a_few_photos() -> None:
    """Far slower, too late, or with other answers: out after four photos, and not sooner."""
    tried = [made(0, 100), made(1, 50), made(2, 100)]
    judge = Judge("latency", Constraints(min_agreement_percent=99), tried[0])
    base_ms = dict.fromkeys(FACES, 100.0)

    def said(ms: float, count: int, faces: tuple[Face, ...] = FACES["0.jpg"], **late: bool) -> str:
        timings = SimpleNamespace(total_ms=ms)
        read: Any = {
            f"{n}.jpg": SimpleNamespace(timings=timings, faces=faces) for n in range(count)
        }
        is_late = late.get("is_late", False)
        return hopeless(judge, tried[2], read, base_ms, tried[1], is_late=is_late)

    assert said(1000, 3) == ""
    assert said(120, 40) == ""
    # The best takes 50 ms; three times as much is too far behind it.
    assert said(160, 4).startswith("It is far slower: 0.62 times as fast")
    assert said(100, 4, is_late=True)
    assert said(100, 10, ()).startswith("Its answers are others: 0 % agree")
