"""What an experiment says: times, verdicts, costs and agreement, computed from the raw trials."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from facecore.evaluation.labels import PersonLabel
from facecore.evaluation.right import RightAnswers, only_one_right, right_answers
from facecore.evaluation.truth import Truth
from facecore.executors.messages import WorkerFacts
from facecore.experiment.claims import claim_of, without_effect
from facecore.experiment.environment import disturbances
from facecore.experiment.record import Experiment, Failure, Trial
from facecore.experiment.variants import Variant, differences
from facecore.results import STAGES
from facecore.statistics.advice import IsFaster, Rival, advice, best_places
from facecore.statistics.agreement import Agreement, face_agreement
from facecore.statistics.comparison import TimeComparison, compare_times
from facecore.statistics.intervals import TimeSummary, summarise_times
from facecore.wording import Text, listed


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantReport:
    """What was found out about one variant; the first of an experiment is the baseline.

    Attributes:
        variant: what was asked for.
        worker: what was effective; None where its worker never became ready.
        times: of a whole reading, milliseconds.
        stages: of each stage that took any time here or in the baseline, milliseconds.
        comparison: against the baseline, by pairs of the same round; None for itself.
        stage_comparisons: the same by stage.
        cpu_s_per_photo: mean CPU time of a reading; None without trials, as below.
        cpu_percent_average: CPU time over wall time of all its trials, the throttle's
            waits included, in percent of one core.
        cpu_percent_peak: of the reading that used most.
        peak_rss_bytes: the most memory that its process held.
        agreement: of its answers with the baseline's; None for itself.
        failures: what went wrong.
        right: which answers about labelled people are; empty without labels.
    """

    variant: Variant
    worker: WorkerFacts | None
    times: TimeSummary
    stages: Mapping[str, TimeSummary]
    comparison: TimeComparison | None
    stage_comparisons: Mapping[str, TimeComparison]
    cpu_s_per_photo: float | None
    cpu_percent_average: float | None
    cpu_percent_peak: float | None
    peak_rss_bytes: int | None
    agreement: Agreement | None
    failures: tuple[Failure, ...]
    right: RightAnswers = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """The comparison in words, "baseline" for the baseline."""
        return "baseline" if self.comparison is None else self.comparison.words


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """An experiment with what it says.

    Attributes:
        experiment: what was measured.
        reports: of each variant, in their order.
        advice: what to do, as one sentence.
        best: places of the variants that no other beats and that the verdict can tell apart.
    """

    experiment: Experiment
    reports: tuple[VariantReport, ...]
    advice: str
    best: tuple[int, ...]

    @classmethod
    def of(cls, experiment: Experiment) -> Outcome:
        """Compute what an experiment says; may take a second for a large one."""
        reports = report(experiment)
        is_faster = _verdicts(experiment)
        return cls(
            experiment=experiment,
            reports=reports,
            advice=advice(list(_rivals(reports)), is_faster),
            best=_best(reports, is_faster),
        )

    @property
    def is_judged(self) -> bool:
        """Whether labels told which answers are right."""
        return any(one.right for one in self.reports)

    def judged_by(self, labels: Mapping[str, PersonLabel]) -> Outcome:
        """Return the same with what labels of the photos, by their names, say of the answers."""
        sizes = {photo.name: photo.size_wh for photo in self.experiment.photos}
        known = Truth(labels=dict(labels)).of_photos(sizes).labels
        if not known:
            return self
        reports = tuple(
            replace(one, right=right_answers(answers, sizes, known))
            for one, answers in zip(self.reports, self.experiment.answers, strict=True)
        )
        said = advice(list(_rivals(reports)), _verdicts(self.experiment))
        return replace(self, reports=reports, advice=said)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What speaks against believing it, a sentence each."""
        found: list[str] = []
        if self.experiment.stopped:
            found.append(Text("It was stopped before its end: fewer trials than were asked for."))
        found += disturbances(self.experiment.environment, self.experiment.other_load_percent)
        others = self.experiment.plan.variants[1:]
        idle = [why for one in others for why in _without_effect(self.experiment, one).values()]
        found += [
            Text("These photos are too small: {why}.", why=why) for why in dict.fromkeys(idle)
        ]
        return tuple(found)


def report(experiment: Experiment) -> tuple[VariantReport, ...]:
    """Compute what an experiment says of each variant, in their order."""
    by_variant = _by_variant(experiment)
    return tuple(
        _variant_report(experiment, place, by_variant[place], by_variant[0])
        for place in range(len(experiment.plan.variants))
    )


def _by_variant(experiment: Experiment) -> dict[int, list[Trial]]:
    by_variant: dict[int, list[Trial]] = defaultdict(list)
    for trial in experiment.trials:
        by_variant[trial.variant].append(trial)
    return by_variant


def _rivals(reports: Sequence[VariantReport]) -> Iterator[Rival]:
    for place, one in enumerate(reports):
        if one.comparison is not None and one.agreement is not None:
            yield Rival(
                name=one.variant.name,
                place=place,
                times=one.comparison,
                answers=one.agreement,
                judged={
                    asked: only_one_right(right, reports[0].right.get(asked, {}))
                    for asked, right in one.right.items()
                },
            )


def _verdicts(experiment: Experiment) -> IsFaster:
    """Return what tells of any two variants whether the first is faster than the second."""
    trials = _by_variant(experiment)

    @cache
    def compared(lower: int, upper: int) -> str:
        return compare_times(_pairs(trials[lower], trials[upper], _total)).verdict

    def is_faster(one: int, other: int) -> bool:
        wanted = "faster" if one > other else "slower"
        return compared(*sorted((one, other))) == wanted

    return is_faster


def _best(reports: Sequence[VariantReport], is_faster: IsFaster) -> tuple[int, ...]:
    # Without a photo in common, agreement would be that of nothing with nothing.
    shares = {
        place: 1.0 if one.agreement is None else one.agreement.share_same
        for place, one in enumerate(reports)
        if one.times.n and (one.agreement is None or one.agreement.photos)
    }
    places = list(shares)
    best = best_places(
        list(shares.values()), lambda one, other: is_faster(places[one], places[other])
    )
    return tuple(places[number] for number in best)


def claim_sentence(outcome: Outcome) -> str:
    """Return what the article claims of these variants and what was measured; "" if nothing."""
    claim = claim_of(outcome.experiment.plan.variants)
    if claim is None:
        return ""
    base, other = outcome.experiment.plan.variants
    idle = _without_effect(outcome.experiment, other)
    if set(idle) == set(differences(other, base)):
        return Text(
            "The article says that {says}; these photos are too small to check that: {why}.",
            says=Text(claim.says),
            why=listed(list(idle.values()), "; "),
        )
    measured = measured_in_words(*outcome.reports)
    return Text(
        "The article says that {says}; {measured}", says=Text(claim.says), measured=measured
    )


def _without_effect(experiment: Experiment, variant: Variant) -> dict[str, str]:
    return without_effect(variant, experiment.plan.variants[0], experiment.photos)


def measured_in_words(base: VariantReport, other: VariantReport) -> str:
    """Return how a variant did against the baseline: time, CPU and answers."""
    if other.comparison is None or other.times.typical_ms is None or not base.times.typical_ms:
        return Text("too little was measured here to say.")
    if other.comparison.ratio is None:
        return Text("too little was measured here to say ({words}).", words=other.comparison.words)
    parts = [
        Text(
            "measured here: {variant} takes {variant_ms:.0f} ms where {baseline} takes "
            "{baseline_ms:.0f} ms: {verdict}",
            variant=other.variant.name,
            variant_ms=other.times.typical_ms,
            baseline=base.variant.name,
            baseline_ms=base.times.typical_ms,
            verdict=other.comparison.words,
        )
    ]
    if other.cpu_percent_average is not None and base.cpu_percent_average is not None:
        parts.append(
            Text(
                "CPU {mean:.0f} against {base_mean:.0f} % of one core on average and {peak:.0f} "
                "against {base_peak:.0f} % at most",
                mean=other.cpu_percent_average,
                base_mean=base.cpu_percent_average,
                peak=other.cpu_percent_peak,
                base_peak=base.cpu_percent_peak,
            )
        )
    if other.agreement is not None:
        parts.append(Text("answers: {words}", words=other.agreement.words))
    return listed(parts, "; ") + Text(".")


def _variant_report(
    experiment: Experiment, place: int, trials: Sequence[Trial], base: Sequence[Trial]
) -> VariantReport:
    # A stage that only the baseline ran is a difference as well.
    ran = (*trials, *base) if trials else ()
    stages = [stage for stage in STAGES if any(trial.timings.by_stage()[stage] for trial in ran)]
    compared = bool(place)
    answers = experiment.answers
    readings_s = sum(trial.cycle_time_s for trial in trials)
    return VariantReport(
        variant=experiment.plan.variants[place],
        worker=experiment.workers[place],
        times=summarise_times(_by_photo(trials, _total)),
        stages={stage: summarise_times(_by_photo(trials, _stage(stage))) for stage in stages},
        comparison=compare_times(_pairs(base, trials, _total)) if compared else None,
        stage_comparisons={
            stage: compare_times(_pairs(base, trials, _stage(stage)))
            for stage in stages
            if compared
        },
        cpu_s_per_photo=sum(t.cpu_time_s for t in trials) / len(trials) if trials else None,
        cpu_percent_average=(
            100 * sum(t.cycle_cpu_s for t in trials) / readings_s if readings_s else None
        ),
        cpu_percent_peak=max((t.cpu_percent for t in trials), default=None),
        peak_rss_bytes=max((t.peak_rss_bytes for t in trials), default=None),
        agreement=face_agreement(answers[0], answers[place]) if compared else None,
        failures=tuple(f for f in experiment.failures if f.variant == place),
    )


def _total(trial: Trial) -> float:
    return trial.timings.total_ms


def _stage(name: str) -> Callable[[Trial], float]:
    return lambda trial: trial.timings.by_stage()[name]


def _by_photo(trials: Sequence[Trial], read: Callable[[Trial], float]) -> dict[str, list[float]]:
    values: dict[str, list[float]] = defaultdict(list)
    for trial in trials:
        values[trial.photo].append(read(trial))
    return dict(values)


def _pairs(
    base: Sequence[Trial], trials: Sequence[Trial], read: Callable[[Trial], float]
) -> dict[str, list[tuple[float, float]]]:
    """Put the trials of the same round together, baseline first."""
    known = {(trial.photo, trial.repeat): read(trial) for trial in base}
    pairs: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for trial in trials:
        if (trial.photo, trial.repeat) in known:
            pairs[trial.photo].append((known[trial.photo, trial.repeat], read(trial)))
    return dict(pairs)
