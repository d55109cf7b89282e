"""A job in a thread: started, stopped, paused, left alone."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from facecore.serving.job import BackgroundJob

TIMEOUT_S = 30


class Job(BackgroundJob):
    """Does whatever a test wants."""

    def __init__(self, work: Callable[[Job], bool], **how: Any) -> None:
        super().__init__("job", **how)
        self.do = work

    def work(self) -> bool:
        """Do it."""
        return self.do(self)


def _until_stopped(job: Job) -> bool:
    while True:
        job.pass_time(0.01)


def test_new_job_does_nothing() -> None:
    """Before its start it neither runs nor can be stopped, and there is nothing to wait for."""
    job = Job(_until_stopped)
    job.stop()
    job.pause()
    assert (job.state, job.error, job.is_running, job.wait(0)) == ("new", "", False, True)


def test_complete_job_stays_so() -> None:
    """It runs in a thread of its own; then neither starting nor stopping changes anything."""
    threads = []

    def work(_: Job) -> bool:
        threads.append(threading.current_thread())
        return True

    job = Job(work)
    job.start()
    assert job.wait(TIMEOUT_S)
    job.start()
    job.stop()
    assert (job.state, job.is_running, len(threads)) == ("complete", False, 1)
    assert threads != [threading.current_thread()]
    assert job.elapsed_s == job.elapsed_s >= 0


def test_job_that_stops_says_so_until_it_has() -> None:
    """What is under way is not cut off; a second start meanwhile is nothing, later it goes on."""
    may_end = threading.Event()

    def work(job: Job) -> bool:
        assert may_end.wait(TIMEOUT_S)
        job.check()
        return True

    job = Job(work)
    job.start()
    assert (job.state, job.is_running) == ("running", True)
    job.stop()
    job.start()
    job.pause()
    seen = [job.state]
    may_end.set()
    assert job.wait(TIMEOUT_S)
    seen.append(job.state)
    job.start()
    assert job.wait(TIMEOUT_S)
    assert [*seen, job.state] == ["stopping", "stopped", "complete"]


def test_pause_is_told_from_a_stop() -> None:
    """Whoever looks next knows that nobody wished it to end."""
    job = Job(_until_stopped)
    job.start()
    job.pause()
    assert job.wait(TIMEOUT_S)
    assert job.state == "paused"


def test_error_is_a_sentence_and_can_be_tried_again() -> None:
    """What goes wrong ends it; a later start forgets the error."""

    def work(_: Job) -> bool:
        raise KeyError("unexpected")

    job = Job(work)
    job.start()
    assert job.wait(TIMEOUT_S)
    assert job.state == "failed"
    assert "Something unexpected" in job.error
    job.do = lambda _: True
    job.start()
    assert job.wait(TIMEOUT_S)
    assert (job.state, job.error) == ("complete", "")


def test_job_that_nobody_looks_at_ends() -> None:
    """Looking keeps it going, and it may be started again."""
    job = Job(_until_stopped, abandoned_after_s=0.05)
    job.start()
    assert job.wait(TIMEOUT_S)
    assert (job.state, job.is_called_off()) == ("stopped", True)
    job.looked_at()
    assert not job.is_called_off()
