"""Metering one run of this very process."""

from __future__ import annotations

import os
import threading
import time
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from facecore.machine.meter import ResourceMeter, RunsUnderWay
from facecore.results import ResourceUsage

can_reset_peak = pytest.mark.skipif(
    not os.access("/proc/self/clear_refs", os.W_OK), reason="the peak cannot be reset here"
)


def _burn_cpu() -> float:
    """Work until this thread has used some CPU time; tells how much."""
    while (used_s := time.thread_time()) < 0.02:
        sum(range(1000))
    return used_s


def _metered(megabytes: int) -> ResourceUsage:
    with ResourceMeter() as meter:
        block = np.ones(megabytes << 20, dtype=np.uint8)
        del block
        return meter.usage()


def test_readings_are_plausible() -> None:
    """Times are not negative, memory is really resident, the start is now and in UTC."""
    usage = _metered(1)
    assert usage.wall_time_s > 0
    assert usage.cpu_time_s >= 0
    assert usage.peak_rss_bytes >= max(usage.rss_before_bytes, usage.rss_after_bytes) > 1 << 20
    assert usage.started_at.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - usage.started_at) < timedelta(minutes=5)


def test_cpu_time_is_that_of_all_threads() -> None:
    """Work of another thread of the process counts."""
    used_s: list[float] = []
    with ResourceMeter() as meter:
        thread = threading.Thread(target=lambda: used_s.append(_burn_cpu()))
        thread.start()
        thread.join()
        usage = meter.usage()
    assert usage.cpu_time_s >= used_s[0] > 0


def test_readings_grow_while_the_run_goes_on() -> None:
    """Each reading is of all the time since the start."""
    with ResourceMeter() as meter:
        first = meter.usage()
        sum(range(10_000))
        second = meter.usage()
    assert second.wall_time_s > first.wall_time_s
    assert second.cpu_time_s >= first.cpu_time_s
    assert second.started_at == first.started_at


@can_reset_peak
def test_the_peak_shows_memory_that_is_free_again() -> None:
    """A block that was given back before the reading is in the peak, not in the reading."""
    usage = _metered(200)
    assert usage.peak_rss_bytes - usage.rss_before_bytes > 190 << 20
    assert usage.rss_after_bytes - usage.rss_before_bytes < 100 << 20


@can_reset_peak
def test_a_later_run_does_not_inherit_the_peak() -> None:
    """The peak starts anew with each run that is alone."""
    _metered(200)
    usage = _metered(1)
    assert usage.peak_rss_bytes - usage.rss_before_bytes < 100 << 20


def test_a_run_alone_has_no_others() -> None:
    """Runs one after the other do not count as overlapping."""
    assert [_metered(0).other_runs for _ in range(2)] == [0, 0]


def test_overlapping_runs_see_each_other() -> None:
    """Each run remembers the most others at any one time, also when they have ended."""
    with ResourceMeter() as outer:
        with ResourceMeter() as middle:
            with ResourceMeter() as inner:
                innermost = inner.usage().other_runs
            between = middle.usage().other_runs
        with ResourceMeter() as late:
            latest = late.usage().other_runs
        outermost = outer.usage().other_runs
    assert (innermost, between, latest, outermost) == (2, 2, 1, 2)


def test_runs_of_other_threads_are_seen() -> None:
    """Four threads that meet inside their runs each count the three others."""
    meeting = threading.Barrier(4, timeout=30)
    others: list[int] = []

    def run() -> None:
        with ResourceMeter() as meter:
            meeting.wait()
            others.append(meter.usage().other_runs)
            meeting.wait()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert others == [3, 3, 3, 3]


def test_a_run_that_fails_is_taken_out() -> None:
    """After an error inside a run, the next one is alone again."""
    with pytest.raises(ZeroDivisionError), ResourceMeter():
        _ = 1 // 0
    assert _metered(0).other_runs == 0


def test_leaving_without_entering_is_no_error() -> None:
    """A meter that never entered leaves the others where they are."""
    runs = RunsUnderWay()
    inside, stranger = ResourceMeter(), ResourceMeter()
    assert runs.enter(inside)
    runs.leave(stranger)
    assert not runs.enter(stranger)
    assert (inside.most_others, stranger.most_others) == (1, 1)


def test_metering_never_sleeps(monkeypatch: pytest.MonkeyPatch) -> None:
    """No reading waits for a sample interval, as psutil's cpu_percent(interval=1) would."""

    def refuse(_: float) -> None:
        pytest.fail("the meter slept")

    monkeypatch.setattr(time, "sleep", refuse)
    assert _metered(0).wall_time_s > 0
