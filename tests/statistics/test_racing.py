"""Who may leave a race, and what mattered, from arrays that are made up."""

from __future__ import annotations

import numpy as np
import pytest

from facecore.statistics.racing import (
    MIN_ROUNDS,
    front,
    gain,
    gain_over,
    importance,
    verdict,
)


def _times(rounds: int, ms: float, seed: int, spread: float = 0.1) -> dict[int, float]:
    chance = np.random.default_rng(seed)
    return {n: float(ms * np.exp(chance.normal(0, spread))) for n in range(rounds)}


def test_the_interval_holds_the_true_ratio() -> None:
    """Of a hundred intervals of a ratio from eight rounds some 95 hold it."""
    held = 0
    for seed in range(100):
        found = gain(_times(8, 100, seed), _times(8, 50, seed + 1000))
        assert found.interval is not None
        held += found.interval[0] <= 2 <= found.interval[1]
    assert 88 <= held <= 99


def test_only_common_rounds_count() -> None:
    """Whatever slows both in a round cancels out, and rounds of one side alone count nowhere."""
    base = {n: 100.0 * (1 + n % 3) for n in range(MIN_ROUNDS)}
    other = {n: ms / 2 for n, ms in base.items()} | {99: 1e6}
    assert gain(base, other).ratio == pytest.approx(2)
    assert gain({}, other).n == 0
    assert gain(base, {0: 50.0}).interval is None


def test_losers_leave_and_the_rest_goes_on() -> None:
    """A clear loser is lost after a few rounds, a twin no better, anything before that is open."""
    base = _times(200, 100, 1)
    leader, slow, twin = (_times(200, ms, seed, 0.02) for ms, seed in ((50, 2), (90, 3), (50, 4)))
    few = {n: slow[n] for n in range(MIN_ROUNDS - 1)}
    assert verdict(gain_over(base, leader, few)) == "open"
    assert verdict(gain_over(base, leader, {n: slow[n] for n in range(MIN_ROUNDS)})) == "lost"
    assert verdict(gain_over(base, leader, twin)) == "no better"
    assert verdict(gain_over(base, slow, leader)) == "open"
    # Who never ran in the leader's rounds is compared by way of the baseline.
    later = {n + 100: ms for n, ms in list(slow.items())[:50]}
    sooner = {n: leader[n] for n in range(50)}
    assert verdict(gain_over(base, sooner, later)) == "lost"


def test_a_null_space_drops_nobody_wrongly() -> None:
    """Of races between twins, each looked at after every round, hardly one has a loser."""
    lost = 0
    for seed in range(60):
        base, one, two = (_times(40, 100, 3 * seed + n) for n in range(3))
        for rounds in range(MIN_ROUNDS, 41):
            part = {n: two[n] for n in range(rounds)}
            if verdict(gain_over(base, one, part)) == "lost":
                lost += 1
                break
    assert lost <= 4


def test_what_mattered_is_found() -> None:
    """The setting that makes the scores has the most of their variance, one that does not none."""
    chance = np.random.default_rng(1)
    choices = [{"engine": n % 2, "idle": n % 5, "fixed": 1} for n in range(40)]
    scores = [one["engine"] + float(chance.normal(0, 0.1)) for one in choices]
    found = importance(choices, scores)
    assert found["engine"] > 0.9
    assert found["idle"] < 0.2
    assert found["fixed"] == 0
    assert importance(choices[:3], scores[:3]) == {}


def test_the_front_is_what_no_other_beats() -> None:
    """A point stays where none is at once faster and better; twins both stay."""
    assert front([]) == []
    assert front([(10, 90), (20, 100), (30, 95), (10, 90)]) == [True, True, False, True]
