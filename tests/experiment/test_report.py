"""What an experiment says: who is compared with whom, and how claims are put in words.

How times and answers themselves are compared has tests of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from facecore.evaluation.labels import PersonLabel
from facecore.experiment import report as module
from facecore.experiment.claims import Claim, claims
from facecore.experiment.environment import BUSY_FROM_PERCENT
from facecore.experiment.record import Experiment, Failure, Plan, Trial
from facecore.experiment.report import (
    Outcome,
    VariantReport,
    claim_sentence,
    measured_in_words,
    report,
)
from facecore.experiment.tables import (
    accuracy_table,
    asked_and_effective,
    summary_lines,
    summary_table,
)
from facecore.experiment.variants import Variant
from facecore.results import StageTimings
from facecore.settings import ProcessOptions, RuntimeOptions
from facecore.statistics.comparison import TimeComparison, compare_times
from tests.experiment.conftest import (
    MadeExperiment,
    made_environment,
    made_trial,
    made_worker,
    two_variants,
)

OF_THE_ARTICLE = [claim for claim in claims() if claim.says]

Pairs = dict[str, list[tuple[float, float]]]


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[Pairs]:
    """What the real comparison of times was given, call by call."""
    given: list[Pairs] = []

    def note(pairs: Mapping[str, Sequence[tuple[float, float]]]) -> TimeComparison:
        given.append({name: list(values) for name, values in pairs.items()})
        return compare_times(pairs)

    monkeypatch.setattr(module, "compare_times", note)
    return given


def _without_trials(made: MadeExperiment, place: int) -> Experiment:
    """Make an experiment of which one variant died before its first trial."""
    whole = made()
    workers = list(whole.workers)
    workers[place] = None
    answers = list(whole.answers)
    answers[place] = {}
    return replace(
        whole,
        trials=tuple(trial for trial in whole.trials if trial.variant != place),
        workers=tuple(workers),
        answers=tuple(answers),
        failures=(Failure(variant=place, photo=None, message="It ended."),),
    )


def test_experiment_without_trials_is_reported(made: MadeExperiment) -> None:
    """Nothing was measured, so nothing is known, and nothing fails."""
    first, second = report(made(trials=(), answers=({}, {}), workers=(None, None)))
    for one in (first, second):
        assert (one.times.n, one.times.typical_ms) == (0, None)
        assert (one.cpu_s_per_photo, one.cpu_percent_average, one.cpu_percent_peak) == (None,) * 3
        assert (one.peak_rss_bytes, dict(one.stages), one.worker) == (None, {}, None)
    assert first.comparison is None
    assert first.verdict == "baseline"
    assert second.verdict
    assert "too little" in measured_in_words(first, second)


def test_first_variant_is_the_baseline(made: MadeExperiment) -> None:
    """It is compared with nobody; the others with it."""
    first, second = report(made())
    assert (first.comparison, first.agreement, dict(first.stage_comparisons)) == (None, None, {})
    assert first.verdict == "baseline"
    assert second.comparison is not None
    assert second.agreement is not None
    assert second.verdict == second.comparison.words
    assert (first.failures, len(second.failures)) == ((), 1)
    assert first.variant.name == "basis"


def test_times_and_costs_are_those_of_the_trials(made: MadeExperiment) -> None:
    """Shares of CPU are over all cycles, the peak is that of one reading."""
    _, second = report(made())
    assert second.times.n == 6
    assert set(second.stages) == set(second.stage_comparisons) == {"decode", "detect"}
    assert second.stages["detect"].typical_ms == pytest.approx(25)
    # Each trial uses two processors throughout.
    assert second.cpu_s_per_photo == pytest.approx((30 + 31 + 32) / 3 / 500)
    assert second.cpu_percent_average == pytest.approx(200)
    assert second.cpu_percent_peak == pytest.approx(200)
    assert second.peak_rss_bytes == 310_000_001


def test_throttle_s_wait_lowers_the_average_alone(made: MadeExperiment) -> None:
    """A cycle that is mostly waiting has a low average of CPU, at the same peak and time."""
    trials = tuple(
        replace(trial, cycle_time_s=10 * trial.cycle_time_s) if trial.variant else trial
        for trial in made().trials
    )
    first, second = report(made(trials=trials))
    assert first.cpu_percent_average == pytest.approx(200)
    assert second.cpu_percent_average == pytest.approx(20)
    assert second.cpu_percent_peak == pytest.approx(200)


def test_pairs_are_of_the_same_round(made: MadeExperiment, compared: list[Pairs]) -> None:
    """Whatever the order they ran in, a photo's repeat is compared with the baseline's same."""
    trials = [
        made_trial(variant, photo, repeat, 100 * variant + 10 * repeat + 30 + (photo == "b.jpg"))
        for variant in (0, 1)
        for photo in ("a.jpg", "b.jpg")
        for repeat in range(3)
    ]
    report(made(trials=tuple(reversed(trials))))
    totals = {name: sorted(pairs) for name, pairs in compared[0].items()}
    assert totals == {
        "a.jpg": [(30, 130), (40, 140), (50, 150)],
        "b.jpg": [(31, 131), (41, 141), (51, 151)],
    }
    assert len(compared) == 3
    assert {name: sorted(pairs) for name, pairs in compared[2].items()} == {
        name: [(25, 25)] * 3 for name in ("a.jpg", "b.jpg")
    }


def test_rounds_that_one_lacks_are_left_out(made: MadeExperiment, compared: list[Pairs]) -> None:
    """A trial without its partner counts for its own variant's times, but is in no pair."""
    trials: list[Trial] = [
        made_trial(0, "a.jpg", 0, 40),
        made_trial(0, "a.jpg", 1, 41),
        made_trial(1, "a.jpg", 1, 51),
        made_trial(1, "a.jpg", 2, 52),
        made_trial(1, "b.jpg", 0, 53),
    ]
    first, second = report(made(trials=tuple(trials)))
    assert compared[0] == {"a.jpg": [(41, 51)]}
    assert (first.times.n, second.times.n) == (2, 3)


def test_dead_variant_is_reported(made: MadeExperiment, compared: list[Pairs]) -> None:
    """A variant without trials has its failure and no numbers; the baseline is whole."""
    first, second = report(_without_trials(made, 1))
    assert first.times.n == 6
    assert (second.times.n, second.worker, second.cpu_s_per_photo) == (0, None, None)
    assert [failure.message for failure in second.failures] == ["It ended."]
    assert compared[0] == {}
    assert "too little" in measured_in_words(first, second)


def test_dead_baseline_is_reported(made: MadeExperiment, compared: list[Pairs]) -> None:
    """Without a baseline there is nothing to compare with, but the others' times are there."""
    first, second = report(_without_trials(made, 0))
    assert (first.times.n, first.verdict, second.times.n) == (0, "baseline", 6)
    assert compared[0] == {}
    assert "too little" in measured_in_words(first, second)


def test_stage_that_only_the_baseline_ran_is_faster(made: MadeExperiment) -> None:
    """What a variant leaves out is a difference, and is told."""
    plan = replace(made().plan, repeats=9)
    trials = [made_trial(0, "a.jpg", repeat, 40) for repeat in range(9)]
    trials += [made_trial(1, "a.jpg", repeat, 25) for repeat in range(9)]
    _, other = report(made(plan=plan, trials=tuple(trials)))
    assert other.stages["decode"].typical_ms == 0
    assert other.stage_comparisons["decode"].verdict == "faster"


def test_stages_that_nobody_ran_are_left_out(made: MadeExperiment) -> None:
    """Only stages that took any time are reported, in their order."""
    for one in report(made()):
        assert list(one.stages) == ["decode", "detect"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"stopped": True}, "stopped before its end"),
        ({"other_load_percent": BUSY_FROM_PERCENT}, f"used {BUSY_FROM_PERCENT:.0f} %"),
        ({"environment": replace(made_environment(), cpu_quota=0.5)}, "may use 0.5 processors"),
    ],
)
def test_what_speaks_against_believing_it(
    made: MadeExperiment, change: dict[str, Any], says: str
) -> None:
    """Each reason for doubt has one sentence; without one there is none."""
    assert Outcome.of(made(other_load_percent=None)).warnings == ()
    (sentence,) = Outcome.of(made(**change)).warnings
    assert says in sentence
    assert sentence.endswith(".")


@pytest.mark.parametrize("quota", [2.0, 4.0])
def test_ample_quota_is_no_reason_for_doubt(made: MadeExperiment, quota: float) -> None:
    """A container that may use as much as there is holds nothing up."""
    environment = replace(made_environment(), cpu_quota=quota)
    assert Outcome.of(made(environment=environment, other_load_percent=9.9)).warnings == ()


def _of_claim(made: MadeExperiment, claim: Claim) -> Experiment:
    """Make an experiment of a claim's variants, as if it had been measured with them."""
    photos = tuple(replace(photo, size_wh=(4000, 3000)) for photo in made().photos)
    return made(plan=Plan(variants=claim.variants), photos=photos)


@pytest.mark.parametrize("claim", OF_THE_ARTICLE, ids=lambda claim: claim.key)
def test_claim_s_sentence_has_the_claim_and_the_figures(made: MadeExperiment, claim: Claim) -> None:
    """What the article says stands first, as it is; then what was measured, under the names."""
    sentence = claim_sentence(Outcome.of(_of_claim(made, claim)))
    assert sentence.startswith(f"The article says that {claim.says}; ")
    base, other = (variant.name for variant in claim.variants)
    assert f"{other} takes 31 ms where {base} takes 41 ms: 1.32× faster (" in sentence
    assert "CPU 200 against 200 %" in sentence
    assert sentence.endswith(".")


def test_photos_that_are_too_small_for_a_claim_are_told_of(made: MadeExperiment) -> None:
    """Instead of times that a cap cannot have changed, the sentence says what it takes."""
    cap = next(claim for claim in OF_THE_ARTICLE if claim.key == "cap")
    small = tuple(replace(photo, size_wh=(640, 800)) for photo in made().photos)
    outcome = Outcome.of(replace(_of_claim(made, cap), photos=small))
    why = "a cap of 800 px changes a photo only where it is larger, and the largest here has 800 px"
    assert claim_sentence(outcome).endswith(f"; these photos are too small to check that: {why}.")
    assert f"These photos are too small: {why}." in outcome.warnings
    larger = replace(outcome.experiment, photos=(small[0], replace(small[1], size_wh=(801, 9))))
    assert "too small" not in claim_sentence(Outcome.of(larger))


def test_two_that_cannot_be_told_apart_have_advice_and_no_star(made: MadeExperiment) -> None:
    """The advice is the first variant's to keep, and none is the best."""
    same = (made().answers[0],) * 2
    outcome = Outcome.of(made(trials=_flat(made, 80.0), answers=same))
    assert outcome.advice.startswith("Keep the baseline: nothing is clearly faster, and more than")
    assert outcome.best == ()
    twice = Outcome.of(made(trials=_flat(made, 40.0), answers=same))
    assert twice.advice.startswith("Take schnell é: 2.00× faster (")
    assert twice.best == (1,)


def _flat(made: MadeExperiment, second_ms: float) -> tuple[Trial, ...]:
    """Give the baseline 80 ms in each trial, and the other variant as much as is said."""
    times_ms = (80.0, second_ms)
    return tuple(
        made_trial(trial.variant, trial.photo, trial.repeat, times_ms[trial.variant])
        for trial in made().trials
    )


def test_labels_tell_how_many_answers_are_right(made: MadeExperiment) -> None:
    """Each variant has its right answers in the tables; labels of other photos change nothing."""
    outcome = Outcome.of(made())
    assert outcome.judged_by({"c.jpg": PersonLabel("c.jpg", gender="Male")}) == outcome
    labels = {name: PersonLabel(name, gender="Female") for name in ("x/a.jpg", "b.jpg")}
    judged = outcome.judged_by(labels)
    assert judged.is_judged
    assert [one.right for one in judged.reports] == [
        {"gender": {"a.jpg": True, "b.jpg": False}},
        {"gender": {"a.jpg": True, "b.jpg": True}},
    ]
    first, second = summary_table(judged.reports).to_dict("records")
    assert (first["gender_right_percent"], second["gender_right_percent"]) == (50, 100)
    assert (second["gender_right_of"], second["gender_right_high_percent"]) == (2, 100)
    assert "gender_right_percent" not in summary_table(outcome.reports)
    heading, *lines = summary_lines(judged.reports)
    assert heading.endswith("gender right")
    assert [line.endswith(end) for line, end in zip(lines, ("50 %", "100 %"), strict=True)]
    assert accuracy_table(judged.reports)["right"].tolist() == [1, 2]


def test_no_claim_has_no_sentence(made: MadeExperiment) -> None:
    """Where the article says nothing of what was compared, nothing is put in its mouth."""
    assert claim_sentence(Outcome.of(made())) == ""
    assert claim_sentence(Outcome.of(made(plan=Plan(variants=two_variants())))) == ""


def test_claim_that_could_not_be_measured(made: MadeExperiment) -> None:
    """Where too little was measured, the sentence says so instead of figures."""
    for place in (0, 1):
        dead = _without_trials(lambda: _of_claim(made, OF_THE_ARTICLE[0]), place)
        sentence = claim_sentence(Outcome.of(dead))
        assert OF_THE_ARTICLE[0].says in sentence
        assert sentence.endswith("; too little was measured here to say.")


def test_times_of_zero_have_a_sentence(made: MadeExperiment) -> None:
    """A clock that stood still divides nothing by zero."""
    frozen = tuple(replace(trial, timings=StageTimings()) for trial in made().trials)
    first, second = report(made(trials=frozen))
    assert measured_in_words(first, second).endswith(".")


def _facing(variant: Variant, made: MadeExperiment, **changes: Any) -> VariantReport:
    base = Variant(name="base")
    return report(made(plan=Plan(variants=(base, variant)), **changes))[1]


def test_asked_and_effective_side_by_side(made: MadeExperiment) -> None:
    """Each setting of the process is there with what OpenCV and the system say of it."""
    variant = Variant(
        name="mine",
        options=RuntimeOptions(engine="opencv", threads=1, engine_options=(("winograd", False),)),
        process=ProcessOptions(cores=1, cpu_features_off=("AVX512-SKX",)),
    )
    rows = asked_and_effective(_facing(variant, made))
    assert set(rows) == {
        "engine",
        "model set",
        "threads",
        "cores",
        "optimised code",
        "CPU features off",
        "Winograd",
        "layer fusion",
    }
    assert rows["engine"] == ("opencv", "opencv 4.14.0")
    assert rows["threads"] == ("1", "1")
    assert rows["cores"] == ("1", "1")
    assert rows["optimised code"] == ("on", "on")
    asked, effective = rows["CPU features off"]
    assert asked == "AVX512-SKX"
    assert "SSE4.2 AVX2" in effective
    assert rows["Winograd"] == ("off", "not told by the engine")


def test_effective_is_not_what_was_asked(made: MadeExperiment) -> None:
    """Where the system gave something else, that is what stands there."""
    variant = Variant(name="mine", options=RuntimeOptions(threads=8))
    rows = asked_and_effective(_facing(variant, made, workers=(None, made_worker(threads=2))))
    assert rows["threads"] == ("8", "2")


def test_nothing_is_effective_of_a_dead_worker(made: MadeExperiment) -> None:
    """A worker that never was ready said nothing, and no value is made up."""
    rows = asked_and_effective(_facing(Variant(name="mine"), made, workers=(None, None)))
    for asked, effective in rows.values():
        assert effective not in (asked, "1", "2", "on", "off")
