"""Two settings timed side by side: how many times faster, how sure, and what more it takes.

"Faster" and "slower" are said only where three things hold:

- There are enough pairs: `MIN_PAIRS`, and `MIN_PAIRS_PER_PHOTO`.
- The 95 % interval of the ratio does not hold 1.
- The ratio is beyond `SMALLEST_DIFFERENCE`, and with that taken off, what is
  left would come up by chance in at most 1 % of all cases (a minimum-effect
  test: J. L. Hodges and E. L. Lehmann, JRSS B 16, 1954; `ratios.chance_z`).

So the same setting twice is called different in about 1 of 100 comparisons
where the times of a photo vary by a quarter, and hardly ever where they vary
less. That holds for one look, when all trials are in: whoever looks again after
each pair and stops at the first difference finds one in 1 to 7 of 100. Nothing
here runs anything or reads a clock.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from facecore.statistics.intervals import (
    Estimate,
    Interval,
    spread_within,
    wilson_interval,
)
from facecore.statistics.ratios import Times, chance_z, ratio_interval, typical_times
from facecore.wording import Text, counted

Verdict = Literal["faster", "slower", "no clear difference", "too few"]
Pair = tuple[float, float]
"""The baseline's and the variant's time of one photo in one block; 0 if it did not run."""

SMALLEST_DIFFERENCE = 0.03
"""How many times faster, less 1, does not count yet.

Two processes of the same setting differ for as long as they live, by the luck
of where their memory lies (T. Mytkowicz, A. Diwan, M. Hauswirth, P. F. Sweeney,
"Producing wrong data without doing anything obviously wrong!", ASPLOS 2009). No
number of trials averages that out. The medians of six processes were apart by
up to 1 % for a whole photo, 2 % for the detector, 3 % for decoding, which took
a millisecond.
"""
MIN_PAIRS = 5
"""With 4 pairs of a photo there are 70 ways to deal the trials to the sides; none is as rare
as 1 %. With 5 there are 252."""
MIN_PAIRS_PER_PHOTO = 3
"""With fewer, a photo's own trials do not tell how much its median varies."""
NOISY_SPREAD = 0.15
_RARE_Z = 2.3263478740408408
"""The 99th percentile of the normal distribution."""
_LIKELY_Z = _RARE_Z + 0.8416212335729143
"""What to aim at, so that 4 of 5 cases come out above `_RARE_Z`."""
_EDGE = math.log1p(SMALLEST_DIFFERENCE)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeComparison:
    """What can be said of a variant's time against the baseline's.

    Attributes:
        n_pairs: pairs that were compared; a photo where neither side ran has none.
        ratio: the baseline's typical time over the variant's: how many times as fast
            it is, below 1 where it is slower; None where a side's typical time is 0 or
            there is no pair.
        interval: 95 % interval of the ratio of the two processes that were timed;
            what `SMALLEST_DIFFERENCE` is about comes on top. None where the ratio
            is, and for too few pairs.
        probability_faster: part of the pairs in which the variant was faster, a
            tie being half, with Wilson's interval.
        verdict: for its rules see `facecore.statistics.comparison`.
        words: the verdict with its figures, for people.
        warnings: a sentence for each reason to doubt the figures.
        more_trials: how many more pairs, over all photos, would settle it; None
            where it is settled, or no number would settle it.
        advice: a sentence on what more trials would bring; None where nothing
            is open.
    """

    n_pairs: int
    ratio: float | None
    interval: Interval | None
    probability_faster: Estimate
    verdict: Verdict
    words: str
    warnings: tuple[str, ...] = ()
    more_trials: int | None = None
    advice: str | None = None


def compare_times(pairs_by_photo: Mapping[str, Sequence[Pair]]) -> TimeComparison:
    """Compare two settings by trials that were run in pairs.

    Args:
        pairs_by_photo: by photo, the baseline's and the variant's time in each
            block, in any unit that is the same everywhere. 0 is a stage that
            did not run; photos where it ran on neither side do not count.

    Raises:
        ValueError: a time is below 0 or not finite, or a pair is not two numbers.
    """
    photos = [_checked(pairs) for pairs in pairs_by_photo.values() if len(pairs)]
    ran = [pairs for pairs in photos if pairs.any()]
    if photos and not ran:
        words = Text("nothing to compare: it ran on neither side")
        return _comparison(ran, "no clear difference", words)
    enough = [pairs for pairs in ran if len(pairs) >= MIN_PAIRS_PER_PHOTO]
    if sum(map(len, enough)) < MIN_PAIRS:
        return _too_few(ran)
    left_out = len(ran) - len(enough)
    warnings = _noise_warnings(enough)
    if left_out:
        warnings += (
            Text(
                "{left_out} of {all} photos have fewer than {least} pairs and are left out.",
                left_out=left_out,
                all=len(ran),
                least=MIN_PAIRS_PER_PHOTO,
            ),
        )
    if 0 in typical_times(enough):
        return _one_sided(enough, warnings)
    return _compared(enough, warnings)


def _checked(pairs: Sequence[Pair]) -> Times:
    times = np.asarray(pairs, dtype=np.float64)
    if times.ndim != 2 or times.shape[1] != 2:
        raise ValueError("each trial must be a pair: the baseline's time and the variant's")
    if not np.isfinite(times).all() or (times < 0).any():
        raise ValueError("a time is below 0 or not a finite number")
    return times


def _comparison(
    photos: Sequence[Times], verdict: Verdict, words: str, **more: Any
) -> TimeComparison:
    pairs = np.concatenate(photos) if photos else np.zeros((0, 2))
    n = len(pairs)
    wins = float((pairs[:, 0] > pairs[:, 1]).sum() + (pairs[:, 0] == pairs[:, 1]).sum() / 2)
    share = Estimate(wins / n if n else None, wilson_interval(wins, n), n)
    figures: dict[str, Any] = {"ratio": None, "interval": None} | more
    return TimeComparison(
        n_pairs=n, probability_faster=share, verdict=verdict, words=words, **figures
    )


def _too_few(photos: Sequence[Times]) -> TimeComparison:
    n = sum(map(len, photos))
    wanted = sum(max(0, MIN_PAIRS_PER_PHOTO - len(pairs)) for pairs in photos)
    more = max(wanted, MIN_PAIRS - n)
    baseline, variant = typical_times(photos) if photos else (0.0, 0.0)
    words = Text("too few trials to say ({pairs})", pairs=counted(n, "pair"))
    if len(photos) > 1:
        words = Text(
            "too few trials to say ({pairs} in {photos} photos)",
            pairs=counted(n, "pair"),
            photos=len(photos),
        )
    return _comparison(
        photos,
        "too few",
        words,
        ratio=baseline / variant if baseline and variant else None,
        more_trials=more,
        advice=Text(
            "Run at least {pairs}: a verdict needs {each} of each photo and {all} in all.",
            pairs=counted(more, "more pair"),
            each=MIN_PAIRS_PER_PHOTO,
            all=MIN_PAIRS,
        ),
    )


def _one_sided(photos: Sequence[Times], warnings: tuple[str, ...]) -> TimeComparison:
    """Return what there is to say where a stage takes no time on one side, so there is no ratio."""
    baseline, variant = typical_times(photos)
    if baseline and _chance_z_beyond_edge(photos, 1) >= _RARE_Z:
        words = Text("faster: the variant does not run it, or seldom")
        return _comparison(photos, "faster", words, warnings=warnings)
    if variant and _chance_z_beyond_edge(photos, -1) >= _RARE_Z:
        words = Text("slower: the baseline does not run it, or seldom")
        return _comparison(photos, "slower", words, warnings=warnings)
    words = Text("no clear difference: it runs now and then")
    return _comparison(photos, "no clear difference", words, warnings=warnings)


def _compared(photos: Sequence[Times], warnings: tuple[str, ...]) -> TimeComparison:
    baseline, variant = typical_times(photos)
    ratio, (low, high) = baseline / variant, ratio_interval(photos)
    figures = {"ratio": ratio, "interval": (low, high), "warnings": warnings}
    z = _chance_z_beyond_edge(photos, 1 if ratio > 1 else -1)
    counts = abs(math.log(ratio)) > _EDGE and z >= _RARE_Z
    around = Text("({interval})", interval=interval_in_words((low, high)))
    if counts and low > 1:
        words = Text("{ratio} faster {around}", ratio=ratio_in_words(ratio), around=around)
        return _comparison(photos, "faster", words, **figures)
    if counts and high < 1:
        words = Text("slower: {ratio} as fast {around}", ratio=ratio_in_words(ratio), around=around)
        return _comparison(photos, "slower", words, **figures)
    words = Text("no clear difference {around}", around=around)
    more, advice = _what_would_settle(photos, ratio, (low, high), z)
    return _comparison(
        photos, "no clear difference", words, more_trials=more, advice=advice, **figures
    )


def _chance_z_beyond_edge(photos: Sequence[Times], direction: Literal[1, -1]) -> float:
    """Test for a variant that is faster (1) or slower (-1) by more than does not count."""
    return chance_z([pairs[:, ::direction] / (1 + SMALLEST_DIFFERENCE, 1) for pairs in photos])


def _what_would_settle(
    photos: Sequence[Times], ratio: float, interval: Interval, z: float
) -> tuple[int | None, str]:
    """Return how many more pairs it takes, as what is unsure falls with the root of their number.

    There are two ways to an end: to show the difference that was measured, if
    it is real, or to have an interval so narrow that there is none that counts.
    """
    low, high = (math.log(end) for end in interval)
    least = f"{100 * SMALLEST_DIFFERENCE:.0f} %"
    if low >= -_EDGE and high <= _EDGE:
        return None, Text("Settled: if there is a difference, it is below {least}.", least=least)
    measured, half_width = abs(math.log(ratio)), (high - low) / 2
    growth = (2 * half_width / _EDGE) ** 2
    sense = Text("would tell whether there is a difference of {least} or more.", least=least)
    if z > 0 and measured > _EDGE:
        to_show = max(_LIKELY_Z / z, _LIKELY_Z / _RARE_Z * half_width / measured) ** 2
        if to_show < growth:
            growth = to_show
            named = {"ratio": ratio_in_words(ratio)}
            sense = Text(
                "would probably settle it, if the variant really is {ratio} faster.", **named
            )
            if ratio <= 1:
                sense = Text(
                    "would probably settle it, if the variant really is {ratio} as fast.", **named
                )
    repeats = sum(map(len, photos)) * (growth - 1) / len(photos)
    if repeats <= 0:
        return None, Text(
            "The difference is so near {least} that more pairs hardly help.", least=least
        )
    # It is no better known than to two digits.
    step = 10 ** max(0, math.floor(math.log10(repeats)) - 1)
    more = len(photos) * step * math.ceil(repeats / step)
    return more, Text("About {pairs} {sense}", pairs=counted(more, "more pair"), sense=sense)


def _noise_warnings(photos: Sequence[Times]) -> tuple[str, ...]:
    names, warnings = ("baseline", "variant"), []
    for side, name in enumerate(names):
        spread = spread_within([pairs[:, side].tolist() for pairs in photos])
        if spread is not None and spread > NOISY_SPREAD:
            warnings.append(
                Text(
                    "The {side}'s times of the same photo vary by {percent:.0f} % (middle "
                    "half): something else keeps the machine busy, or the trials are too "
                    "short.",
                    side=Text(name),
                    percent=100 * spread,
                )
            )
    return tuple(warnings)


def ratio_in_words(ratio: float) -> str:
    """Return a ratio as it is written everywhere: "1.52×", below 1 where the variant is slower."""
    return f"{ratio:.2f}×" if ratio < 10 else f"{ratio:.0f}×"


def interval_in_words(interval: Interval) -> Text:
    """Return an interval of ratios: "1.40× to 1.60×"."""
    low, high = map(ratio_in_words, interval)
    return Text("{low} to {high}", low=low, high=high)
