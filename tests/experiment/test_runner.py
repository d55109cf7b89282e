"""Measuring with real worker processes: fair, complete, and with nothing left behind."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.engines import engine_facts
from facecore.errors import SettingsError
from facecore.executors import process
from facecore.experiment import runner
from facecore.experiment.claims import cpu_feature_levels_here
from facecore.experiment.environment import MAX_PHOTOS, MAX_PHOTOS_BYTES
from facecore.experiment.record import MAX_TRIALS, Experiment, Plan
from facecore.experiment.report import Outcome, measured_in_words, report
from facecore.experiment.runner import Progress, rounds, run_experiment
from facecore.experiment.storage import experiment_from_json, experiment_to_json
from facecore.experiment.tables import stages_table, summary_table, trials_table
from facecore.experiment.variants import Variant
from facecore.imaging.decoding import encode_png
from facecore.machine import container
from facecore.machine.container import ContainerLimits, usable_cores
from facecore.models.catalogue import network_specs
from facecore.results import STAGES
from facecore.settings import MODELS_DIR_VARIABLE, ProcessOptions, RuntimeOptions
from tests.conftest import face_rows
from tests.experiment.conftest import (
    REPEATS,
    THROTTLE_MS,
    Measured,
    is_gone,
    read_samples,
    two_variants,
    worker_processes,
)

slow = pytest.mark.slow


@pytest.fixture(autouse=True)
def _no_worker_is_left() -> Iterator[None]:
    """Whatever a test does, no worker process outlives its experiment."""
    yield
    assert worker_processes() == []


def _plan(**changes: object) -> Plan:
    return replace(Plan(variants=two_variants(), repeats=2, warm_up=1), **changes)  # type: ignore[arg-type]


def _places(experiment: Experiment) -> list[int]:
    return [trial.variant for trial in experiment.trials]


def test_rounds_have_every_variant_once() -> None:
    """A round is one photo and all variants; a pass is all photos; passes differ."""
    names = [f"{number}.jpg" for number in range(7)]
    given = list(itertools.islice(rounds(names, 4, seed=3), 7 * 20))
    for _, order in given:
        assert sorted(order) == [0, 1, 2, 3]
    passes = [tuple(name for name, _ in given[start : start + 7]) for start in range(0, 140, 7)]
    for one in passes:
        assert sorted(one) == names
    assert len(set(passes)) > 10
    assert len({tuple(order) for _, order in given}) > 10
    first = Counter(order[0] for _, order in given)
    assert min(first.values()) > 140 / 4 / 2


def test_too_little_memory_is_said_before_anything_is_started(
    monkeypatch: pytest.MonkeyPatch, small_photo: bytes
) -> None:
    """In a small container the sentence says how much is needed and how much there is."""
    limits = ContainerLimits(version=2, memory_limit_bytes=10**9, memory_used_bytes=4 * 10**8)
    monkeypatch.setattr(container, "read_limits", lambda: limits)
    with pytest.raises(SettingsError, match="need about 900 MB of memory, and 600 MB are free"):
        run_experiment(_plan(), {"a.png": small_photo})


def test_rounds_follow_their_seed() -> None:
    """The same seed gives the same order, another one another."""

    def first_ten(seed: int) -> list[tuple[str, list[int]]]:
        return list(itertools.islice(rounds("abc", 3, seed), 10))

    assert first_ten(1) == first_ten(1)
    assert first_ten(1) != first_ten(2)


def test_no_photo_is_refused() -> None:
    """There must be something to read."""
    with pytest.raises(SettingsError, match="1 to 100 photos, not 0"):
        run_experiment(_plan(), {})


def test_too_many_photos_are_refused(small_photo: bytes) -> None:
    """Each worker keeps them all, so there is a limit to their number and to their bytes."""
    many = {str(number): small_photo for number in range(MAX_PHOTOS + 1)}
    with pytest.raises(SettingsError, match="not 101"):
        run_experiment(_plan(), many)
    large = bytes(MAX_PHOTOS_BYTES // 2 + 1)
    with pytest.raises(SettingsError, match="more than 200 MB together"):
        run_experiment(_plan(), {"a": large, "b": large})


@slow
def test_order_is_the_seed_s(measured: Measured) -> None:
    """Trials ran in the order that the plan's seed gives, every variant once a round."""
    plan, trials = measured.experiment.plan, measured.experiment.trials
    names = list(read_samples())
    count = len(plan.variants)
    expected = [
        (place, name, number // len(names))
        for number, (name, order) in enumerate(
            itertools.islice(rounds(names, count, plan.seed), REPEATS * len(names))
        )
        for place in order
    ]
    assert [(trial.variant, trial.photo, trial.repeat) for trial in trials] == expected
    starts = [trial.started_s for trial in trials]
    assert starts == sorted(starts)
    assert starts[-1] < measured.experiment.measured_s


@slow
def test_warm_up_is_not_among_the_trials(measured: Measured) -> None:
    """There are as many trials as repeats, and each is of a whole reading done anew."""
    experiment = measured.experiment
    assert len(experiment.trials) == REPEATS * 2 * 3
    assert not experiment.stopped
    for trial in experiment.trials:
        assert sum(trial.timings.by_stage().values()) <= trial.timings.total_ms
        for stage, time_ms in trial.timings.by_stage().items():
            assert time_ms > 0 or (stage == "classify" and not trial.faces) or stage == "resize"
        assert trial.cycle_time_s * 1e3 >= trial.timings.total_ms
        assert 0 < trial.cpu_time_s <= trial.cycle_cpu_s + 0.05
        assert 0 < trial.rss_after_bytes <= trial.peak_rss_bytes


@slow
def test_options_of_each_process_are_effective(measured: Measured) -> None:
    """In one experiment there were two numbers of threads, and optimised code on and off."""
    one, two, older = measured.experiment.workers
    assert one is not None
    assert two is not None
    assert older is not None
    assert (one.engine.threads, two.engine.threads) == (1, 2)
    assert (one.engine.optimised, two.engine.optimised) == (False, True)
    assert (two.cores, older.cores) == (usable_cores(), 1)
    for worker in (one, two, older):
        assert 0 < worker.load_time_ms < worker.start_up_time_ms
        assert worker.load_rss_delta_bytes > 10_000_000


@slow
def test_cpu_features_are_off_where_asked(measured: Measured) -> None:
    """A worker that is to lack vector units lacks just those; the others have all."""
    levels = cpu_feature_levels_here()
    if not levels:
        pytest.skip("this processor has no vector units that can be switched off")
    off = set(next(iter(levels.values())))
    here = set(engine_facts(RuntimeOptions()).cpu_features)
    _, all_on, older = measured.experiment.workers
    assert all_on is not None
    assert older is not None
    assert set(all_on.engine.cpu_features) == here
    assert set(older.engine.cpu_features) == here - off


@slow
def test_throttle_waits_idly(measured: Measured) -> None:
    """A cycle lasts the interval at least, without CPU time for what was waited."""
    throttled = [trial for trial in measured.experiment.trials if trial.variant == 1]
    assert len(throttled) == REPEATS * 2
    for trial in throttled:
        assert trial.cycle_time_s >= THROTTLE_MS / 1e3
        assert trial.cycle_cpu_s < trial.cpu_time_s + THROTTLE_MS / 2e3


@slow
def test_this_process_stays_as_it_was(measured: Measured) -> None:
    """OpenCV's switches here, and answers to the last bit, never change."""
    before, *later = measured.states
    assert len(later) > 2
    assert all(state == before for state in later)
    assert [len(faces) for faces in before.faces.values()] == [1, 1]


@slow
def test_settings_reach_the_reading(measured: Measured) -> None:
    """A variant that wants more confidence than there is reads no face, the others one each."""
    trials = measured.experiment.trials
    assert {(trial.variant, trial.faces) for trial in trials} == {(0, 1), (1, 1), (2, 0)}
    assert measured.experiment.answers[2] == dict.fromkeys(read_samples(), ())


@slow
def test_answers_are_those_of_the_library(measured: Measured) -> None:
    """A worker answers as this process does; other code paths differ in the last digits only."""
    known = measured.states[0].faces
    for answers in measured.experiment.answers[:2]:
        assert set(answers) == set(known)
        for name, faces in answers.items():
            np.testing.assert_allclose(face_rows(faces), face_rows(known[name]), atol=1e-3)


@slow
def test_photos_that_cannot_be_read_are_told_of(measured: Measured, broken_photo: bytes) -> None:
    """Each has one failure, no size, no trials and no answers, and the others are measured."""
    experiment = measured.experiment
    damaged, too_large = experiment.failures
    assert (damaged.photo, too_large.photo) == ("broken.png", "large.png")
    assert "damaged" in damaged.message
    assert "1 megapixel" in too_large.message
    assert [(photo.name, photo.size_wh is None) for photo in experiment.photos] == [
        ("broken.png", True),
        ("astronaut.png", False),
        ("grace_hopper.jpg", False),
        ("large.png", True),
    ]
    broken, astronaut, *_ = experiment.photos
    assert broken.sha256 == hashlib.sha256(broken_photo).hexdigest()
    assert astronaut.size_wh == (512, 512)
    assert astronaut.file_bytes == len(read_samples()["astronaut.png"])
    assert {trial.photo for trial in experiment.trials} == set(read_samples())


@slow
def test_facts_of_the_run(measured: Measured) -> None:
    """The time it began, how long it measured, and what others did are there."""
    experiment = measured.experiment
    assert experiment.started_at.tzinfo is UTC
    assert experiment.started_at < datetime.now(UTC)
    assert experiment.measured_s > sum(trial.cycle_time_s for trial in experiment.trials) * 0.99
    others = experiment.other_load_percent
    assert others is None or 0 <= others <= 100


@slow
def test_progress_goes_on_to_its_end(measured: Measured) -> None:
    """Every step is told: starting, warming up, then trial after trial with the time left."""
    phases = [now.phase for now in measured.progress]
    assert list(dict.fromkeys(phases)) == [
        "looking at this machine",
        "starting one thread",
        "starting two threads",
        "starting older",
        "warming up, pass 1 of 2",
        "warming up, pass 2 of 2",
        "measuring",
    ]
    measuring = [now for now in measured.progress if now.phase == "measuring"]
    assert [now.done for now in measuring] == list(range(1, REPEATS * 2 * 3 + 1))
    assert {now.total for now in measuring} == {REPEATS * 2 * 3}
    assert measuring[-1].left_s == 0
    assert measuring[-1].failures == measured.experiment.failures


@slow
def test_photos_that_all_cannot_be_read(broken_photo: bytes) -> None:
    """The experiment is there, without trials, with a failure for each photo."""
    done = run_experiment(_plan(), {"a.png": broken_photo, "b.png": b""})
    assert (done.trials, done.measured_s, done.stopped) == ((), 0, False)
    assert [(failure.variant, failure.photo) for failure in done.failures] == [
        (None, "a.png"),
        (None, "b.png"),
    ]
    assert None not in done.workers


@slow
def test_networks_that_cannot_be_loaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each variant has a failure that says which file is wrong; nothing is measured."""
    weights = network_specs()[0].file("weights")
    (tmp_path / weights.name).write_bytes(b"no network")
    monkeypatch.setenv(MODELS_DIR_VARIABLE, str(tmp_path))
    done = run_experiment(_plan(), read_samples())
    assert [(failure.variant, failure.photo) for failure in done.failures] == [(0, None), (1, None)]
    for failure in done.failures:
        assert weights.name in failure.message
    assert (done.workers, done.trials, done.answers) == ((None, None), (), ({}, {}))
    assert weights.name not in done.environment.model_sha256


@slow
def test_workers_that_die_or_hang_do_not_stop_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """A killed one is told of with its signal, a hung one with its time; the last goes on."""
    harmed: list[int] = []
    seen: list[Progress] = []

    def harm(now: Progress) -> None:
        seen.append(now)
        if now.phase.startswith("warming up") and not harmed:
            harmed.append(worker_processes()[0].pid)
            os.kill(harmed[0], signal.SIGKILL)
        elif now.done == 3 and len(harmed) == 1:
            harmed.append(worker_processes()[0].pid)
            os.kill(harmed[1], signal.SIGSTOP)
            monkeypatch.setattr(runner, "TRIAL_TIMEOUT_S", 3.0)

    variants = (*two_variants(), Variant(name="third"))
    photos = read_samples()
    done = run_experiment(_plan(variants=variants, repeats=3), photos, on_progress=harm)
    killed, hung = done.failures
    assert (killed.variant, hung.variant, hung.photo in photos) == (0, 1, True)
    assert "SIGKILL" in killed.message
    assert killed.message.endswith(".")
    assert "did not answer within 3 seconds" in hung.message
    assert is_gone(harmed[1])
    counts = Counter(_places(done))
    assert counts[0] == 0
    assert 0 < counts[1] < 3 * len(photos)
    assert all(now.done < now.total for now in seen[:-1] if now.done)
    assert (seen[-1].done, seen[-1].total, seen[-1].left_s) == (len(done.trials),) * 2 + (0,)
    assert counts[2] == 3 * len(photos)
    assert (None in done.workers, done.stopped) == (False, False)
    assert set(done.answers[1]) == set(done.answers[2]) == set(photos)


@slow
def test_cancelling_works_while_a_worker_hangs() -> None:
    """A worker that hangs as it loads its networks is stopped with the others."""
    looks = itertools.count()

    def freeze_second() -> bool:
        workers = worker_processes()
        if len(workers) < 2:
            return False
        os.kill(workers[1].pid, signal.SIGSTOP)
        return next(looks) > 3

    done = run_experiment(_plan(), read_samples(), cancelled=freeze_second)
    assert (done.stopped, done.trials) == (True, ())
    assert [worker is None for worker in done.workers] == [False, True]


@slow
def test_cancelling_keeps_what_was_measured(
    small_photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once called off, hardly one more trial is made, even where each answer comes at once."""
    # Far longer than any answer takes: it must be asked between the trials as well.
    monkeypatch.setattr(process, "_LOOK_EVERY_S", 30.0)
    seen: list[Progress] = []
    done = run_experiment(
        _plan(repeats=100),
        {"small.png": small_photo},
        on_progress=seen.append,
        cancelled=lambda: bool(seen) and seen[-1].done >= 5,
    )
    assert done.stopped
    assert 5 <= len(done.trials) <= 6
    assert done.measured_s > 0
    assert [len(answers) for answers in done.answers] == [1, 1]


@slow
def test_cancelling_interrupts_a_long_wait() -> None:
    """A worker in the middle of its throttle's minute is stopped, in the warm-up as well."""
    slowest = tuple(
        replace(variant, process=ProcessOptions(min_interval_ms=60_000))
        for variant in two_variants()
    )
    phases: list[str] = []
    asked = itertools.count()
    done = run_experiment(
        _plan(variants=slowest),
        read_samples(),
        on_progress=lambda now: phases.append(now.phase),
        cancelled=lambda: phases[-1].startswith("warming up") and next(asked) > 3,
    )
    assert (done.stopped, done.trials, phases[-1]) == (True, (), "warming up, pass 1 of 1")


@slow
def test_error_of_whoever_looks_on_leaves_no_worker(small_photo: bytes) -> None:
    """What a caller's own function raises comes through, the workers end, another can begin."""

    def fail(now: Progress) -> None:
        if now.done:
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        run_experiment(_plan(), {"a": small_photo}, on_progress=fail)
    assert worker_processes() == []
    with pytest.raises(SettingsError, match="not 0"):
        run_experiment(_plan(), {})


@slow
def test_budget_ends_the_measuring(small_photo: bytes) -> None:
    """After its time no round is begun, and the one that was begun is whole."""
    seen: list[Progress] = []
    done = run_experiment(
        _plan(repeats=1000, budget_s=1.0), {"small.png": small_photo}, on_progress=seen.append
    )
    assert not done.stopped
    assert done.measured_s >= 1
    counts = Counter(_places(done))
    assert counts[0] == counts[1] == done.trials[-1].repeat + 1
    assert sum(1 for trial in done.trials if trial.started_s >= 1) <= 1
    assert len(done.trials) < 2000
    for now in seen:
        assert now.left_s is None or 0 <= now.left_s <= 1
        assert now.done <= now.total or not now.done
    assert seen[-1].left_s == 0
    assert seen[-1].total == len(done.trials)


def test_what_goes_on_ends_where_an_experiment_is_full() -> None:
    """The trials from before count: together there are never more than can be kept."""
    run = runner._Run(_plan(), {}, 1, lambda: False, lambda _: None)
    for before, is_over in ((MAX_TRIALS - 2, False), (MAX_TRIALS - 1, True)):
        run.trials_before = before
        assert run._is_over(0.0) is is_over


@slow
def test_an_experiment_that_was_stopped_goes_on_in_its_order(small_photo: bytes) -> None:
    """What was begun is not done again; the next rounds are those that would have come."""
    other_photo = encode_png(np.full((64, 64, 3), 30, np.uint8))
    photos = {"a": small_photo, "b": other_photo}
    seen: list[Progress] = []
    first = run_experiment(
        _plan(repeats=100, budget_s=60.0),
        photos,
        on_progress=seen.append,
        cancelled=lambda: bool(seen) and seen[-1].done >= 5,
    )
    assert first.stopped
    renamed = {"x": b"no photo", "y": other_photo, "z": small_photo}
    whole = run_experiment(first.more(2), renamed, on_progress=seen.append)
    repeats = first.trials[-1].repeat + 3
    order = itertools.islice(rounds(list(photos), 2, first.plan.seed), repeats * 2)
    expected = [
        (place, name, number // 2)
        for number, (name, places) in enumerate(order)
        for place in places
    ]
    done = [(trial.variant, trial.photo, trial.repeat) for trial in whole.trials]
    begun = {(trial.photo, trial.repeat) for trial in first.trials}
    after = [one for one in expected if one[1:] not in begun]
    assert done == expected[: len(first.trials)] + after
    starts = [trial.started_s for trial in whole.trials]
    assert starts == sorted(starts)
    assert (whole.plan.repeats, whole.plan.budget_s, whole.stopped) == (repeats, None, False)
    assert (seen[-1].done, seen[-1].total, seen[-1].left_s) == (len(after), len(after), 0)
    elsewhere = replace(first, environment=replace(first.environment, cores=999))
    with pytest.raises(SettingsError, match=r"another machine .* \(what differs: cores\)"):
        run_experiment(elsewhere.more(1), photos)


@slow
def test_answers_do_not_depend_on_the_experiment(
    analyzer: FaceAnalyzer, measured: Measured
) -> None:
    """Long after an experiment, this process still answers as before it."""
    for name, data in read_samples().items():
        assert analyzer.analyze(data).faces == measured.states[0].faces[name]


@slow
def test_real_experiment_is_reported(measured: Measured) -> None:
    """Each variant of a real experiment has its numbers, all of them possible."""
    reports = Outcome.of(measured.experiment).reports
    assert [one.variant for one in reports] == list(measured.experiment.plan.variants)
    for one in reports:
        assert one.times.n == 6
        assert one.times.typical_ms is not None
        assert one.times.typical_ms > 0
        assert set(one.stages) <= set(STAGES)
        assert one.peak_rss_bytes is not None
        assert one.peak_rss_bytes > 50_000_000
        assert one.cpu_percent_average is not None
        assert one.cpu_percent_average > 0
        assert measured_in_words(reports[0], one).endswith(".")


@slow
def test_real_experiment_is_read_back_equal(measured: Measured) -> None:
    """What was really measured loses no digit, photos that could not be read included."""
    experiment = measured.experiment
    assert repr(experiment_from_json(experiment_to_json(experiment))) == repr(experiment)
    assert experiment_from_json(experiment_to_json(experiment)) == experiment


@slow
def test_file_is_plain_json(measured: Measured) -> None:
    """Any program can read it: ASCII, no NaN, with units in the names of the trials' columns."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    data = experiment_to_json(measured.experiment)
    assert data.isascii()
    tree = json.loads(data, parse_constant=refuse)
    assert (tree["format"], tree["version"]) == ("facecore experiment", 1)
    columns = tree["trials"]["columns"]
    assert len(tree["trials"]["rows"]) == len(measured.experiment.trials)
    for row, trial in zip(tree["trials"]["rows"], measured.experiment.trials, strict=True):
        values = dict(zip(columns, row, strict=True))
        assert values["total_ms"] == trial.timings.total_ms
        assert values["detect_ms"] == trial.timings.detect_ms
        assert (values["variant"], values["photo"]) == (trial.variant, trial.photo)


@slow
def test_tables_of_a_real_experiment(measured: Measured) -> None:
    """A real experiment fills every table, photos that could not be read among it or not."""
    reports = report(measured.experiment)
    summary = summary_table(reports)
    assert summary["variant"].tolist() == ["one thread", "two threads", "older"]
    assert (summary["typical_ms"] > 0).all()
    assert (summary["model_load_ms"] < summary["start_up_ms"]).all()
    trials = trials_table(measured.experiment)
    assert trials["photo"].nunique() == 2
    assert trials.groupby("variant").size().tolist() == [6, 6, 6]
    stages = stages_table(reports)
    detected = stages[stages["stage"] == "detect"]
    assert detected["variant"].tolist() == ["one thread", "two threads", "older"]
    assert (stages["typical_ms"] > 0).all()
