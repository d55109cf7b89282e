"""Intervals and estimates, by hand-computed and by published values."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from facecore.statistics.intervals import (
    Estimate,
    Proportion,
    TimeSummary,
    bootstrap_interval,
    mean_estimate,
    percentile,
    percentile_estimate,
    percentile_interval,
    summarise_times,
    wilson_interval,
)


def test_share_of_nothing_has_no_interval() -> None:
    """Where nothing was counted, nothing is known."""
    assert wilson_interval(0, 0) is None


@pytest.mark.parametrize(
    ("successes", "n", "expected"),
    [
        pytest.param(0, 10, (0.0, 3.841459 / 13.841459), id="none, by hand"),
        pytest.param(10, 10, (10 / 13.841459, 1.0), id="all, by hand"),
        pytest.param(5, 10, (0.23659, 0.76341), id="half, by hand"),
        # R. G. Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
        pytest.param(81, 263, (0.2553, 0.3662), id="published, 81 of 263"),
        pytest.param(15, 148, (0.0624, 0.1605), id="published, 15 of 148"),
        pytest.param(0, 20, (0.0, 0.1611), id="published, 0 of 20"),
        pytest.param(1, 29, (0.0061, 0.1718), id="published, 1 of 29"),
    ],
)
def test_wilson_intervals(successes: int, n: int, expected: tuple[float, float]) -> None:
    """The score interval is Wilson's."""
    assert wilson_interval(successes, n) == pytest.approx(expected, abs=6e-5)


@pytest.mark.parametrize("n", [1, 2, 7, 1000, 10**7])
def test_wilson_intervals_stay_within_0_and_1_and_hold_their_share(n: int) -> None:
    """Rounding never pushes an end over the edge, or the share out of its interval."""
    for successes in {0, 1, n // 2, n - 1, n}:
        interval = wilson_interval(successes, n)
        assert interval is not None
        assert 0 <= interval[0] <= successes / n <= interval[1] <= 1


@pytest.mark.parametrize(("successes", "n"), [(1, 0), (-1, 5), (6, 5), (0, -1)])
def test_impossible_shares_are_refused(successes: int, n: int) -> None:
    """More successes than tries are a mistake of the caller's."""
    with pytest.raises(ValueError, match="is no share"):
        wilson_interval(successes, n)
    with pytest.raises(ValueError, match="is no share"):
        Proportion(successes, n)


def test_proportion_knows_value_interval_and_counts() -> None:
    """A share of nothing is None; any other is a plain quotient with Wilson's interval."""
    nothing = Proportion(0, 0)
    assert (nothing.value, nothing.interval) == (None, None)
    half = Proportion(5, 10)
    assert half.value == 0.5
    assert half.interval == wilson_interval(5, 10)
    assert half.interval == pytest.approx((0.23659, 0.76341), abs=1e-5)


@pytest.mark.parametrize("values", [[], [3.0], [3.0, 3.0, 3.0]], ids=["none", "one", "all alike"])
def test_mean_of_values_that_do_not_vary_has_no_interval(values: list[float]) -> None:
    """What does not vary does not tell how far off its mean may be."""
    assert mean_estimate(values).interval is None


def test_mean_interval_is_that_of_the_bootstrap() -> None:
    """For a hundred zeros and ones it is about 1.96 standard errors on each side."""
    interval = mean_estimate([0.0, 1.0] * 50).interval
    assert interval is not None
    assert interval == pytest.approx((0.402, 0.598), abs=0.015)
    assert mean_estimate([0.0, 1.0] * 50).interval == interval


def test_mean_interval_never_leaves_the_values() -> None:
    """Counts have no negative end, however few there are."""
    interval = mean_estimate([0.0, 0.0, 0.0, 9.0]).interval
    assert interval is not None
    assert 0 <= interval[0] < 2.25 < interval[1] <= 9


@pytest.mark.slow
def test_mean_intervals_hold_the_true_mean_about_as_often_as_they_say() -> None:
    """Of 100 samples of 40 values, about 95 % of the intervals hold what they were drawn around."""
    generator = np.random.default_rng(3)
    held = 0
    for _ in range(100):
        interval = mean_estimate(generator.normal(7.0, 2.0, size=40).tolist()).interval
        assert interval is not None
        held += interval[0] <= 7.0 <= interval[1]
    assert 90 <= held <= 99


def test_bootstrap_leaves_out_draws_without_a_value() -> None:
    """A draw for which there is no answer counts neither as low nor as high."""

    def only_with_the_first(drawn: NDArray[np.int64]) -> float | None:
        assert drawn.shape == (5,)
        assert drawn.sum() == 5
        return float(drawn[0]) if drawn[0] else None

    interval = bootstrap_interval(only_with_the_first, 5)
    assert interval is not None
    assert interval[0] == 1
    assert bootstrap_interval(lambda _: None, 5) is None


@pytest.mark.parametrize(
    ("count", "percent", "expected"),
    [
        pytest.param(0, 50, None, id="no values"),
        pytest.param(1, 50, None, id="one value"),
        # Both ends of five values hold the median in 1 - 2 / 32 of all samples: 94 %.
        pytest.param(5, 50, None, id="too few for a median"),
        pytest.param(6, 50, (1, 6), id="just enough"),
        # The sign test's intervals for nine and for twenty values.
        pytest.param(9, 50, (2, 8), id="median of nine"),
        pytest.param(20, 50, (6, 15), id="median of twenty"),
        # 0.9 ** 35 is 2.503 %, 0.9 ** 36 is 2.25 %.
        pytest.param(35, 90, None, id="too few for the 90th"),
        pytest.param(36, 90, (29, 36), id="just enough for the 90th"),
        # P(at most 83) = 2.06 %, P(at most 84) = 3.99 %, P(at most 95) = 97.6 %.
        pytest.param(100, 90, (84, 96), id="90th of a hundred"),
    ],
)
def test_percentile_intervals(
    count: int, percent: float, expected: tuple[float, float] | None
) -> None:
    """The ends are two of the values, picked by their places."""
    values = [float(value) for value in range(count, 0, -1)]
    assert percentile_interval(values, percent) == expected


def test_mean_estimate_of_nothing_one_and_many() -> None:
    """No values give no mean, one gives no interval, many give both."""
    assert mean_estimate([]) == Estimate(None, None, 0)
    assert mean_estimate([4.0]) == Estimate(4.0, None, 1)
    many = mean_estimate([1.0, 2.0, 6.0])
    assert (many.value, many.n) == (3.0, 3)
    assert many.interval is not None


def test_percentile_estimate_of_nothing_and_of_many() -> None:
    """Without values there is no percentile; with nine the median has an interval."""
    assert percentile_estimate([], 50) == Estimate(None, None, 0)
    nine = percentile_estimate([float(value) for value in range(1, 10)], 50)
    assert nine == Estimate(5.0, (2.0, 8.0), 9)


def test_no_times_have_no_summary() -> None:
    """Where nothing was timed, nothing is known; a photo without times is no photo."""
    nothing = TimeSummary(
        n=0,
        typical_ms=None,
        median_ms=None,
        p90_ms=None,
        p95_ms=None,
        spread=None,
    )
    assert summarise_times({}) == summarise_times({"a.jpg": []}) == nothing
    assert summarise_times({"a.jpg": [], "b.jpg": [4.0]}).typical_ms == 4.0


def test_typical_is_the_median_of_one_photo_and_the_mean_of_several_photos_medians() -> None:
    """A photo with more trials than others counts no more than they do."""
    one = summarise_times({"a.jpg": [5.0, 1.0, 3.0]})
    assert one.typical_ms == one.median_ms == 3.0
    two = summarise_times({"a.jpg": [1.0, 3.0, 5.0], "b.jpg": [10.0]})
    assert (two.n, two.typical_ms, two.median_ms) == (4, 6.5, 4.0)


@pytest.mark.parametrize(
    ("n", "p90", "p95"), [(9, None, None), (10, 9.1, None), (19, 17.2, None), (20, 18.1, 19.05)]
)
def test_percentiles_need_values_beyond_them(n: int, p90: float | None, p95: float | None) -> None:
    """Ten values for the 90th, twenty for the 95th."""
    summary = summarise_times({"a.jpg": [float(value) for value in range(1, n + 1)]})
    assert summary.p90_ms == (None if p90 is None else pytest.approx(p90))
    assert summary.p95_ms == (None if p95 is None else pytest.approx(p95))


def test_spread_is_that_within_photos() -> None:
    """Photos that differ do not spread; a photo with three values or of no time says nothing."""
    assert summarise_times({"a.jpg": [1.0, 2.0, 3.0]}).spread is None
    assert summarise_times({"a.jpg": [0.0] * 5}).spread is None
    assert summarise_times({"a.jpg": [1.0] * 5, "b.jpg": [100.0] * 5}).spread == 0
    one = [8.0, 9.0, 10.0, 11.0, 12.0]  # quartiles 9 and 11
    assert summarise_times({"a.jpg": one}).spread == pytest.approx(0.2)
    assert summarise_times({"a.jpg": one, "b.jpg": [7.0] * 4}).spread == pytest.approx(0.1)


@pytest.mark.parametrize("percent", [0.5, 50, 90, 95])
def test_percentile_of_nothing_is_none(percent: float) -> None:
    """No values, no percentile."""
    assert percentile([], percent) is None


@pytest.mark.parametrize(("percent", "needed"), [(50, 2), (90, 10), (95, 20), (99, 100)])
def test_percentile_needs_a_value_beyond_it(percent: float, needed: int) -> None:
    """One value fewer than the stated number says nothing, the stated number does."""
    values = [float(value) for value in range(needed)]
    assert percentile(values[1:], percent) is None
    assert percentile(values, percent) == pytest.approx((needed - 1) * percent / 100)


@pytest.mark.parametrize("percent", [1, 25, 50, 62.5, 90, 95])
@pytest.mark.parametrize("count", [20, 21, 64])
def test_percentile_is_numpys(percent: float, count: int) -> None:
    """Linear interpolation gives what numpy gives, from values in any order."""
    values = tuple(np.random.default_rng(count).lognormal(3, 1, count).tolist())
    assert percentile(values, percent) == pytest.approx(float(np.percentile(values, percent)))
