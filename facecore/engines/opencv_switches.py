"""OpenCV's process-wide switches: who runs under the same ones may run side by side."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
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


class SwitchLine:
    """A line for the switches that the whole process shares.

    Who wants them as they stand joins those who hold them; who wants others waits
    until all have left, and whoever comes later waits behind, so that no wish can
    be put off for ever. For one line a process: `LINE`.
    """

    def __init__(self) -> None:
        self._front = threading.Lock()
        self._left = threading.Condition()
        self._holders = 0
        self._switches = RESTING

    @contextmanager
    def hold(self, switches: Switches, *, alone: bool = False) -> Iterator[None]:
        """Hold the switches as given; with ``alone`` nobody else holds them meanwhile.

        The last who leaves sets them back. A thread that holds them must not ask again.
        """
        with ExitStack() as front:
            front.enter_context(self._front)
            with self._left:
                self._left.wait_for(
                    lambda: not self._holders or (not alone and self._switches == switches)
                )
                self._holders += 1
                self._switches = switches
                _set(switches)
            if not alone:
                front.close()
            try:
                _set_of_this_thread(switches)
                yield
            finally:
                _set_of_this_thread(RESTING)
                with self._left:
                    self._holders -= 1
                    if not self._holders:
                        _set(RESTING)
                    self._left.notify_all()


LINE = SwitchLine()
"""The line of this process."""


@contextmanager
def without_threads() -> Iterator[None]:
    """Be without OpenCV's worker threads, which no fork takes along; they come back when needed.

    For a process in which nobody holds the switches.
    """
    cv2.setNumThreads(1)  # ends them at once
    try:
        yield
    finally:
        cv2.setNumThreads(RESTING.threads)


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
