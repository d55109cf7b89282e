"""What to do after a comparison, in one sentence: only what intervals and agreement bear out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from facecore.statistics.agreement import Agreement
from facecore.statistics.comparison import TimeComparison, interval_in_words, ratio_in_words
from facecore.statistics.intervals import binomial_tail
from facecore.wording import Text, counted, listed

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
            return Text("Nothing can be advised: no variant was measured beside the baseline.")
        return Text(
            "Measure more before you choose: {pairs} cannot tell them apart.",
            pairs=counted(pairs, "pair"),
        )
    faster = [one for one in judged if one.times.verdict == "faster"]
    better = [one for one in faster if one.is_right_more_often]
    if better:
        best = max(better, key=_ratio)
        return Text(
            "Take {name}: {speed}, with other answers{labels}.",
            name=best.name,
            speed=best.speed,
            labels=_by_labels([best]),
        )
    same = [one for one in faster if one.answers_the_same]
    if same:
        return _take(same, faster, is_faster)
    if faster:
        best = max(faster, key=_ratio)
        return Text(
            "Keep the baseline, unless other answers will do: {name} is {speed}, but "
            "answers differ: {answers}{labels}.",
            name=best.name,
            speed=best.speed,
            answers=best.answers.words,
            labels=_by_labels([best]),
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
    named = {"name": best.name, "speed": best.speed, "faces": counted(faces, "face")}
    sentence = Text("Take {name}: {speed} with the same answers for {faces}", **named)
    if not faces:
        sentence = Text(
            "Take {name}: {speed} with the same answers as no photo has a face", **named
        )
    elif faces < MANY_FACES:
        sentence += Text(" (few to go by)")
    ties = [one.name for one in same if one is not best and not is_faster(best.place, one.place)]
    if ties:
        sentence += Text("; {names} cannot be told apart from it", names=", ".join(ties))
    other = max((one for one in faster if one not in same), key=_ratio, default=None)
    if other is not None and is_faster(other.place, best.place):
        sentence += Text(
            "; {name} is faster still, but {answers}", name=other.name, answers=other.answers.words
        )
    return sentence + Text(".")


def _keep(judged: Sequence[Rival], some_open: bool) -> Text:
    is_for_speed = any(one.answers.events for one in judged)
    keep = Text("Keep the baseline for its speed") if is_for_speed else Text("Keep the baseline")
    sentence = _why_to_keep(judged, keep)
    if is_for_speed:
        sentence += _by_labels(judged) or Text("; whose answers are better, labels would tell")
    if some_open:
        sentence += Text("; not every variant has enough pairs for a verdict")
    return sentence + Text(".")


def _why_to_keep(judged: Sequence[Rival], keep: Text) -> Text:
    unclear = [one for one in judged if one.times.verdict != "slower"]
    first = max(unclear or judged, key=_highest)
    named = {"keep": keep, "name": first.name}
    if not unclear:
        if len(judged) == 1:
            return Text("{keep}: {name} is {speed}", speed=_how_slow(first), **named)
        return Text(
            "{keep}: all others are slower, {name} the least: {speed}",
            speed=_how_slow(first),
            **named,
        )
    if _highest(first) <= LITTLE_TO_GAIN:
        return Text(
            "{keep}: nothing is clearly faster, and more than {ratio}, with {name}, can be "
            "excluded",
            ratio=ratio_in_words(_highest(first)),
            **named,
        )
    sentence = Text(
        "{keep} for now: {name} may be anything from {interval} as fast",
        interval=interval_in_words(first.times.interval or (1, 1)),
        **named,
    )
    if first.times.more_trials:
        pairs = counted(first.times.more_trials, "more pair")
        sentence += Text(", and about {pairs} would tell", pairs=pairs)
    return sentence


def _how_slow(one: Rival) -> Text:
    return Text(
        "{ratio} as fast ({interval})",
        ratio=ratio_in_words(_ratio(one)),
        interval=interval_in_words(one.times.interval or (1, 1)),
    )


def _by_labels(rivals: Sequence[Rival]) -> str:
    """Continue a sentence with what labels say of the answers; "" where there are none."""
    found = []
    for one in rivals:
        for asked, (gained, lost) in one.judged.items():
            if _is_clear(gained, lost):
                named = {"name": one.name, "asked": Text(asked)}
                more = Text(
                    "{name} is more often right about the {asked} ({most} to {least} of those whom "
                    "only one of the two gets right)",
                    most=gained,
                    least=lost,
                    **named,
                )
                less = Text(
                    "{name} is less often right about the {asked} ({most} to {least} of those whom "
                    "only one of the two gets right)",
                    most=lost,
                    least=gained,
                    **named,
                )
                found.append(more if gained > lost else less)
    if found:
        return Text("; by the labels {found}", found=listed(found))
    if any(one.judged for one in rivals):
        return Text("; by the labels nobody is clearly more often right")
    return ""


def _is_clear(gained: int, lost: int) -> bool:
    # The sign test (McNemar's, exact): of those whom only one of the two gets right.
    return 2 * binomial_tail(max(gained, lost), gained + lost) <= _RARE


def _ratio(one: Rival) -> float:
    return one.times.ratio or 0.0


def _highest(one: Rival) -> float:
    return one.times.interval[1] if one.times.interval else 0.0
