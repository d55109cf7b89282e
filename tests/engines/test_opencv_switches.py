"""OpenCV's process-wide switches: shared by those who agree, in turn for the others."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import cv2
import pytest

from facecore.engines.opencv_switches import RESTING, Switches, SwitchLine

pytestmark = pytest.mark.usefixtures("engine_switches")

ONE = Switches(1, True)
PLAIN = Switches(2, False)
PATIENCE_S = 30.0


def _now() -> Switches:
    return Switches(cv2.getNumThreads(), cv2.useOptimized())


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.001)


@pytest.mark.parametrize("switches", [RESTING, ONE, PLAIN])
@pytest.mark.parametrize("alone", [False, True])
def test_switches_stand_as_asked_and_are_set_back(switches: Switches, alone: bool) -> None:
    """Inside they are as asked, and afterwards as before, also where an error ends it."""
    line = SwitchLine()
    assert _now() == RESTING
    with line.hold(switches, alone=alone):
        assert _now() == switches
    assert _now() == RESTING
    with pytest.raises(ValueError, match="bad"), line.hold(switches, alone=alone):
        raise ValueError("bad")
    assert _now() == RESTING


def test_each_thread_has_its_own_switch_of_intels_library() -> None:
    """Who joins others without optimised code runs without that library too, and gets it back."""
    if not cv2.ipp.useIPP():
        pytest.skip("this OpenCV is built without Intel's library")
    line = SwitchLine()
    together = threading.Barrier(4, timeout=PATIENCE_S)

    def hold(_: int) -> tuple[bool, bool]:
        with line.hold(PLAIN):
            together.wait()
            inside = cv2.ipp.useIPP()
            together.wait()
        return inside, cv2.ipp.useIPP()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(hold, range(4))) == [(False, True)] * 4


def test_those_who_agree_hold_them_together() -> None:
    """Four threads are inside at the same time; the last who leaves sets the switches back."""
    line = SwitchLine()
    together = threading.Barrier(4, timeout=PATIENCE_S)

    def hold(_: int) -> Switches:
        with line.hold(ONE):
            together.wait()
            return _now()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(hold, range(4))) == [ONE] * 4
    assert _now() == RESTING


@pytest.mark.parametrize(("wish", "alone"), [(PLAIN, False), (ONE, True)])
def test_others_wait_until_all_have_left(wish: Switches, alone: bool) -> None:
    """Who wants other switches, or to be alone, is inside with nobody else."""
    line = SwitchLine()
    events: list[str] = []

    def hold() -> None:
        with line.hold(wish, alone=alone):
            events.append("in")
            assert _now() == wish

    with line.hold(ONE):
        thread = threading.Thread(target=hold)
        thread.start()
        _until(line._front.locked)
        assert _now() == ONE
        events.append("out")
    thread.join(PATIENCE_S)
    assert events == ["out", "in"]


def test_nobody_joins_one_who_is_alone() -> None:
    """The same switches do not help while somebody holds them alone."""
    line = SwitchLine()
    events: list[str] = []

    def hold() -> None:
        with line.hold(ONE):
            events.append("in")

    with line.hold(ONE, alone=True):
        thread = threading.Thread(target=hold)
        thread.start()
        _until(line._front.locked)
        events.append("out")
    thread.join(PATIENCE_S)
    assert events == ["out", "in"]


def test_late_comers_do_not_overtake_another_wish() -> None:
    """One who agrees with those inside waits behind one who came before and does not."""
    line = SwitchLine()
    order: list[str] = []

    def hold(name: str, switches: Switches) -> None:
        with line.hold(switches):
            order.append(name)

    with ThreadPoolExecutor(2) as pool:
        with line.hold(ONE):
            first = pool.submit(hold, "other", PLAIN)
            _until(line._front.locked)
            second = pool.submit(hold, "same", ONE)
            assert order == []
        first.result(PATIENCE_S)
        second.result(PATIENCE_S)
    assert order == ["other", "same"]


def test_many_wishes_are_all_granted() -> None:
    """Eight threads with three wishes each get theirs every time, and leave nothing behind."""
    line = SwitchLine()

    def hold(number: int) -> bool:
        wish = (RESTING, ONE, PLAIN)[number % 3]
        with line.hold(wish, alone=number % 7 == 0):
            return _now() == wish

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(hold, range(300)))
    assert _now() == RESTING
    assert not line._front.locked()
    assert not line._holders
