"""The one queue that all inference of a server passes: few at once, few that wait, fair turns.

Frames of live cameras have the lowest turn: none starts while a photo waits.
"""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from facecore.errors import BusyError
from facecore.settings.server import ServerSettings
from facecore.wording import Text

TELL_EVERY_S = 0.5
"""How often a waiter is told where it stands."""

_LONGEST_ADVICE_S = 60
_NEWEST_RUN_WEIGHT = 0.2
"""Share of the newest run in the mean time of a run."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Where a waiter stands: how many start before it, and how long it has waited."""

    ahead: int
    waited_s: float


OnWait = Callable[[Waiting], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueStats:
    """What goes on at the queue, and what went on since it was made; of photos alone but `running`.

    Attributes:
        running, waiting: runs at this moment.
        admitted: runs that began.
        refused: runs that found the queue full.
        timed_out: runs that waited too long.
        gave_up: runs that left the queue by themselves.
    """

    running: int
    waiting: int
    admitted: int
    refused: int
    timed_out: int
    gave_up: int


@dataclass(eq=False, slots=True)
class _Ticket:
    session_key: str
    arrived_s: float
    live: bool = False
    started_s: float = math.nan


_Line = OrderedDict[str, deque[_Ticket]]
"""Those who wait, by session. The one in front starts next and then goes to the end."""


class InferenceQueue:
    """Lets few runs in at once; the sessions that wait take turns, each first come first served.

    Live frames wait in a line of their own, behind all others: a photo waits for at most the
    frames that run, and the sessions with live frames take turns at what is left.
    Safe to share between threads. A thread that is inside must not enter again.
    """

    def __init__(
        self,
        settings: ServerSettings | None = None,
        *,
        now_s: Callable[[], float] = time.monotonic,
        changed: threading.Condition | None = None,
    ) -> None:
        """Make a queue at which nobody waits.

        Args:
            settings: how many run at once and how many wait; the defaults where None.
            now_s: the clock, seconds.
            changed: what waiters sleep on; another than Python's own goes with another clock.
        """
        self.settings = settings or ServerSettings()
        self._now_s = now_s
        # Every change wakes all who wait, and each looks for itself whether it is next:
        # so no wake-up is lost, whoever leaves and however.
        self._changed = changed or threading.Condition()
        # No session is without a ticket.
        self._queued: _Line = OrderedDict()
        self._live: _Line = OrderedDict()
        self._running: set[_Ticket] = set()
        self._next_start_s = -math.inf
        self._mean_run_s = 1.0
        self._counts = dict.fromkeys(("admitted", "refused", "timed_out", "gave_up"), 0)

    @contextmanager
    def enter(
        self, session_key: str, *, on_wait: OnWait | None = None, live: bool = False
    ) -> Iterator[float]:
        """Wait for a turn and hold it; give how long that took, milliseconds.

        Args:
            session_key: whose turn it is; sessions take turns.
            on_wait: called in this thread after each half second of waiting, and where a live
                frame comes to be the next. It must be quick, and may raise to give up.
            live: whether it is a live frame, which goes behind all that are none, is never
                refused, and waits until it gives up; a session has one at a time.

        Raises:
            BusyError: the queue is full, or the turn did not come in time.
        """
        ticket = _Ticket(session_key, self._now_s(), live)
        try:
            with self._changed:
                self._queue_up(ticket)
                # At once, so that nobody who comes next has to wait where a slot is free.
                starts = self._start(ticket)
            if not starts:
                self._wait(ticket, on_wait)
            yield (ticket.started_s - ticket.arrived_s) * 1e3
        finally:
            self._leave(ticket)

    def stats(self) -> QueueStats:
        """Count what goes on and what went on."""
        with self._changed:
            return QueueStats(running=len(self._running), waiting=self._waiting(), **self._counts)

    def _waiting(self) -> int:
        return sum(map(len, self._queued.values()))

    def _line_of(self, ticket: _Ticket) -> _Line:
        return self._live if ticket.live else self._queued

    def _queue_up(self, ticket: _Ticket) -> None:
        if not ticket.live and (self._queued or not self._is_open()):
            own, everybody = len(self._queued.get(ticket.session_key, ())), self._waiting()
            if own >= self.settings.session_limit or everybody >= self.settings.queue_limit:
                self._counts["refused"] += 1
                raise self._busy(Text("{n} photos wait already", n=everybody))
        self._line_of(ticket).setdefault(ticket.session_key, deque()).append(ticket)

    def _wait(self, ticket: _Ticket, on_wait: OnWait | None) -> None:
        deadline_s = math.inf if ticket.live else ticket.arrived_s + self.settings.max_wait_s
        tell_s = ticket.arrived_s + TELL_EVERY_S if on_wait else math.inf
        ahead = 0
        while True:
            with self._changed:
                if self._start(ticket):
                    return
                ahead = ahead or self._ahead(ticket)
                self._changed.wait(self._pause_s(min(deadline_s, tell_s)))
                if self._start(ticket):
                    return
                now_s = self._now_s()
                if now_s >= deadline_s:
                    self._counts["timed_out"] += 1
                    self._drop(ticket)
                    raise self._busy(
                        Text("no turn came in {wait_s:g} seconds", wait_s=self.settings.max_wait_s)
                    )
                place = Waiting(self._ahead(ticket), now_s - ticket.arrived_s)
            comes_next = ticket.live and ahead > 0 == place.ahead
            ahead = place.ahead
            if on_wait and (now_s >= tell_s or comes_next):
                tell_s = now_s + TELL_EVERY_S
                on_wait(place)

    def _is_open(self) -> bool:
        return (
            len(self._running) < self.settings.concurrency and self._now_s() >= self._next_start_s
        )

    def _start(self, ticket: _Ticket) -> bool:
        """Begin if it is this ticket's turn."""
        line = self._queued or self._live
        key = next(iter(line))
        if not self._is_open() or line[key][0] is not ticket:
            return False
        line.move_to_end(key)
        self._drop(ticket)
        self._running.add(ticket)
        ticket.started_s = self._now_s()
        self._next_start_s = ticket.started_s + self.settings.min_interval_ms / 1e3
        self._counts["admitted"] += not ticket.live
        return True

    def _pause_s(self, until_s: float) -> float:
        """Return how long to sleep unless something changes, seconds."""
        now_s = self._now_s()
        if self._next_start_s > now_s:
            until_s = min(until_s, self._next_start_s)
        return min(max(0.0, until_s - now_s), threading.TIMEOUT_MAX)

    def _ahead(self, ticket: _Ticket) -> int:
        """Count those that start before: in each round each session starts one."""
        line = self._line_of(ticket)
        own = line[ticket.session_key].index(ticket)
        ahead, rounds = own + (self._waiting() if ticket.live else 0), own + 1
        for key, tickets in line.items():
            if key == ticket.session_key:
                rounds = own  # the sessions behind it start after it in each round
            else:
                ahead += min(len(tickets), rounds)
        return ahead

    def _drop(self, ticket: _Ticket) -> None:
        line = self._line_of(ticket)
        tickets = line[ticket.session_key]
        tickets.remove(ticket)
        if not tickets:
            del line[ticket.session_key]
        self._changed.notify_all()

    def _leave(self, ticket: _Ticket) -> None:
        with self._changed:
            if ticket in self._running:
                self._running.remove(ticket)
                took_s = self._now_s() - ticket.started_s
                if not ticket.live:  # a frame takes less, and nobody is told to wait for one
                    self._mean_run_s += _NEWEST_RUN_WEIGHT * (took_s - self._mean_run_s)
                self._changed.notify_all()
            elif ticket in self._line_of(ticket).get(ticket.session_key, ()):
                self._counts["gave_up"] += not ticket.live
                self._drop(ticket)

    def _busy(self, why: Text) -> BusyError:
        settings = self.settings
        a_turn_s = max(self._mean_run_s / settings.concurrency, settings.min_interval_ms / 1e3)
        until_s = max(0.0, self._next_start_s - self._now_s()) + a_turn_s * self._waiting()
        seconds = min(max(1, math.ceil(until_s)), _LONGEST_ADVICE_S)
        return BusyError(
            "The server is busy, {why}: try again in about {seconds} s.",
            retry_after_s=seconds,
            why=why,
            seconds=seconds,
        )
