"""What to do after a comparison, in one sentence: only what intervals and agreement bear out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from facecore.statistics.agreement import Agreement
from facecore.statistics.comparison import TimeComparison, interval_in_words, ratio_in_words
from facecore.statistics.intervals import binomial_tail
from facecore.wording import counted

LITTLE_TO_GAIN = 1.1
"""Where more can be excluded, the baseline is kept without a reserve; a choice of ours."""

MANY_FACES = 30
"""So many answered the same, others hardly differ in one of ten (the rule of three, at 95 %)."""

_RARE = 0.05
"""What a difference of right answers may be by chance, both ways, to be told of."""

IsFaster = Callable[[int, int], bool]
"""Whether the verdict calls the variant at the first place faster than that at the second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """A variant beside the baseline.

    Attributes:
        name: for people.
        place: among all variants.
        times: against the baseline's.
        answers: against the baseline's.
        judged: by what is asked, how many labelled people it alone gets right, and how many the
            baseline alone; empty without labels.
    """

    name: str
    place: int
    times: TimeComparison
    answers: Agreement
    judged: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def speed(self) -> str:
        """Its ratio with the interval: "1.52× faster (1.40× to 1.60×)"."""
        return self.times.words

    @property
    def answers_the_same(self) -> bool:
        """Whether it read every photo that the baseline did, with the same answers."""
        one = self.answers
        return bool(one.photos) and not (one.events or one.only_baseline or one.only_variant)

    @property
    def is_right_more_often(self) -> bool:
        """Whether the labels clearly speak for it in something, and in nothing against it."""
        clear = [gained - lost for gained, lost in self.judged.values() if _is_clear(gained, lost)]
        return bool(clear) and min(clear) > 0


def advice(rivals: Sequence[Rival], is_faster: IsFaster) -> str:
    """Return what to do, as one sentence.

    Args:
        rivals: all but the baseline.
        is_faster: compares rivals with each other by their places.
    """
    judged = [one for one in rivals if one.times.interval is not None]
    if not judged:
        pairs = max((one.times.n_pairs for one in rivals), default=0)
        if not pairs:
            return "Nothing can be advised: no variant was measured beside the baseline."
        return f"Measure more before you choose: {counted(pairs, 'pair')} cannot tell them apart."
    faster = [one for one in judged if one.times.verdict == "faster"]
    better = [one for one in faster if one.is_right_more_often]
    if better:
        best = max(better, key=_ratio)
        return f"Take {best.name}: {best.speed}, with other answers{_by_labels([best])}."
    same = [one for one in faster if one.answers_the_same]
    if same:
        return _take(same, faster, is_faster)
    if faster:
        best = max(faster, key=_ratio)
        return (
            f"Keep the baseline, unless other answers will do: {best.name} is {best.speed}, but "
            f"answers differ: {best.answers.words}{_by_labels([best])}."
        )
    return _keep(judged, len(judged) < len(rivals))


def best_places(shares_same: Sequence[float], is_faster: IsFaster) -> tuple[int, ...]:
    """Pick the variants that no other beats and that can be told apart, by their places.

    One beats another that is not faster than it by the verdict, and agrees no more with the
    baseline, where it is faster itself or agrees more. Of several unbeaten ones that the
    verdict cannot tell apart, none is picked.

    Args:
        shares_same: of each, the part of the answers that are the baseline's, 0 to 1.
        is_faster: compares two by their places.
    """
    places = range(len(shares_same))

    def beats(one: int, other: int) -> bool:
        gain = shares_same[one] - shares_same[other]
        return gain >= 0 and not is_faster(other, one) and (gain > 0 or is_faster(one, other))

    unbeaten = [one for one in places if not any(beats(other, one) for other in places)]
    return tuple(
        one
        for one in unbeaten
        if all(is_faster(one, two) or is_faster(two, one) for two in unbeaten if two != one)
    )


def _take(same: Sequence[Rival], faster: Sequence[Rival], is_faster: IsFaster) -> str:
    best = max(same, key=_ratio)
    faces = best.answers.matched
    few = " (few to go by)" if faces < MANY_FACES else ""
    answers = f"for {counted(faces, 'face')}{few}" if faces else "as no photo has a face"
    sentence = f"Take {best.name}: {best.speed} with the same answers {answers}"
    ties = [one.name for one in same if one is not best and not is_faster(best.place, one.place)]
    if ties:
        sentence += f"; {', '.join(ties)} cannot be told apart from it"
    other = max((one for one in faster if one not in same), key=_ratio, default=None)
    if other is not None and is_faster(other.place, best.place):
        sentence += f"; {other.name} is faster still, but {other.answers.words}"
    return f"{sentence}."


def _keep(judged: Sequence[Rival], some_open: bool) -> str:
    unclear = [one for one in judged if one.times.verdict != "slower"]
    first = max(unclear or judged, key=_highest)
    if not unclear:
        who = first.name if len(judged) == 1 else f"all others are slower, {first.name} the least"
        link = " is " if len(judged) == 1 else ": "
        sentence = f"Keep the baseline: {who}{link}{first.speed.removeprefix('slower: ')}"
    elif _highest(first) <= LITTLE_TO_GAIN:
        sentence = (
            f"Keep the baseline: nothing is clearly faster, and more than "
            f"{ratio_in_words(_highest(first))}, with {first.name}, can be excluded"
        )
    else:
        sentence = (
            f"Keep the baseline for now: {first.name} may be anything from "
            f"{interval_in_words(first.times.interval or (1, 1))} as fast"
        )
        if first.times.more_trials:
            pairs = counted(first.times.more_trials, "more pair")
            sentence += f", and about {pairs} would tell"
    if any(one.answers.events for one in judged):
        sentence = sentence.replace("Keep the baseline", "Keep the baseline for its speed", 1)
        sentence += _by_labels(judged) or "; whose answers are better, labels would tell"
    if some_open:
        sentence += "; not every variant has enough pairs for a verdict"
    return f"{sentence}."


def _by_labels(rivals: Sequence[Rival]) -> str:
    """Continue a sentence with what labels say of the answers; "" where there are none."""
    found = []
    for one in rivals:
        for asked, (gained, lost) in one.judged.items():
            if _is_clear(gained, lost):
                more, count = ("more", gained) if gained > lost else ("less", lost)
                found.append(
                    f"{one.name} is {more} often right about the {asked} ({count} to "
                    f"{gained + lost - count} of those whom only one of the two gets right)"
                )
    if found:
        return f"; by the labels {', '.join(found)}"
    if any(one.judged for one in rivals):
        return "; by the labels nobody is clearly more often right"
    return ""


def _is_clear(gained: int, lost: int) -> bool:
    # The sign test (McNemar's, exact): of those whom only one of the two gets right.
    return 2 * binomial_tail(max(gained, lost), gained + lost) <= _RARE


def _ratio(one: Rival) -> float:
    return one.times.ratio or 0.0


def _highest(one: Rival) -> float:
    return one.times.interval[1] if one.times.interval else 0.0
