"""Threads follow the quota of a real control group, not the machine's processors."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import cv2
import pytest

from tests.conftest import REPOSITORY
from tests.load.control_groups import ControlGroup, NoControlGroupsError, control_group

pytestmark = pytest.mark.slow

_PROBE = """
import cv2
from facecore.engines import engine_facts
from facecore.settings import RuntimeOptions
facts = engine_facts(RuntimeOptions())
print(facts.threads, cv2.getNumThreads(), engine_facts(RuntimeOptions(threads=3)).threads)
"""


@pytest.fixture
def groups() -> Iterator[ExitStack]:
    """Where a test puts its groups, to be removed the newest first."""
    with ExitStack() as stack:
        yield stack


def _group(groups: ExitStack, name: str, cpus: float | None) -> ControlGroup:
    try:
        return groups.enter_context(control_group(f"facecore-test-{name}", cpus=cpus))
    except NoControlGroupsError as error:
        pytest.skip(str(error))


def _threads(group: ControlGroup) -> tuple[int, ...]:
    done = subprocess.run(
        group.command([sys.executable, "-c", _PROBE]),
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return tuple(map(int, done.stdout.split()))


def _of_the_machine(most: int) -> int:
    return min(cv2.getNumberOfCPUs(), most)


def test_without_a_quota_all_processors_are_used(groups: ExitStack) -> None:
    """A group without a quota leaves the number of threads to OpenCV."""
    assert _threads(_group(groups, "free", None)) == (*(2 * [_of_the_machine(999)]), 3)


@pytest.mark.parametrize(("cpus", "most"), [(0.5, 1), (1.5, 2)])
def test_threads_are_the_quota_rounded_up(groups: ExitStack, cpus: float, most: int) -> None:
    """While a network runs and at rest; a number that was asked for is still obeyed."""
    assert _threads(_group(groups, "quota", cpus)) == (*(2 * [_of_the_machine(most)]), 3)


def test_quota_of_the_group_above_counts(groups: ExitStack) -> None:
    """A group without a quota inside one with a quota lives under that quota."""
    _group(groups, "outer", 1)
    assert _threads(_group(groups, "outer/inner", None)) == (1, 1, 3)
