"""Workers forked from one that has the networks: their memory, their ends, and the server's."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from facecore.executors.forking import CAN_FORK, Starter, _ForkServer
from facecore.settings import AnalysisSettings, RuntimeOptions
from tests.conftest import REPOSITORY
from tests.executors.conftest import is_gone
from tests.limits.workers import (
    different_answers,
    faces_of,
    gone_wrong,
    memory_of_one_more,
    starter,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CAN_FORK, reason="needs Linux, and a Python that knows pidfd_open"),
]
# OpenCV ends its threads where it is asked to, so that it may have several.
TWO_THREADS = RuntimeOptions(engine="opencv", threads=2)
# The threads of this one are there to stay.
STAYING_THREADS = RuntimeOptions(engine="onnxruntime", threads=2)


@pytest.fixture(scope="module")
def forking() -> Iterator[Starter]:
    """What forks workers of OpenCV with two threads, for tests that leave it well."""
    with starter(TWO_THREADS, forks=True) as made:
        yield made


@pytest.fixture(scope="module")
def programs() -> Iterator[Starter]:
    """What starts each of the same workers as a program of its own."""
    with starter(TWO_THREADS, forks=False) as made:
        yield made


def _server_of(pid: int) -> psutil.Process:
    parent = psutil.Process(pid).parent()
    assert parent is not None
    return parent


def test_one_more_worker_takes_half_the_memory_at_most(
    forking: Starter, programs: Starter, astronaut_file: bytes
) -> None:
    """What the networks take is there once, also after each has read."""
    forked, plain = (memory_of_one_more(one, [astronaut_file], 2) for one in (forking, programs))
    assert 0 < forked <= plain / 2


def test_answers_are_the_same_to_the_last_digit(
    forking: Starter, programs: Starter, astronaut_file: bytes, hopper_file: bytes
) -> None:
    """Both threads of a forked worker read, and what is no photo is told as ever."""
    photos = iter((astronaut_file, hopper_file, b"text"))
    assert different_answers(forking, programs, photos) == (2, 0)


def test_starts_and_ends_leave_nothing_behind(forking: Starter, astronaut_file: bytes) -> None:
    """Worker after worker reads or is killed over a photo, is told of so, and is no zombie."""
    assert gone_wrong(forking, astronaut_file, 6) == 0
    (server,) = [one for one in psutil.Process().children() if one.cmdline()[-1] == "forks"]
    assert server.children() == []


def test_worker_holds_no_end_of_another(forking: Starter) -> None:
    """Each has its own link alone, so that both sides see it end; and dies before its parent."""
    with forking.worker() as first, forking.worker() as second:
        assert "empty" in str([faces_of(worker, b"") for worker in (first, second)])
        links = [
            {str(path.readlink()) for path in Path(f"/proc/{pid}/fd").iterdir()}
            for pid in (first.pid, second.pid, _server_of(first.pid).pid)
        ]
        scores = [int(Path(f"/proc/{w.pid}/oom_score_adj").read_text()) for w in (first, second)]
    sockets = [{name for name in names if name.startswith("socket:")} for names in links]
    assert list(map(len, sockets)) == [1, 1, 1]
    assert len(set.union(*sockets)) == 3
    assert min(scores) >= 500


def test_batch_goes_on_without_its_fork_server(astronaut_file: bytes) -> None:
    """Where that is killed, workers live on, and who replaces one is a program of its own."""
    with starter(TWO_THREADS, forks=True) as start, start.worker() as first:
        server = _server_of(first.pid)
        server.kill()
        is_gone(server.pid)
        assert len(faces_of(first, astronaut_file)) == 1
        with start.worker() as second:
            assert _server_of(second.pid).pid == os.getpid()
            assert len(faces_of(second, astronaut_file)) == 1
        pid = first.pid
    assert is_gone(pid)


def test_engine_that_keeps_threads_is_not_forked(astronaut_file: bytes) -> None:
    """The process that has loaded it reads itself, and the next is started as before."""
    pytest.importorskip("onnxruntime")
    with starter(STAYING_THREADS, forks=True) as start, start.worker() as first:
        assert not start.is_forking
        with start.worker() as second:
            for worker in (first, second):
                assert _server_of(worker.pid).pid == os.getpid()
                assert len(faces_of(worker, astronaut_file)) == 1
        assert isinstance(first, _ForkServer)
        first.ask(astronaut_file, AnalysisSettings())
        # Of what it may have forked before, it is not asked between a photo and its answer.
        assert first.status_of(os.getpid()) is None
        assert len(first.answer().analysis.faces) == 1


def test_nobody_outlives_a_driver_that_is_killed(astronaut_file: bytes) -> None:
    """Server and workers see their links end, whatever they do."""
    script = (
        "import sys, time, threading\n"
        "from facecore.settings import AnalysisSettings, RuntimeOptions\n"
        "from tests.limits.workers import starter\n"
        "with starter(RuntimeOptions(engine='opencv', threads=1), forks=True) as start:\n"
        "    workers = [start.worker(), start.worker()]\n"
        "    workers[0].ask(sys.stdin.buffer.read(), AnalysisSettings())\n"
        "    print('ready', flush=True); time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as driver:
        assert driver.stdin is not None
        assert driver.stdout is not None
        driver.stdin.write(astronaut_file)
        driver.stdin.close()
        assert driver.stdout.readline() == b"ready\n"
        family = psutil.Process(driver.pid).children(recursive=True)
        driver.kill()
        assert len(family) == 3
        assert all(is_gone(process.pid) for process in family)
