"""What a search says for people: what to take and why, what mattered, what to doubt."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from facecore.experiment.environment import BUSY_FROM_PERCENT
from facecore.optimise.confirming import finalists, gain_figure, seems_better
from facecore.optimise.judging import Judge, Tried
from facecore.optimise.record import (
    Confirmation,
    Figure,
    Importance,
    Objective,
    Point,
    profile_values,
)
from facecore.optimise.space import Space
from facecore.statistics.comparison import interval_in_words, ratio_in_words
from facecore.statistics.racing import MIN_ROUNDS, front, importance
from facecore.wording import Text, counted, listed

FEW_FACES = 100
"""With fewer, one face is more than a percent of the answers."""


def recommendation(
    judge: Judge,
    tried: Sequence[Tried],
    confirmations: Sequence[Confirmation],
    space: Space,
    *,
    is_stopped: bool,
) -> tuple[int | None, str]:
    """Return the number of what is recommended, and why; None where nothing can be.

    A candidate is recommended where fresh trials bear out that it is better than the baseline and
    speak for no broken constraint; of a search that was stopped, the best so far.
    """
    best = {one.number: one for one in tried}
    base_is_fine = judge.may_be_taken(judge.baseline) or not judge.is_known(judge.baseline)
    for one in confirmations:
        is_fine = not any(each.is_certain for each in one.violations)
        if is_fine and (one.is_better or not base_is_fine):
            taken = best[one.number]
            return one.number, taken_sentence(judge, taken, one, space.changes(taken.given))
    if is_stopped and not confirmations:
        for taken in finalists(judge, tried):
            if not base_is_fine or seems_better(judge, taken):
                changes = space.changes(taken.given)
                return taken.number, taken_sentence(judge, taken, None, changes)
    if base_is_fine:
        return 0, kept_sentence(judge, tried, confirmations)
    return None, nothing_sentence(judge, tried)


def points(judge: Judge, tried: Sequence[Tried], space: Space) -> tuple[Point, ...]:
    """Return all that was tried, in its order, as plain values."""
    with_labels = bool(judge.labels)
    answers = judge.accuracy_percent if with_labels else judge.agreement_percent
    known = [one for one in tried if one.latency(50).value is not None]
    values = [(one.latency(50).value or 0.0, answers(one).value or 0.0) for one in known]
    on_front = {one.number for one, is_on in zip(known, front(values), strict=True) if is_on}
    return tuple(
        Point(
            number=one.number,
            name=one.name,
            profile=profile_values(one.given),
            changes=space.changes(one.given),
            engine=one.engine or one.given.options.engine or "",
            engine_version=one.engine_version,
            model_set=one.given.options.model_set,
            threads=one.threads,
            replicas=one.given.server.replicas,
            latency_p50_ms=one.latency(50),
            latency_p95_ms=one.latency(95),
            speed=_speed(judge, one),
            photos_per_s=one.photos_per_s(),
            peak_memory_mb=one.memory_mb(),
            agreement_percent=judge.agreement_percent(one) if one.answers else Figure(),
            accuracy_percent=judge.accuracy_percent(one) if one.answers else Figure(),
            rounds=len(one.readings),
            violations=judge.violations(one) if one.readings else (),
            fate=one.fate,
            why=one.why,
            is_on_front=one.number in on_front,
        )
        for one in tried
    )


def _speed(judge: Judge, one: Tried) -> Figure:
    found = judge.gain(one)
    if not one.number:
        return Figure(1.0, (1.0, 1.0), found.n)
    return Figure(found.ratio if found.n else None, found.interval, found.n)


def importances(judge: Judge, tried: Sequence[Tried], space: Space) -> tuple[Importance, ...]:
    """Return how much each setting that varied mattered for the objective, the most first."""
    known = [one for one in tried if one.readings and judge.gain(one).n >= MIN_ROUNDS]
    scores = [_plain_score(judge, one) for one in known]
    shares = importance([one.choice for one in known], scores)
    labels = {one.name: one.label for one in space.parameters}
    found = [Importance(name, labels[name], share) for name, share in shares.items()]
    return tuple(sorted(found, key=lambda one: one.share, reverse=True))


def doubts(judge: Judge, confirmations: Sequence[Confirmation]) -> Iterator[str]:
    """Return what speaks against believing the figures, a sentence each."""
    wanted = judge.constraints.min_agreement_percent
    faces = judge.faces
    if wanted is not None and faces < FEW_FACES:
        yield (
            Text(
                "Agreement of {wanted:g} % rests on {faces}: with more photos it would say more.",
                wanted=wanted,
                faces=counted(faces, "face"),
            )
        )
    for one in confirmations:
        found, fresh = one.search.interval, one.fresh.interval
        if found and fresh and fresh[1] < found[0]:
            yield (
                Text(
                    "Candidate {number} was lucky in the search: measured anew it gains less.",
                    number=one.number,
                )
            )


def troubles(store_problem: str, others_percent: float | None) -> Iterator[str]:
    """Return what went wrong beside the search, a sentence each.

    Args:
        store_problem: why nothing is kept of it, as a sentence; "" where all is well.
        others_percent: what all else used of the machine meanwhile; None where nobody knows.
    """
    if store_problem:
        yield Text("{problem} So this search cannot be gone on with.", problem=store_problem)
    if others_percent is not None and others_percent >= BUSY_FROM_PERCENT:
        yield (
            Text(
                "Whatever else ran used {percent:.0f} % of the machine meanwhile: "
                "search again when it is quiet.",
                percent=others_percent,
            )
        )


def _plain_score(judge: Judge, one: Tried) -> float:
    """Return the score without regard to constraints, which would drown all else."""
    if judge.objective in ("latency", "throughput"):
        return judge.gain(one).log_ratio
    value = gain_figure(judge, one).value
    return value or 0.0


def gain_in_words(objective: Objective, gain: Figure) -> str:
    """Return a gain over the baseline: "2.25× faster than your baseline (2.12× to 2.38×)"."""
    if gain.value is None:
        return Text("not measured often enough to say")
    if objective == "accuracy":
        around = (
            Text(" ({low:.1f} to {high:.1f})", low=gain.interval[0], high=gain.interval[1])
            if gain.interval
            else ""
        )
        return Text(
            "right {value:.1f} percentage points more often than your baseline{around}",
            value=gain.value,
            around=around,
        )
    around = Text("")
    if gain.interval:
        around = Text(" ({interval})", interval=interval_in_words(gain.interval))
    if objective == "memory":
        share = 100 * (1 - 1 / gain.value)
        if share >= 0:
            return Text("{share:.0f} % less memory than your baseline", share=share)
        return Text("{share:.0f} % more memory than your baseline", share=-share)
    return _ratio_gained(objective, gain, around)


def _ratio_gained(objective: Objective, gain: Figure, around: Text) -> Text:
    named = {"ratio": ratio_in_words(gain.value or 0.0), "around": around}
    if objective == "throughput":
        return Text("{ratio} the photos a second of your baseline{around}", **named)
    if gain.interval is None or gain.interval[0] <= 1:
        return Text("{ratio} as fast as your baseline{around}", **named)
    return Text("{ratio} faster than your baseline{around}", **named)


def taken_sentence(judge: Judge, one: Tried, confirmed: Confirmation | None, changes: str) -> str:
    """Return why a candidate is recommended; without a confirmation that it is provisional."""
    seen = gain_figure(judge, one)
    gain = confirmed.fresh if confirmed else seen
    take = {
        "name": Text(one.name),
        "changes": changes,
        "gain": gain_in_words(judge.objective, gain),
    }
    said = [Text("Take {name} ({changes}): {gain}", **take)]
    said += _answers_and_memory(judge, one, confirmed)
    sentence = listed(said)
    broken = judge.violations(judge.baseline)
    if broken:
        sentence += Text(
            "; your baseline does not keep to the constraints ({violation})",
            violation=broken[0].words,
        )
    if confirmed is None:
        return Text(
            "{sentence}. It was not measured again, so this may be luck.", sentence=sentence
        )
    if seen.value is None or judge.objective == "accuracy":
        return sentence + Text(".")
    figure = ratio_in_words(seen.value)
    return Text(
        "{sentence}. That is from fresh trials; in the search it was {figure}.",
        sentence=sentence,
        figure=figure,
    )


def _answers_and_memory(judge: Judge, one: Tried, confirmed: Confirmation | None) -> Iterator[Text]:
    agreed = confirmed.agreement_percent if confirmed else judge.agreement_percent(one)
    faces = confirmed.faces if confirmed else agreed.n
    if agreed.value is not None:
        yield Text(
            "the same answers for {percent:.3g} % of {faces}",
            percent=agreed.value,
            faces=counted(faces, "face"),
        )
    saved = _saved_mb(judge, one, confirmed)
    if saved is not None and judge.objective != "memory":
        less = Text("{mb:.0f} MB less memory", mb=abs(saved))
        yield less if saved >= 0 else Text("{mb:.0f} MB more memory", mb=abs(saved))


def kept_sentence(
    judge: Judge, tried: Sequence[Tried], confirmations: Sequence[Confirmation]
) -> str:
    """Return why the baseline is recommended."""
    rivals = [one for one in tried if one.number and judge.may_be_taken(one)]
    count = counted(sum(one.number > 0 and bool(one.readings) for one in tried), "candidate")
    if not any(one.number and one.readings for one in tried):
        return Text("Keep your baseline: nothing was measured beside it.")
    if not rivals:
        return Text("Keep your baseline: none of {count} keeps to the constraints.", count=count)
    best = max(rivals, key=lambda one: _or_worst(judge.score(one)))
    fresh = {one.number: one for one in confirmations}
    gain = fresh[best.number].fresh if best.number in fresh else gain_figure(judge, best)
    named = {
        "count": count,
        "name": Text(best.name),
        "gain": gain_in_words(judge.objective, gain),
    }
    if best.number in fresh:
        return Text(
            "Keep your baseline: none of {count} is verifiably better; the best, {name}, is {gain} "
            "when it was measured again.",
            **named,
        )
    return Text(
        "Keep your baseline: none of {count} is verifiably better; the best, {name}, is {gain}.",
        **named,
    )


def nothing_sentence(judge: Judge, tried: Sequence[Tried]) -> str:
    """Return why nothing is recommended: all break a constraint, and which does least."""
    known = [one for one in tried if judge.is_known(one)]
    if not known:
        return Text("Nothing can be recommended: too little was measured to say.")
    nearest = max(known, key=lambda one: _or_worst(judge.score(one)))
    return Text(
        "Nothing that was measured keeps to the constraints; the nearest is {name}: {violations}.",
        name=Text(nearest.name),
        violations=listed([one.words for one in judge.violations(nearest)], "; "),
    )


def _saved_mb(judge: Judge, one: Tried, confirmed: Confirmation | None) -> float | None:
    if confirmed is not None:
        return confirmed.memory_saved_mb
    base_mb, own_mb = judge.baseline.memory_mb(), one.memory_mb()
    return base_mb - own_mb if base_mb and own_mb else None


def _or_worst(score: float) -> float:
    return -math.inf if math.isnan(score) else score
