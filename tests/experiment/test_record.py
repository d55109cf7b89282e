"""What an experiment was and measured: values that check themselves."""

from __future__ import annotations

import hashlib
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from facecore.errors import SettingsError
from facecore.experiment import record
from facecore.experiment.record import Continuation, Failure, Plan
from facecore.experiment.storage import experiment_from_json, experiment_to_json
from facecore.experiment.variants import Variant
from facecore.results import StageTimings
from tests.experiment.conftest import (
    MadeExperiment,
    made_face,
    made_trial,
    made_worker,
    two_variants,
)

NAN, INFINITY = float("nan"), float("inf")


def test_plan_without_variants_is_refused() -> None:
    """There must be something to compare."""
    with pytest.raises(SettingsError, match="2 to 8 variants, not 0"):
        Plan(variants=())


def test_plan_has_the_documented_defaults() -> None:
    """Ten repeats after two passes of warm-up, without a budget."""
    plan = Plan(variants=two_variants())
    assert (plan.repeats, plan.warm_up, plan.budget_s, plan.seed) == (10, 2, None, 1)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"variants": (Variant(name="a"), Variant(name="a"))}, "same name"),
        ({"repeats": 0}, "number of repeats must be 1 to 1000, not 0"),
        ({"repeats": 1001}, "repeats"),
        ({"repeats": True}, "repeats"),
        ({"repeats": 2.0}, "repeats"),
        ({"repeats": "3"}, "repeats"),
        ({"warm_up": 0}, "warm-up passes must be 1 to 20, not 0"),
        ({"warm_up": 21}, "warm-up"),
        ({"warm_up": None}, "warm-up"),
        ({"seed": 1.5}, "seed"),
        ({"seed": False}, "seed"),
        ({"budget_s": 0.5}, "time budget must be 1 to 3600 seconds, not 0.5"),
        ({"budget_s": 3601}, "time budget"),
        ({"budget_s": NAN}, "time budget"),
        ({"budget_s": INFINITY}, "time budget"),
        ({"budget_s": True}, "time budget"),
        ({"budget_s": "9"}, "time budget"),
    ],
)
def test_plans_that_cannot_be_measured(change: dict[str, Any], says: str) -> None:
    """Each value outside its range, or of another kind, has a sentence."""
    with pytest.raises(SettingsError) as told:
        Plan(**({"variants": two_variants()} | change))
    assert says in str(told.value)
    assert str(told.value).endswith(".")


@pytest.mark.parametrize(
    "change",
    [
        {"repeats": 1, "warm_up": 1, "budget_s": 1, "seed": -(2**70)},
        {"repeats": 1000, "warm_up": 20, "budget_s": 3600.0, "seed": 2**70},
    ],
)
def test_plans_at_their_ends(change: dict[str, Any]) -> None:
    """The ends of each range belong to it."""
    plan = Plan(variants=two_variants(), **change)
    assert {name: getattr(plan, name) for name in change} == change


def test_plan_can_be_a_key() -> None:
    """Equal plans hash alike, and none can be changed."""
    plan = Plan(variants=two_variants())
    assert len({plan, Plan(variants=two_variants()), replace(plan, seed=2)}) == 2
    with pytest.raises(FrozenInstanceError):
        plan.seed = 3  # type: ignore[misc]


def test_cpu_percent_is_of_one_core() -> None:
    """Twice the wall time in CPU time is 200 %; a reading without time has none."""
    assert made_trial(0, "a", 0, total_ms=40).cpu_percent == pytest.approx(200)
    assert replace(made_trial(0, "a", 0), timings=StageTimings()).cpu_percent == 0


def test_experiment_without_trials_is_one(made: MadeExperiment) -> None:
    """One that was stopped at its beginning has nothing but its plan."""
    bare = made(
        trials=(), workers=(None, None), answers=({}, {}), failures=(), photos=(), stopped=True
    )
    assert (bare.trials, bare.workers) == ((), (None, None))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"workers": ()}, "for each variant"),
        ({"workers": (None,)}, "for each variant"),
        ({"workers": (made_worker(),) * 3}, "for each variant"),
        ({"answers": ({},)}, "for each variant"),
        ({"trials": (made_trial(2, "a.jpg", 0),)}, "not in the experiment"),
        ({"trials": (made_trial(0, "c.jpg", 0),)}, "not in the experiment"),
        ({"failures": (Failure(variant=2, photo=None, message="."),)}, "not in the experiment"),
        ({"failures": (Failure(variant=-1, photo=None, message="."),)}, "not in the experiment"),
        ({"answers": ({}, {"c.jpg": (made_face(),)})}, "not in the experiment"),
    ],
)
def test_experiment_holds_together(made: MadeExperiment, change: dict[str, Any], says: str) -> None:
    """Whatever belongs to a variant or photo belongs to one that is there."""
    with pytest.raises(ValueError, match=says):
        made(**change)


def test_more_trials_than_anybody_measures_are_refused(
    made: MadeExperiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bound is one sentence, before anything is computed from them."""
    trials = tuple(made_trial(0, "a.jpg", repeat) for repeat in range(3))
    monkeypatch.setattr(record, "MAX_TRIALS", 3)
    assert len(made(trials=trials).trials) == 3
    monkeypatch.setattr(record, "MAX_TRIALS", 2)
    with pytest.raises(SettingsError, match="at most 2 trials"):
        made(trials=trials)


def test_photos_have_different_names(made: MadeExperiment) -> None:
    """Two photos of one name could not be told apart."""
    photo = made().photos[0]
    with pytest.raises(ValueError, match="same name"):
        made(photos=(photo, photo))


def test_an_experiment_goes_on_as_one(made: MadeExperiment) -> None:
    """Trials come after those before, facts of both stay, and the file is one that loads."""
    first = made(stopped=True, other_load_percent=None)
    continuation = first.more(2)
    assert continuation.plan == replace(first.plan, repeats=5, budget_s=None)
    trial = made_trial(1, "a.jpg", 3)
    more = replace(
        first,
        plan=continuation.plan,
        trials=(trial,),
        workers=(None, made_worker(threads=7)),
        answers=({}, {"a.jpg": ()}),
        failures=(),
        measured_s=1.5,
        other_load_percent=8.0,
        stopped=False,
    )
    whole = first.followed_by(more)
    assert whole.trials == (*first.trials, replace(trial, started_s=3.5 + trial.started_s))
    assert whole.workers == (first.workers[0], made_worker(threads=7))
    assert whole.answers == (first.answers[0], {"a.jpg": (), "b.jpg": first.answers[1]["b.jpg"]})
    assert (whole.measured_s, whole.other_load_percent, whole.stopped) == (5.0, 8.0, False)
    assert (whole.started_at, whole.failures) == (first.started_at, first.failures)
    assert experiment_from_json(experiment_to_json(whole)) == whole


def test_a_variant_can_be_added_as_an_experiment_goes_on(made: MadeExperiment) -> None:
    """It comes after the others; other variants or another seed are another experiment."""
    first = made()
    third = replace(first.plan, repeats=4, variants=(*first.plan.variants, Variant(name="third")))
    more = replace(
        first,
        plan=Continuation(before=first, plan=third).plan,
        workers=(*first.workers, None),
        answers=({}, {}, {"a.jpg": ()}),
        trials=(made_trial(2, "a.jpg", 3),),
    )
    whole = first.followed_by(more)
    assert (len(whole.workers), whole.answers[2]) == (3, {"a.jpg": ()})
    for other in (replace(first.plan, seed=8), replace(first.plan, variants=third.variants[1:])):
        with pytest.raises(SettingsError, match="same variants and the same seed"):
            Continuation(before=first, plan=other)


def test_photos_are_known_by_their_bytes(made: MadeExperiment) -> None:
    """Under whatever name; those that could not be read are not asked for, others are."""
    data = b"photo"
    known, other = made().photos
    own = replace(known, sha256=hashlib.sha256(data).hexdigest())
    continuation = made(photos=(own, replace(other, size_wh=None))).more(1)
    assert continuation.own_photos({"x": b"", "y": data}) == {"a.jpg": data}
    with pytest.raises(
        SettingsError, match=r"1 of the experiment's 1 photo cannot be found, a\.jpg"
    ):
        continuation.own_photos({"x": b""})
