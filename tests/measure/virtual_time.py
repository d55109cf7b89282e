"""Threads in virtual time: one runs at a time, and the clock leaps to whoever is next."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from facecore.errors import BusyError
from facecore.serving.queue import InferenceQueue, Waiting
from facecore.settings.server import ServerSettings


@dataclass(eq=False, slots=True)
class _Task:
    thread: threading.Thread
    go: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    turn: int = 0


class VirtualTime:
    """A clock that stands still while anybody works, and threads that wait by it."""

    def __init__(self) -> None:
        self._now_s = 0.0
        self._order = itertools.count()
        self._agenda: list[tuple[float, int, _Task, int]] = []
        self._rest = threading.Semaphore(0)
        self.task: _Task
        """Who runs."""

    def now_s(self) -> float:
        """Return what the clock shows, seconds."""
        return self._now_s

    def at(self, second: float, work: Callable[[], None]) -> None:
        """Have a thread of its own do this from then on."""

        def run() -> None:
            try:
                work()
            finally:
                self._rest.release()

        self.wake(_Task(threading.Thread(target=run, daemon=True)), second)

    def pass_time(self, seconds: float) -> None:
        """Have the thread that runs do nothing for so long."""
        self.wake(self.task, self._now_s + seconds)
        self.suspend()

    def wake(self, task: _Task, second: float) -> None:
        """Let a thread run then, unless it has run before."""
        heapq.heappush(self._agenda, (second, next(self._order), task, task.turn))

    def suspend(self) -> None:
        """Let the next one run until somebody wakes the thread that runs."""
        go = self.task.go
        self._rest.release()
        go.acquire()

    def run(self) -> None:
        """Let time pass until nothing is left to do."""
        while self._agenda:
            self._now_s, _, task, turn = heapq.heappop(self._agenda)
            if task.turn != turn:
                continue
            task.turn += 1
            self.task = task
            if task.thread.ident is None:
                task.thread.start()
            else:
                task.go.release()
            self._rest.acquire()


class VirtualCondition(threading.Condition):
    """A condition on which threads sleep by a virtual clock."""

    def __init__(self, time: VirtualTime) -> None:
        super().__init__(threading.Lock())
        self._time = time
        self._asleep: list[_Task] = []

    def wait(self, timeout: float | None = None) -> bool:
        """Sleep until somebody notifies, or so many virtual seconds."""
        task = self._time.task
        self._asleep.append(task)
        if timeout is not None:
            self._time.wake(task, self._time.now_s() + timeout)
        self.release()
        self._time.suspend()
        self.acquire()
        was_notified = task not in self._asleep
        if not was_notified:
            self._asleep.remove(task)
        return was_notified

    def notify_all(self) -> None:
        """Wake all who sleep, in their order."""
        for task in self._asleep:
            self._time.wake(task, self._time.now_s())
        self._asleep.clear()


def waits_s(
    settings: ServerSettings, arrivals_s: Sequence[float], run_s: float
) -> list[float | None]:
    """Send requests of as many sessions through a server's queue; each then runs so long.

    Returns:
        For each how long it waited for its turn, seconds; None where it was refused.
    """
    time = VirtualTime()
    queue = InferenceQueue(settings, now_s=time.now_s, changed=VirtualCondition(time))
    waited_s: list[float | None] = [None] * len(arrivals_s)

    def ask(number: int) -> None:
        try:
            with queue.enter(str(number)) as waited_ms:
                waited_s[number] = waited_ms / 1e3
                time.pass_time(run_s)
        except BusyError:
            pass

    for number, second in enumerate(arrivals_s):
        time.at(second, lambda number=number: ask(number))  # type: ignore[misc]
    time.run()
    return waited_s


def live_waits_s(
    visitors: int, photos_s: Sequence[float], run_s: float, until_s: float, **settings: float
) -> tuple[list[float], list[int], float]:
    """Have cameras send frame after frame, each as the one before is read, and photos come.

    Args:
        visitors: cameras, each of which sends from the beginning.
        photos_s: when each photo comes, of a session of its own.
        run_s: what a frame takes, and a photo.
        until_s: when the cameras end.
        settings: of the server.

    Returns:
        How long each photo waited, seconds; how many frames of each camera were read; how long
        before its reading the oldest of them was asked for, seconds.
    """
    time = VirtualTime()
    given = ServerSettings(**settings)  # type: ignore[arg-type]
    queue = InferenceQueue(given, now_s=time.now_s, changed=VirtualCondition(time))
    waited_s, frames, ages_s = [0.0] * len(photos_s), [0] * visitors, [0.0]

    def film(number: int) -> None:
        asked_s = 0.0

        def ask_anew(_: Waiting) -> None:
            nonlocal asked_s
            asked_s = time.now_s()

        while time.now_s() < until_s:
            asked_s = time.now_s()
            with queue.enter(f"camera {number}", live=True, on_wait=ask_anew):
                frames[number] += 1
                ages_s.append(time.now_s() - asked_s)
                time.pass_time(run_s)

    def ask(number: int) -> None:
        with queue.enter(f"photo {number}") as waited_ms:
            waited_s[number] = waited_ms / 1e3
            time.pass_time(run_s)

    for number in range(visitors):
        time.at(0.0, lambda number=number: film(number))  # type: ignore[misc]
    for number, second in enumerate(photos_s):
        time.at(second, lambda number=number: ask(number))  # type: ignore[misc]
    time.run()
    return waited_s, frames, max(ages_s)
