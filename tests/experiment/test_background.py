"""An experiment in the background: watched, stopped, forgotten, refused."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from facecore.errors import SettingsError
from facecore.experiment.background import BackgroundExperiment
from facecore.experiment.environment import MAX_PHOTOS
from facecore.experiment.record import Plan
from facecore.experiment.runner import run_experiment
from facecore.serving import job
from tests.experiment.conftest import WAIT_S, two_variants, wait_until, worker_processes

pytestmark = pytest.mark.slow

PLAN = Plan(variants=two_variants(), repeats=1000, warm_up=1)


@pytest.mark.parametrize("count", [0, MAX_PHOTOS + 1])
def test_what_cannot_be_run_is_told_in_a_sentence(count: int) -> None:
    """There is no result and no exception, but the sentence to show."""
    running = BackgroundExperiment(PLAN, dict.fromkeys(map(str, range(count)), b""))
    assert running.wait(WAIT_S)
    assert (running.result, running.is_running) == (None, False)
    assert running.error == f"An experiment needs 1 to 100 photos, not {count}."


def test_runs_to_its_end(small_photo: bytes) -> None:
    """Once it is over, the result is there, no error, and the last progress is complete."""
    running = BackgroundExperiment(replace(PLAN, repeats=2), {"a": small_photo})
    assert (running.wait(0), running.is_running, running.result) == (False, True, None)
    assert running.wait(WAIT_S)
    assert (running.is_running, running.error) == (False, "")
    assert running.result is not None
    assert running.result.plan is running.plan
    assert not running.result.stopped
    assert running.progress.trials == running.result.trials
    assert (running.progress.done, running.progress.total) == (4, 4)
    assert worker_processes() == []


def test_stopping_keeps_what_was_measured(small_photo: bytes) -> None:
    """Progress is a copy that stays as it is while the experiment goes on, until it is stopped.

    A second one would be measured by the first, so it is refused until that is over.
    """
    running = BackgroundExperiment(PLAN, {"a": small_photo})
    try:
        assert wait_until(lambda: running.progress.done >= 3)
        early = running.progress
        assert isinstance(early.trials, tuple)
        trials = list(early.trials)
        assert wait_until(lambda: running.progress.done >= early.done + 3)
        assert list(early.trials) == trials
        assert (early.phase, running.is_running, running.result) == ("measuring", True, None)
        with pytest.raises(SettingsError, match="Another experiment"):
            run_experiment(PLAN, {"a": small_photo})
    finally:
        running.stop()
        running.stop()
        assert running.wait(WAIT_S)
    assert running.result is not None
    assert running.result.stopped
    assert running.result.trials[: len(trials)] == tuple(trials)
    assert len(running.result.trials) < 2000
    assert running.error == ""
    assert worker_processes() == []
    assert run_experiment(PLAN, {"a": small_photo}, cancelled=lambda: True).stopped


def test_one_that_nobody_asks_for_ends_by_itself(
    small_photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A visitor who left does not keep the machine busy; what was measured is kept.

    One that takes far longer than the patience goes on while somebody asks.
    """
    now_s = [0.0]
    monkeypatch.setattr(job, "time", SimpleNamespace(monotonic=lambda: now_s[0]))
    running = BackgroundExperiment(PLAN, {"a": small_photo}, abandoned_after_s=10)
    for number in range(1, 4):
        assert wait_until(lambda least=number: running.progress.done >= least)  # type: ignore[misc]
        now_s[0] += 9
    assert running.progress.done >= 3
    assert running.is_running
    now_s[0] += 11
    assert running.wait(WAIT_S)
    assert running.result is not None
    assert running.result.stopped
    assert running.result.trials
    assert worker_processes() == []
