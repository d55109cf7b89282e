"""The queue: few at once, a short line, fair turns, and nobody lost."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from facecore.errors import BusyError
from facecore.serving import queue as queue_module
from facecore.serving.queue import InferenceQueue, QueueStats, Waiting
from facecore.settings.server import ServerSettings

PATIENCE_S = 30.0
ONE_AT_A_TIME = ServerSettings(queue_limit=200, session_limit=100, max_wait_s=PATIENCE_S)


class LeftError(Exception):
    """Somebody would not wait any longer."""


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Threads enough for everybody who waits."""
    with ThreadPoolExecutor(128) as threads:
        yield threads


@pytest.fixture
def told_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have waiters told where they stand all the time."""
    monkeypatch.setattr(queue_module, "TELL_EVERY_S", 0.005)


def _until(condition: Callable[[], bool]) -> None:
    """Wait for another thread to get somewhere."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.001)


def _queue(
    queue: InferenceQueue, pool: ThreadPoolExecutor, keys: str, started: list[str]
) -> list[Future[float]]:
    """Have a session of each letter wait, in this order; each notes when it starts."""

    def enter(key: str) -> float:
        with queue.enter(key) as waited_ms:
            started.append(key)
            return waited_ms

    futures = []
    for key in keys:
        waiting = queue.stats().waiting
        futures.append(pool.submit(enter, key))
        _until(lambda count=waiting: queue.stats().waiting == count + 1)  # type: ignore[misc]
    return futures


def test_nobody_has_come_to_a_new_gate() -> None:
    """All counts are zero before anybody comes."""
    assert InferenceQueue().stats() == QueueStats(
        running=0, waiting=0, admitted=0, refused=0, timed_out=0, gave_up=0
    )


def test_a_free_gate_lets_in_at_once() -> None:
    """Who finds nobody runs, is counted while running, and is gone afterwards."""
    queue = InferenceQueue()
    with queue.enter("a") as waited_ms:
        assert waited_ms >= 0
        assert (queue.stats().running, queue.stats().waiting) == (1, 0)
    assert (queue.stats().running, queue.stats().admitted) == (0, 1)


def test_a_free_gate_without_a_line_lets_in() -> None:
    """A line of length zero refuses only those who would have to wait."""
    queue = InferenceQueue(ServerSettings(queue_limit=0))
    with queue.enter("a"), pytest.raises(BusyError), queue.enter("b"):
        pass
    with queue.enter("b"):
        assert queue.stats().running == 1


def test_who_starts_at_once_never_stands_in_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who comes in the very moment after another finds every place that is free."""
    queue = InferenceQueue(ServerSettings(concurrency=2, queue_limit=0))
    running: list[int] = []

    class Interrupted(threading.Condition):
        """Has another one come as soon as the first has let go of the lock."""

        def __exit__(self, *args: Any) -> None:
            super().__exit__(*args)
            if not running:
                running.append(0)
                with queue.enter("b"):
                    running.append(queue.stats().running)

    monkeypatch.setattr(queue, "_changed", Interrupted())
    with queue.enter("a"):
        assert running == [0, 2]
    assert queue.stats().refused == 0


@pytest.mark.parametrize("concurrency", [1, 2, 5])
def test_no_more_run_at_once_than_may(concurrency: int, pool: ThreadPoolExecutor) -> None:
    """Many threads in all, but never more inside than the settings say, and as many as they say."""
    queue = InferenceQueue(
        ServerSettings(concurrency=concurrency, queue_limit=200, max_wait_s=PATIENCE_S)
    )
    inside: list[int] = []
    all_in = threading.Barrier(concurrency, timeout=PATIENCE_S)

    def run(number: int) -> None:
        with queue.enter(str(number)):
            inside.append(queue.stats().running)
            all_in.wait()  # only as many as may run at once can get past it

    list(pool.map(run, range(10 * concurrency)))
    assert max(inside) == concurrency
    assert queue.stats().admitted == 10 * concurrency


def test_waiting_is_told_in_the_pass(pool: ThreadPoolExecutor) -> None:
    """The pass of one who waited says at least as long as the other one ran."""
    queue = InferenceQueue(ONE_AT_A_TIME)
    with queue.enter("a"):
        (waiter,) = _queue(queue, pool, "b", [])
        began = time.monotonic()
        time.sleep(0.02)
        least_ms = (time.monotonic() - began) * 1e3
    assert waiter.result(PATIENCE_S) >= least_ms


def test_sessions_take_turns(pool: ThreadPoolExecutor) -> None:
    """Each session gets one turn a round, and its own in the order they came."""
    queue = InferenceQueue(ONE_AT_A_TIME)
    started: list[str] = []
    with queue.enter("x"):
        futures = _queue(queue, pool, "aaaabbc", started)
    for future in futures:
        future.result(PATIENCE_S)
    assert "".join(started) == "abcabaa"


def test_a_session_is_served_in_the_order_of_its_asking(pool: ThreadPoolExecutor) -> None:
    """Within one session, first come is first served."""
    queue = InferenceQueue(ONE_AT_A_TIME)
    order: list[int] = []

    def run(number: int) -> None:
        with queue.enter("a"):
            order.append(number)

    with queue.enter("x"):
        futures = []
        for number in range(10):
            futures.append(pool.submit(run, number))
            _until(lambda count=number: queue.stats().waiting == count + 1)  # type: ignore[misc]
    for future in futures:
        future.result(PATIENCE_S)
    assert order == list(range(10))


def test_a_hundred_of_one_do_not_starve_another(pool: ThreadPoolExecutor) -> None:
    """Who comes last, behind a hundred of one session, is the second to start."""
    queue = InferenceQueue(ONE_AT_A_TIME)
    started: list[str] = []
    with queue.enter("x"):
        futures = _queue(queue, pool, "a" * 100 + "b", started)
    for future in futures:
        future.result(PATIENCE_S)
    assert started.index("b") == 1
    assert len(started) == 101


def test_a_session_can_fill_only_its_own_share(pool: ThreadPoolExecutor) -> None:
    """Beyond its limit a session is refused at once, and others still find room."""
    queue = InferenceQueue(ServerSettings(session_limit=2, max_wait_s=PATIENCE_S))
    started: list[str] = []
    with queue.enter("x"):
        futures = _queue(queue, pool, "aa", started)
        with pytest.raises(BusyError), queue.enter("a"):
            pass
        futures += _queue(queue, pool, "b", started)
        assert (queue.stats().waiting, queue.stats().refused) == (3, 1)
    for future in futures:
        future.result(PATIENCE_S)


def test_a_full_line_says_when_to_come_back(pool: ThreadPoolExecutor) -> None:
    """Where the line is full, one sentence says so, and after how many seconds to try."""
    queue = InferenceQueue(ServerSettings(queue_limit=3, max_wait_s=PATIENCE_S))
    with queue.enter("x"):
        futures = _queue(queue, pool, "abc", [])
        with pytest.raises(BusyError) as caught, queue.enter("d"):
            pass
        assert queue.stats().refused == 1
    for future in futures:
        future.result(PATIENCE_S)
    assert 1 <= caught.value.retry_after_s <= 60
    assert f"try again in about {caught.value.retry_after_s} s." in str(caught.value)
    assert "3 photos wait already" in str(caught.value)


def test_who_waits_too_long_is_sent_away(pool: ThreadPoolExecutor) -> None:
    """A wait that is over leaves no place in the line, and those behind go on."""
    queue = InferenceQueue(replace(ONE_AT_A_TIME, max_wait_s=0.1))
    started: list[str] = []
    with queue.enter("x"):
        with pytest.raises(BusyError, match=r"no turn came in 0\.1 seconds"), queue.enter("a"):
            pass
        queue.settings = ONE_AT_A_TIME
        assert (queue.stats().waiting, queue.stats().timed_out, queue.stats().gave_up) == (0, 1, 0)
        futures = _queue(queue, pool, "b", started)
    futures[0].result(PATIENCE_S)
    assert started == ["b"]


@pytest.mark.parametrize(("interval_ms", "least_s"), [(0, 1), (40_000, 20), (60_000, 40)])
def test_the_advice_knows_of_the_interval(interval_ms: float, least_s: int) -> None:
    """Where runs keep a distance, nobody is asked to come back before the next may start."""
    queue = InferenceQueue(ServerSettings(min_interval_ms=interval_ms, queue_limit=0))
    with queue.enter("a"), pytest.raises(BusyError) as caught, queue.enter("b"):
        pass
    assert least_s <= caught.value.retry_after_s <= 60


def test_an_error_inside_makes_room() -> None:
    """Whatever ends a run, the next can start."""
    queue = InferenceQueue(ServerSettings(queue_limit=0))
    for error in (ValueError("bad"), KeyboardInterrupt(), SystemExit()):
        with pytest.raises(type(error)), queue.enter("a"):
            raise error
    with queue.enter("a"):
        assert queue.stats() == QueueStats(
            running=1, waiting=0, admitted=4, refused=0, timed_out=0, gave_up=0
        )


@pytest.mark.usefixtures("told_often")
def test_who_gives_up_leaves_the_line(pool: ThreadPoolExecutor) -> None:
    """An exception while waiting frees the place, for those behind in the same session too."""
    queue = InferenceQueue(ONE_AT_A_TIME)
    started: list[str] = []

    def give_up(place: Waiting) -> None:
        raise LeftError

    with queue.enter("x"):
        with pytest.raises(LeftError), queue.enter("a", on_wait=give_up):
            pass
        assert (queue.stats().waiting, queue.stats().gave_up) == (0, 1)
        futures = _queue(queue, pool, "aa", started)
    for future in futures:
        future.result(PATIENCE_S)
    assert started == ["a", "a"]


@pytest.mark.usefixtures("told_often")
def test_a_killed_waiter_leaves_the_line() -> None:
    """A thread that is made to raise from outside while it waits is not in the line any more."""
    queue = InferenceQueue(ONE_AT_A_TIME)
    ended: list[type[BaseException]] = []

    def wait() -> None:
        try:
            with queue.enter("a", on_wait=lambda _: None):
                raise AssertionError("its turn cannot have come")
        except LeftError as error:
            ended.append(type(error))

    with queue.enter("x"):
        thread = threading.Thread(target=wait)
        thread.start()
        _until(lambda: queue.stats().waiting == 1)
        assert thread.ident is not None
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident), ctypes.py_object(LeftError)
        )
        thread.join(PATIENCE_S)
        assert ended == [LeftError]
        assert queue.stats().waiting == 0
    with queue.enter("b"):
        assert queue.stats().running == 1


@pytest.mark.usefixtures("told_often")
def test_waiters_are_told_where_they_stand(pool: ThreadPoolExecutor) -> None:
    """How many start before is counted in rounds, not in the order of coming."""
    queue = InferenceQueue(ONE_AT_A_TIME)
    places: dict[str, Waiting] = {}

    def enter(name: str, key: str) -> None:
        with queue.enter(key, on_wait=lambda place: places.__setitem__(name, place)):
            pass

    with queue.enter("x"):
        futures = []
        for number, name in enumerate(("a1", "a2", "a3", "b1", "c1", "c2")):
            futures.append(pool.submit(enter, name, name[0]))
            _until(lambda count=number: queue.stats().waiting == count + 1)  # type: ignore[misc]
        # a1 b1 c1, a2 c2, a3
        expected = {"a1": 0, "b1": 1, "c1": 2, "a2": 3, "c2": 4, "a3": 5}
        _until(lambda: {name: place.ahead for name, place in places.items()} == expected)
    for future in futures:
        future.result(PATIENCE_S)
    assert all(place.waited_s > 0 for place in places.values())


@pytest.mark.parametrize("concurrency", [1, 3])
def test_starts_keep_their_distance(concurrency: int, pool: ThreadPoolExecutor) -> None:
    """With an interval, no run starts sooner after the one before, and all start."""
    interval_ms = 20.0
    queue = InferenceQueue(
        ServerSettings(
            concurrency=concurrency,
            min_interval_ms=interval_ms,
            queue_limit=50,
            max_wait_s=PATIENCE_S,
        )
    )
    started_s: list[float] = []

    def run(number: int) -> None:
        with queue.enter(str(number % 5)):
            started_s.append(time.monotonic())

    list(pool.map(run, range(10)))
    assert len(started_s) == 10
    # Each notes its start a little after the queue did, so only the whole stretch is exact.
    ordered = sorted(started_s)
    assert ordered[-1] - ordered[0] >= (9 - 1) * interval_ms / 1e3


def test_a_place_that_only_time_frees_is_taken(pool: ThreadPoolExecutor) -> None:
    """Who began to wait while all places were taken still starts once the interval has passed."""
    queue = InferenceQueue(
        ServerSettings(concurrency=2, min_interval_ms=50, queue_limit=9, max_wait_s=PATIENCE_S)
    )
    started: list[str] = []
    with ExitStack() as first, ExitStack() as second:
        first.enter_context(queue.enter("x"))
        second.enter_context(queue.enter("y"))
        futures = _queue(queue, pool, "ab", started)
        time.sleep(0.06)  # the interval is over, both places are still taken
        first.close()
        second.close()  # the first waiter's start began a new interval meanwhile
        for future in futures:
            future.result(PATIENCE_S)
    assert sorted(started) == ["a", "b"]


@pytest.mark.usefixtures("told_often")
def test_nobody_is_lost_in_a_crowd(pool: ThreadPoolExecutor) -> None:
    """Many who come, run, fail, give up and run out of time leave an empty queue behind."""
    patient = ServerSettings(concurrency=2, queue_limit=20, session_limit=6, max_wait_s=PATIENCE_S)
    impatient = replace(patient)
    # Less than a server can be told.
    object.__setattr__(impatient, "max_wait_s", 0.01)
    queue = InferenceQueue(patient)

    def visit(number: int) -> str:
        random = Random(number)

        def tell(_: Waiting) -> None:
            if random.random() < 0.2:
                raise LeftError

        try:
            queue.settings = random.choice([patient, impatient])
            with queue.enter(str(number % 4), on_wait=tell):
                time.sleep(0.001)
                if random.random() < 0.2:
                    raise ValueError
        except (LeftError, BusyError, ValueError) as error:
            return type(error).__name__
        return "ran"

    ends = list(pool.map(visit, range(600)))
    stats = queue.stats()
    assert (stats.running, stats.waiting) == (0, 0)
    assert stats.admitted == ends.count("ran") + ends.count("ValueError")
    assert stats.gave_up == ends.count("LeftError")
    assert stats.refused + stats.timed_out == ends.count("BusyError")
    assert {"ran", "ValueError", "LeftError", "BusyError"} == set(ends)
    with queue.enter("last"):
        assert queue.stats().running == 1
