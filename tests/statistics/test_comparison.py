"""What is said of two settings' times: the words, and how often they are wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from facecore.statistics.comparison import MIN_PAIRS, Pair, TimeComparison, compare_times
from facecore.statistics.intervals import wilson_interval

STRAYS = 0.02


def _trials(
    generator: np.random.Generator,
    noise: float,
    shape: tuple[int, int],
    *,
    ratio: float = 1.0,
    luck: float = 0.0,
) -> dict[str, list[Pair]]:
    """Draw trials as a busy machine makes them.

    Log-normal noise on each trial, 2 % of them taking 1.5 to 2.5 times as long;
    a drift that both sides of a block share and that carries over from block to
    block; photos of different sizes; and one side that is ``luck`` slower
    throughout, as one process is than another of the same setting.
    """
    photos, repeats = shape
    times = np.exp(noise * generator.standard_normal((repeats, photos, 2)))
    stray = generator.random(times.shape) < STRAYS
    times *= np.where(stray, generator.uniform(1.5, 2.5, times.shape), 1.0)
    drift = np.empty(repeats * photos)
    level = generator.standard_normal()
    for block in range(len(drift)):
        drift[block] = level
        level = 0.9 * level + np.sqrt(1 - 0.9**2) * generator.standard_normal()
    times *= np.exp(0.05 * drift).reshape(repeats, photos, 1)
    times *= np.exp(generator.uniform(3, 5, (1, photos, 1)))
    times *= (ratio * np.exp(generator.choice([-luck, luck])), 1.0)
    return {f"{photo}.jpg": _pairs(times[:, photo]) for photo in range(photos)}


def _pairs(times: NDArray[np.float64]) -> list[Pair]:
    return [(float(baseline), float(variant)) for baseline, variant in times]


def _verdicts(
    experiments: int, noise: float, shape: tuple[int, int], *, ratio: float = 1.0, luck: float = 0.0
) -> Counter[str]:
    generator = np.random.default_rng(20150607)
    return Counter(
        compare_times(_trials(generator, noise, shape, ratio=ratio, luck=luck)).verdict
        for _ in range(experiments)
    )


def _steady(ratio: float, n: int) -> list[Pair]:
    """Return pairs that vary a little, with medians of exactly this ratio."""
    levels = np.linspace(0.99, 1.01, n)
    return [(10 * ratio * level, 10 * level) for level in levels.tolist()]


def test_without_pairs_there_is_nothing_to_say() -> None:
    """No photo, or none with a trial, is too few."""
    nothing: dict[str, list[Pair]] = {"a.jpg": []}
    for pairs_by_photo in ({}, nothing):
        compared = compare_times(pairs_by_photo)
        assert (compared.n_pairs, compared.ratio, compared.interval) == (0, None, None)
        assert compared.probability_faster.value is None
        assert (compared.verdict, compared.words) == (
            "too few",
            "too few trials to say (0 pairs)",
        )
        assert compared.more_trials == MIN_PAIRS


@pytest.mark.parametrize(
    ("pairs_by_photo", "words", "more"),
    [
        ({"a": [(2.0, 1.0)]}, "too few trials to say (1 pair)", 4),
        ({"a": [(2.0, 1.0)] * 4}, "too few trials to say (4 pairs)", 1),
        ({"a": [(2.0, 1.0)] * 4, "b": []}, "too few trials to say (4 pairs)", 1),
        ({"a": [(2.0, 1.0)] * 2, "b": [(2.0, 1.0)] * 2}, "(4 pairs in 2 photos)", 2),
        ({str(p): [(2.0, 1.0)] * 2 for p in range(9)}, "(18 pairs in 9 photos)", 9),
    ],
)
def test_too_few_pairs_give_a_ratio_but_no_verdict(
    pairs_by_photo: Mapping[str, Sequence[Pair]], words: str, more: int
) -> None:
    """Five pairs are needed in all, and three of each photo; what is missing is said."""
    compared = compare_times(pairs_by_photo)
    assert (compared.verdict, compared.ratio, compared.interval) == ("too few", 2.0, None)
    assert words in compared.words
    assert compared.more_trials == more
    assert compared.advice is not None
    assert compared.advice.startswith(f"Run at least {more} more pair")


def test_the_same_times_twice_are_no_difference_and_that_is_settled() -> None:
    """Identical values give a ratio of 1 exactly, and no wish for more trials."""
    compared = compare_times({"a.jpg": [(7.0, 7.0)] * 5, "b.jpg": [(70.0, 70.0)] * 8})
    assert (compared.ratio, compared.interval) == (1.0, (1.0, 1.0))
    assert (compared.n_pairs, compared.probability_faster.value) == (13, 0.5)
    assert compared.verdict == "no clear difference"
    assert compared.words == "no clear difference (1.00× to 1.00×)"
    assert (compared.more_trials, compared.warnings) == (None, ())
    assert compared.advice == "Settled: if there is a difference, it is below 3 %."


def test_clear_differences_are_worded_both_ways() -> None:
    """Faster or slower, it is the ratio of the figures that is told."""
    faster = compare_times({"a.jpg": _steady(1.34, 10)})
    assert faster.words == "1.34× faster (1.34× to 1.34×)"
    assert faster.verdict == "faster"
    assert faster.ratio == pytest.approx(1.34)
    assert (faster.more_trials, faster.advice) == (None, None)
    slower = compare_times({"a.jpg": _steady(1 / 1.22, 10)})
    assert slower.words == "slower: 0.82× as fast (0.82× to 0.82×)"
    assert slower.ratio == pytest.approx(1 / 1.22)


def test_words_have_the_ratio_and_the_interval_of_the_figures() -> None:
    """With noise, the words' three numbers are those of the figures, for what is slower as well."""
    trials = _trials(np.random.default_rng(2), 0.05, (1, 20), ratio=0.7)
    compared = compare_times(trials)
    assert compared.verdict == "slower"
    assert compared.ratio is not None
    assert compared.interval is not None
    low, high = compared.interval
    assert low < compared.ratio < high < 1
    assert compared.words == f"slower: {compared.ratio:.2f}× as fast ({low:.2f}× to {high:.2f}×)"


def test_large_ratios_are_told_without_decimals() -> None:
    """Nobody needs to know 31.06 from 31.07."""
    assert compare_times({"a.jpg": _steady(31.07, 10)}).words == "31× faster (31× to 31×)"


@pytest.mark.parametrize("ratio", [1.0299, 1 / 1.0299])
def test_what_two_processes_of_one_setting_may_differ_by_does_not_count(ratio: float) -> None:
    """However many trials agree on it, a difference of 3 % is none; one of 5 % is."""
    assert compare_times({"a.jpg": _steady(ratio, 200)}).verdict == "no clear difference"
    assert compare_times({"a.jpg": _steady(ratio**1.7, 200)}).verdict in {"faster", "slower"}


def test_several_photos_give_the_ratio_of_the_typical_times() -> None:
    """The sums of the medians count, not each photo's own ratio; numbers of pairs may differ."""
    compared = compare_times({"a.jpg": [(10.0, 20.0)] * 5, "b.jpg": [(90.0, 30.0)] * 8})
    assert compared.ratio == pytest.approx(100 / 50)
    assert compared.probability_faster.value == pytest.approx(8 / 13)
    assert compared.verdict == "faster"


def test_ties_are_half_a_win() -> None:
    """Two wins, one tie and two losses are a half of five, with Wilson's interval."""
    pairs = [(2.0, 1.0), (2.0, 1.0), (1.0, 1.0), (1.0, 2.0), (1.0, 2.0)]
    share = compare_times({"a.jpg": pairs}).probability_faster
    assert (share.value, share.n) == (0.5, 5)
    assert share.interval == wilson_interval(2.5, 5)


def test_a_stage_that_ran_on_neither_side_is_nothing_to_compare() -> None:
    """There is no ratio, and more trials would give none."""
    compared = compare_times({"a.jpg": [(0.0, 0.0)] * 10, "b.jpg": [(0.0, 0.0)]})
    assert (compared.n_pairs, compared.ratio, compared.interval) == (0, None, None)
    assert compared.verdict == "no clear difference"
    assert compared.words == "nothing to compare: it ran on neither side"
    assert compared.more_trials is None


def test_photos_where_a_stage_ran_on_neither_side_do_not_count() -> None:
    """A photo without a face takes no time to classify, whatever the setting."""
    with_faces = {"a.jpg": _steady(1.5, 8)}
    compared = compare_times(with_faces | {"empty.jpg": [(0.0, 0.0)] * 8})
    assert compared == compare_times(with_faces)


def test_a_stage_that_one_side_leaves_out_has_no_ratio() -> None:
    """It is faster without it, and slower with it."""
    off = compare_times({"a.jpg": [(5.0 + step / 10, 0.0) for step in range(8)]})
    assert (off.verdict, off.ratio, off.interval) == ("faster", None, None)
    assert off.words == "faster: the variant does not run it, or seldom"
    assert off.probability_faster.value == 1
    on = compare_times({"a.jpg": [(0.0, 5.0 + step / 10) for step in range(8)]})
    assert (on.verdict, on.ratio) == ("slower", None)
    assert on.words == "slower: the baseline does not run it, or seldom"


def test_a_stage_that_runs_now_and_then_on_one_side_is_no_clear_difference() -> None:
    """One trial in nine with a time does not make the others slow."""
    compared = compare_times({"a.jpg": [(0.0, 0.0)] * 8 + [(5.0, 0.0)]})
    assert (compared.verdict, compared.ratio) == ("no clear difference", None)
    assert compared.words == "no clear difference: it runs now and then"


def test_a_face_that_one_side_lost_in_one_photo_leaves_a_ratio() -> None:
    """Then that photo adds nothing to this side's typical time."""
    compared = compare_times({"a.jpg": _steady(1.0, 8), "b.jpg": [(10.0, 0.0)] * 8})
    assert compared.ratio == pytest.approx(2)
    assert compared.interval is not None


def test_photos_with_too_few_pairs_are_left_out_and_named() -> None:
    """An experiment that was stopped half way has them."""
    whole = {"a.jpg": _steady(1.5, 8)}
    compared = compare_times(whole | {"b.jpg": [(9.0, 1.0)] * 2})
    assert compared.n_pairs == 8
    assert compared.ratio == pytest.approx(1.5)
    assert compared.warnings == ("1 of 2 photos have fewer than 3 pairs and are left out.",)


def test_noise_is_said() -> None:
    """Each side whose times of a photo vary by more than 15 % has a sentence with the figure."""
    noisy = [(10.0 + 2 * (step % 5), 10.0 + step % 2 / 100) for step in range(10)]
    (warning,) = compare_times({"a.jpg": noisy}).warnings
    assert "baseline's times of the same photo vary by 29 %" in warning
    turned = [(variant, baseline) for baseline, variant in noisy]
    (warning,) = compare_times({"a.jpg": turned}).warnings
    assert "variant's times" in warning


@pytest.mark.parametrize(
    "pairs", [[(1.0, -1.0)], [(float("nan"), 1.0)], [(1.0, float("inf"))], [(1.0,)], [1.0, 2.0]]
)
def test_impossible_times_are_refused(pairs: list[Pair]) -> None:
    """A time below 0, or none at all, is a mistake of the caller's."""
    with pytest.raises(ValueError, match="time"):
        compare_times({"a.jpg": pairs})


def test_comparison_is_the_same_each_time() -> None:
    """The same trials give the same figures."""
    trials = _trials(np.random.default_rng(1), 0.3, (2, 6))
    compared = compare_times(trials)
    assert compared == compare_times(trials)
    assert len(compared.warnings) == 2


@pytest.mark.parametrize("noise", [0.05, 0.2])
def test_the_same_setting_twice_is_no_clear_difference(noise: float) -> None:
    """Of 100 experiments with 10 pairs and an unlucky process, at most 2 % say otherwise."""
    verdicts = _verdicts(100, noise, (1, 10), luck=0.0125)
    assert verdicts["no clear difference"] >= 98


@pytest.mark.parametrize(("ratio", "noise", "least"), [(1.15, 0.05, 90), (1.5, 0.2, 80)])
def test_real_differences_are_found(ratio: float, noise: float, least: int) -> None:
    """Of 100 experiments with 10 pairs nearly all find them, and none says the opposite."""
    verdicts = _verdicts(100, noise, (1, 10), ratio=ratio)
    assert verdicts["faster"] >= least
    assert verdicts["slower"] == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("noise", "shape"),
    [
        (0.2, (1, 5)),
        (0.05, (1, 8)),
        (0.01, (1, 20)),
        (0.05, (1, 50)),
        (0.2, (3, 3)),
        (0.1, (10, 5)),
    ],
)
def test_the_same_setting_twice_is_no_clear_difference_whatever_the_numbers(
    noise: float, shape: tuple[int, int]
) -> None:
    """Of 400 experiments at most 2 % say otherwise, with few pairs or many, one photo or ten."""
    verdicts = _verdicts(400, noise, shape, luck=0.015)
    assert verdicts["no clear difference"] >= 392


def _undecided(generator: np.random.Generator, ratio: float) -> TimeComparison:
    while True:
        compared = compare_times(_trials(generator, 0.08, (1, 6), ratio=ratio))
        if compared.advice and "probably" in compared.advice:
            return compared


@pytest.mark.slow
def test_as_many_more_pairs_as_advised_settle_it_as_a_rule() -> None:
    """If the ratio that was measured is the true one, the advice holds in most cases."""
    generator = np.random.default_rng(9)
    settled = 0
    for _ in range(60):
        first = _undecided(generator, 1.12)
        assert first.more_trials is not None
        assert first.ratio is not None
        shape = (1, first.n_pairs + first.more_trials)
        settled += compare_times(_trials(generator, 0.08, shape, ratio=first.ratio)).verdict == (
            "faster" if first.ratio > 1 else "slower"
        )
    assert settled >= 42


@pytest.mark.slow
def test_as_many_more_pairs_as_advised_tell_that_there_is_no_difference() -> None:
    """Where nothing was seen, the advised number narrows the interval to what does not count."""
    generator = np.random.default_rng(3)
    settled = tried = 0
    while tried < 40:
        first = compare_times(_trials(generator, 0.05, (2, 5)))
        if first.more_trials is None or first.advice is None or "probably" in first.advice:
            continue
        assert "would tell whether there is a difference of 3 % or more" in first.advice
        tried += 1
        shape = (2, (first.n_pairs + first.more_trials) // 2)
        settled += compare_times(_trials(generator, 0.05, shape)).more_trials is None
    assert settled >= 32
