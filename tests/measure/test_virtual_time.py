"""A server's queue in virtual time: what theory says, and what the same queue does in real time."""

from __future__ import annotations

import heapq
import threading
from itertools import accumulate
from random import Random

import pytest

from facecore.errors import BusyError
from facecore.serving.queue import InferenceQueue
from facecore.settings.server import ServerSettings
from tests.measure.virtual_time import live_waits_s, waits_s

RUN_S = 0.1


def _poisson(load: float, servers: int, count: int) -> list[float]:
    random = Random(7)
    rate_per_s = load * servers / RUN_S
    return list(accumulate(random.expovariate(rate_per_s) for _ in range(count)))


def _mean_wait_s(load: float, servers: int) -> float:
    settings = ServerSettings(concurrency=servers, queue_limit=1000, max_wait_s=600)
    waited_s = waits_s(settings, _poisson(load, servers, 6000), RUN_S)
    assert None not in waited_s
    return sum(wait or 0.0 for wait in waited_s) / len(waited_s)


def test_nobody_waits_where_nobody_comes() -> None:
    """Without requests there is nothing to simulate."""
    assert waits_s(ServerSettings(), [], RUN_S) == []


@pytest.mark.parametrize("servers", [1, 3])
def test_each_waits_as_first_come_first_served_has_it(servers: int) -> None:
    """Request by request it is what Kiefer and Wolfowitz's recursion says."""
    arrivals_s = _poisson(0.9, servers, 400)
    settings = ServerSettings(concurrency=servers, queue_limit=1000, max_wait_s=600)
    free_s, known_s = [0.0] * servers, []
    for second in arrivals_s:
        start_s = max(second, heapq.heappop(free_s))
        known_s.append(start_s - second)
        heapq.heappush(free_s, start_s + RUN_S)
    assert waits_s(settings, arrivals_s, RUN_S) == pytest.approx(known_s, abs=1e-6)


@pytest.mark.slow
def test_mean_wait_is_that_of_queueing_theory() -> None:
    """M/D/1 waits load * run / 2 (1 - load) by Pollaczek and Khinchine; at 0.6 within a tenth."""
    assert _mean_wait_s(0.6, 1) == pytest.approx(0.6 * RUN_S / (2 * 0.4), rel=0.1)


def test_refusals_are_those_of_the_same_queue_in_real_time() -> None:
    """Of ten at once, two run, three wait, and five are refused, here and there."""
    settings = ServerSettings(concurrency=2, queue_limit=3)
    go = threading.Event()
    queue = InferenceQueue(settings)
    counted = threading.Semaphore(0)

    def ask(key: str) -> None:
        try:
            with queue.enter(key):
                counted.release()
                go.wait(60)
        except BusyError:
            counted.release()

    threads = [threading.Thread(target=ask, args=(str(key),)) for key in range(10)]
    for thread in threads:
        thread.start()
    assert all(counted.acquire(timeout=60) for _ in range(2 + 5))
    go.set()
    for thread in threads:
        thread.join()
    stats = queue.stats()
    assert (stats.admitted, stats.refused) == (5, 5)
    waited_s = waits_s(settings, [0.0] * 10, RUN_S)
    assert waited_s[:5] == pytest.approx([0, 0, RUN_S, RUN_S, 2 * RUN_S])
    assert waited_s[5:] == [None] * 5


def test_who_waits_too_long_is_refused_then() -> None:
    """The longest wait counts in virtual seconds as well."""
    settings = ServerSettings(max_wait_s=1.0)
    assert waits_s(settings, [0.0, 0.0, 1.5], 2.0) == [0.0, None, pytest.approx(0.5)]


def test_a_photo_waits_for_the_frame_that_is_read_and_no_other() -> None:
    """Beside four cameras no photo waits longer than one frame takes, and the cameras share."""
    photos_s = [0.03 + 0.37 * number for number in range(50)]
    waited_s, frames, _ = live_waits_s(4, photos_s, RUN_S, 20.0)
    assert 0 < max(waited_s) <= RUN_S + 1e-9
    assert max(frames) - min(frames) <= 1
    # All of the time that the photos leave is the cameras'.
    assert sum(frames) == pytest.approx((20.0 - 50 * RUN_S) / RUN_S, abs=5)


def test_frames_wait_while_photos_do_and_are_never_refused() -> None:
    """Where photos fill the queue no frame starts, and each camera goes on where it stood."""
    waited_s, frames, _ = live_waits_s(3, [0.05] * 30, RUN_S, 3.5)
    assert waited_s == pytest.approx([0.05 + RUN_S * place for place in range(30)])
    assert frames[0] + frames[1] + frames[2] == pytest.approx(35 - 30, abs=3)
    assert max(frames) - min(frames) <= 1
    assert sum(live_waits_s(3, [], RUN_S, 1.0, queue_limit=0)[1]) > 10  # without a place to wait


@pytest.mark.parametrize("visitors", [1, 2, 5])
def test_no_frame_is_older_than_a_reading_when_it_is_read(visitors: int) -> None:
    """However many share, a newer frame is asked for when the turn is the next."""
    assert live_waits_s(visitors, [], RUN_S, 3.0)[2] <= RUN_S + 1e-9
