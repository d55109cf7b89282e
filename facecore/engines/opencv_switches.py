"""OpenCV's process-wide switches: who runs under the same ones may run side by side."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import cv2

from facecore.machine.container import read_limits, threads_within_quota

# OpenCV looks for a quota only at the mount's root, where that of a nested group is not.
DEFAULT_THREADS = min(cv2.getNumThreads(), threads_within_quota(read_limits()))
"""Threads that OpenCV chose when it was loaded, and no more than the CPU quota feeds."""

cv2.setNumThreads(DEFAULT_THREADS)


@dataclass(frozen=True, slots=True)
class Switches:
    """Worker threads of OpenCV, and whether it uses code for this processor's vector units."""

    threads: int
    optimised: bool


RESTING = Switches(DEFAULT_THREADS, True)
"""How the switches stand while nobody holds them."""


@dataclass(eq=False, slots=True)
class _Place:
    """A place in the line; two are never the same."""

    switches: Switches
    alone: bool


class SwitchLine:
    """A line, first come first served, for the switches that the whole process shares.

    Who wants them as they stand joins those who hold them; who wants others waits
    until all have left, and whoever comes later waits behind, so that no wish can
    be put off for ever. For one line a process: `LINE`.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._line: deque[_Place] = deque()
        self._holders: list[_Place] = []

    @contextmanager
    def hold(self, switches: Switches, *, alone: bool = False) -> Iterator[None]:
        """Hold the switches as given; with ``alone`` nobody else holds them meanwhile.

        The last who leaves sets them back. A thread that holds them must not ask again.
        """
        place = _Place(switches, alone)
        with self._changed:
            self._line.append(place)
            try:
                self._changed.wait_for(lambda: self._line[0] is place and self._may_join(place))
                if not self._holders:
                    _set(switches)
                self._holders.append(place)
            finally:
                self._line.remove(place)
                self._changed.notify_all()
        try:
            _set_of_this_thread(switches)
            yield
        finally:
            _set_of_this_thread(RESTING)
            with self._changed:
                self._holders.remove(place)
                if not self._holders:
                    _set(RESTING)
                self._changed.notify_all()

    def _may_join(self, place: _Place) -> bool:
        return not self._holders or (
            not place.alone
            and not self._holders[0].alone
            and self._holders[0].switches == place.switches
        )


LINE = SwitchLine()
"""The line of this process."""


def _set(switches: Switches) -> None:
    # A change of the number of threads stops and starts OpenCV's workers.
    if cv2.getNumThreads() != switches.threads:
        cv2.setNumThreads(switches.threads)
    if cv2.useOptimized() != switches.optimised:
        cv2.setUseOptimized(switches.optimised)


def _set_of_this_thread(switches: Switches) -> None:
    # The switch for optimised code also turns Intel's library (IPP) on or off, but
    # only in the thread that calls it.
    if cv2.ipp.useIPP() != switches.optimised:
        cv2.ipp.setUseIPP(switches.optimised)
