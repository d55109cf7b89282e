"""The soak run itself: its figures by hand, and a few seconds of the real thing."""

from __future__ import annotations

import json

import pytest

from tests.load.clients import Outcome
from tests.load.summary import percentiles_ms, slope
from tests.soak.__main__ import Soak, main

CLIENTS = {"page", "http"}


def test_nothing_has_no_figures() -> None:
    """Without values there is a count of zero, and without points no slope."""
    assert percentiles_ms([]) == {"n": 0}
    assert slope([], []) is None
    assert slope([2.0, 2.0], [1.0, 5.0]) is None
    assert Soak(None).report(0.0)["well"] is False


def test_figures_are_those_of_hand() -> None:
    """Percentiles interpolate, and the slope is that of the line of least squares."""
    assert percentiles_ms([10.0, 20.0, 30.0]) == {
        "n": 3,
        "p50": 20.0,
        "p90": 28.0,
        "p99": 29.8,
        "max": 30.0,
    }
    assert slope([0.0, 1.0, 2.0], [5.0, 8.0, 11.0]) == pytest.approx(3.0)


def test_lost_and_wrong_answers_are_not_well() -> None:
    """One upload without a fit answer is enough, and is named."""
    for answer, well in (("read", True), ("refused", True), ("lost", False), ("wrong", False)):
        soak = Soak(None)
        soak.heard(
            Outcome(
                client="http", kind="x", name="a.jpg", answer=answer, latency_ms=1.0, said="why"
            )
        )
        report = soak.report(0.0)
        assert report["well"] is well
        assert report["lost or wrong"] == ([] if well else [f"http, a.jpg: {answer}, why"])


def test_memory_s_slope_is_that_of_what_stays() -> None:
    """A photo under way does not count, nor a minute of warm-up, nor one that was not full."""
    soak = Soak(None)
    for number in range(5):
        for second, size_mb in ((1, 900), (20, 100 + 2 * number), (40, 700)):
            soak.memory.append((60.0 * number + second, size_mb * 10**6))
    soak.memory.append((301.0, 5 * 10**8))
    last = Outcome(client="http", kind="x", name="a", answer="read", latency_ms=1.0, said="")
    soak.outcomes.append((302.0, last))
    soak.memory[1] = (20.0, 10**6)
    memory = soak.report(60.0)["memory MB"]
    assert isinstance(memory, dict)
    assert memory["slope of each minute's least after warm-up, a minute"] == 2.0


@pytest.mark.slow
def test_a_few_seconds_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    """Both clients of a real server answer mixed photos and hostile files."""
    status = main(["--minutes", "0.1", "--clients", "2", "--warm-up-minutes", "0"])
    text = capsys.readouterr().out
    report = json.loads(text[text.index("{\n") :])
    assert (status, report["lost or wrong"]) == (0, [])
    answers = report["answers"]
    assert set(answers) == CLIENTS
    assert all(answers[client] for client in CLIENTS)
    assert report["memory MB"]["highest"] > 100
