"""Ratios of typical times, against hand-made values and against all that chance can do."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest

from facecore.statistics import ratios as module
from facecore.statistics.ratios import Times, chance_z, ratio_interval, typical_times

Draw = Callable[[np.random.Generator, int], Times]


def _lognormal(generator: np.random.Generator, n: int) -> Times:
    return np.exp(0.2 * generator.standard_normal((n, 2)))


def _exponential(generator: np.random.Generator, n: int) -> Times:
    return generator.exponential(size=(n, 2))


def _two_modes(generator: np.random.Generator, n: int) -> Times:
    slow = generator.random((n, 2)) < 0.3
    return np.where(slow, 1.3, 1.0) * np.exp(0.02 * generator.standard_normal((n, 2)))


def _strays(generator: np.random.Generator, n: int) -> Times:
    stray = generator.random((n, 2)) < 0.05
    return np.where(stray, 2.0, 1.0) * np.exp(0.05 * generator.standard_normal((n, 2)))


DISTRIBUTIONS = (_lognormal, _exponential, _two_modes, _strays)


def _coverage(draw: Draw, n: int, photos: int, samples: int) -> float:
    """Return the part of the intervals that hold the true ratio, 1.3."""
    generator = np.random.default_rng(n * photos)
    held = 0
    for _ in range(samples):
        trials = [1.5**number * draw(generator, n) * (1.3, 1.0) for number in range(photos)]
        low, high = ratio_interval(trials)
        held += low <= 1.3 <= high
    return held / samples


def test_no_photo_has_no_typical_time() -> None:
    """A mean over nothing is a mistake of the caller's."""
    with pytest.raises(ValueError, match="no photo"):
        typical_times([])


def test_typical_time_is_the_mean_of_the_photos_medians() -> None:
    """Each photo counts once, however many trials it has."""
    one = np.array([[1.0, 10.0], [2.0, 20.0], [9.0, 90.0]])
    other = np.array([[6.0, 40.0]])
    assert typical_times([one]) == (2.0, 20.0)
    assert typical_times([one, other]) == (4.0, 30.0)


def test_interval_of_what_does_not_vary_has_no_width() -> None:
    """The same values on both sides give 1 exactly."""
    assert ratio_interval([np.full((5, 2), 7.0)]) == (1.0, 1.0)


def test_what_slows_both_sides_of_a_block_widens_no_interval() -> None:
    """Whole pairs are drawn, so a machine that gets ten times slower does no harm."""
    drift = np.geomspace(1, 10, 9)[:, None]
    assert ratio_interval([drift * (1.2, 1.0)]) == pytest.approx((1.2, 1.2))


def test_interval_is_the_same_each_time_and_turns_with_the_sides() -> None:
    """The draws have a fixed seed; seen from the other side, the ends change places."""
    trials = [_lognormal(np.random.default_rng(1), 9), _lognormal(np.random.default_rng(2), 4)]
    low, high = ratio_interval(trials)
    assert (low, high) == ratio_interval(trials)
    turned = ratio_interval([pairs[:, ::-1] for pairs in trials])
    assert turned == pytest.approx((1 / high, 1 / low), rel=1e-3)


@pytest.mark.parametrize(
    ("pairs", "draws"), [(1, 1000), (4000, 1000), (8000, 500), (25_000, 160), (10**7, 100)]
)
def test_many_pairs_are_drawn_less_often(pairs: int, draws: int) -> None:
    """What an interval costs has a bound; what real comparisons have is drawn as often as ever."""
    assert module._affordable_draws(pairs) == draws


def test_interval_has_ends_where_a_stage_seldom_runs() -> None:
    """A draw in which nothing ran divides by next to nothing, not by nothing."""
    trials = np.array([[5.0, 0.0], [5.0, 0.0], [5.0, 4.0], [5.0, 4.0], [5.0, 4.0]])
    low, high = ratio_interval([trials])
    assert low == pytest.approx(1.25)
    assert 1000 < high < math.inf


@pytest.mark.parametrize(("n", "photos"), [(8, 1), (4, 3)])
@pytest.mark.parametrize("draw", DISTRIBUTIONS)
def test_intervals_hold_the_true_ratio(draw: Draw, n: int, photos: int) -> None:
    """Of 100 samples, about 95 % of the intervals do, whatever the noise looks like."""
    assert _coverage(draw, n, photos, 100) >= 0.9


@pytest.mark.slow
@pytest.mark.parametrize(
    ("draw", "n", "photos"),
    [(_lognormal, 9, 1), (_exponential, 8, 1), (_two_modes, 20, 1), (_strays, 3, 3)],
)
def test_intervals_hold_the_true_ratio_of_many_samples(draw: Draw, n: int, photos: int) -> None:
    """The same over 1000 samples, which tell 93 % from 95 %."""
    assert _coverage(draw, n, photos, 1000) >= 0.93


def test_nothing_differs_from_itself() -> None:
    """Neither values that are all alike nor a stage that never ran speak against chance."""
    assert chance_z([np.ones((5, 2))]) == 0
    assert chance_z([np.zeros((5, 2)), np.ones((5, 2))]) == 0


def test_pairs_that_all_say_the_same_count_by_the_root_of_their_number() -> None:
    """Ten steps of one size are ten over the root of ten, however much the blocks differ."""
    drift = np.geomspace(1, 10, 10)[:, None]
    assert chance_z([drift * (1.2, 1.0)]) == pytest.approx(math.sqrt(10))
    assert chance_z([drift * (1.0, 1.2)]) < 0


def _by_enumeration(pairs: Times) -> float:
    """Work out the standard deviations from every swap and every deal there is."""
    logs = np.log(pairs)
    steps = logs[:, 0] - logs[:, 1]
    limit = 1.4826 * np.median(np.abs(steps))
    steps = np.clip(steps, -limit, limit)
    swaps = [np.dot(signs, steps) for signs in itertools.product((-1, 1), repeat=len(steps))]
    scores = (logs - np.median(logs)).ravel()
    limit = 1.4826 * np.median(np.abs(scores))
    scores = np.clip(scores, -limit, limit)
    total, n = scores.sum(), len(pairs)
    deals = [2 * sum(hand) - total for hand in itertools.combinations(scores, n)]
    dealt = 2 * scores.reshape(-1, 2)[:, 0].sum() - total
    return max(float(steps.sum() / np.std(swaps)), float(dealt / np.std(deals)))


@pytest.mark.parametrize("seed", range(6))
def test_chance_is_that_of_all_swaps_and_of_all_deals(seed: int) -> None:
    """With six pairs there are 64 swaps and 924 deals; their scatter is the measure."""
    pairs = _strays(np.random.default_rng(seed), 6) * (1.1, 1.0)
    assert chance_z([pairs]) == pytest.approx(_by_enumeration(pairs))


def test_a_photo_counts_by_its_time() -> None:
    """Where a short photo and a long one differ in opposite ways, the long one has its way."""
    noise = _lognormal(np.random.default_rng(4), 10) ** 0.1
    short, long = noise * (1.0, 1.3), 100 * noise * (1.3, 1.0)
    assert chance_z([short, long]) > 2.5
    assert chance_z([100 * short, long / 100]) < -2.5


def test_one_stray_trial_does_not_hide_a_difference() -> None:
    """A trial that took ten times as long speaks no louder than any other."""
    pairs = np.exp(0.02 * np.random.default_rng(5).standard_normal((10, 2))) * (1.2, 1.0)
    pairs[3, 1] *= 10
    assert chance_z([pairs]) > 2.5
