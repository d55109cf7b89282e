"""Worker processes where memory runs out, in a real control group."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import REPOSITORY
from tests.load.control_groups import NoControlGroupsError, control_group

pytestmark = pytest.mark.slow

MIB = 1 << 20
_LIMIT_BYTES = 700 * MIB
# The parent is the largest process by far when the worker's networks no longer fit.
_PARENT = """
import numpy as np
from facecore.errors import WorkerDiedError
from facecore.executors.process import WorkerProcess
held = np.ones(450 << 20, np.uint8)
with WorkerProcess() as worker:
    try:
        worker.load()
        print("loaded")
    except WorkerDiedError as error:
        print(error)
"""


def test_worker_is_killed_and_not_its_parent() -> None:
    """Where a worker's networks find no memory, the parent lives and says what happened."""
    try:
        with control_group("facecore-test-worker", memory_bytes=_LIMIT_BYTES) as group:
            done = subprocess.run(
                group.command([sys.executable, "-c", _PARENT]),
                cwd=REPOSITORY,
                capture_output=True,
                text=True,
                check=False,
                timeout=120,
            )
            kills = group.memory().kills
    except NoControlGroupsError as error:
        pytest.skip(str(error))
    assert (done.returncode, kills) == (0, 1), done.stderr
    assert done.stdout == "A worker process ended (signal SIGKILL).\n"
