"""What a process keeps of the memory that it freed."""

from __future__ import annotations

import ctypes
import platform
import subprocess
import sys
from collections.abc import Callable

import pytest

from facecore.machine.allocator import give_memory_back, share_heaps
from tests.conftest import REPOSITORY

# Eight threads at a time fill and free pieces, which glibc keeps in their heaps from the
# second round on.
_PROBE = """
import sys, threading, psutil
import numpy as np
from facecore.machine import allocator
for switch in sys.argv[1:]:
    assert getattr(allocator, switch)()
together = threading.Barrier(8)
kept = []
def work():
    for _ in range(3):
        together.wait()
        pieces = [np.full(15 << 20, 1, np.uint8) for _ in range(2)]
        kept.append(np.full(1 << 12, 1, np.uint8))
        del pieces
threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(psutil.Process().memory_info().rss)
"""


def _rss_bytes(*switches: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", _PROBE, *switches],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return int(done.stdout)


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has these switches")
def test_less_of_what_was_freed_is_kept() -> None:
    """After large pieces are freed, fewer heaps hold less, and pieces of their own still less."""
    kept, shared = _rss_bytes(), _rss_bytes("share_heaps")
    given_back = _rss_bytes("share_heaps", "give_memory_back")
    assert given_back < kept - (30 << 20)
    assert given_back <= shared < kept - (15 << 20)


@pytest.mark.parametrize("switch", [give_memory_back, share_heaps])
def test_other_c_libraries_are_left_alone(
    switch: Callable[[], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is no glibc nothing is done, and it says so."""
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    monkeypatch.setattr(ctypes, "CDLL", lambda _: pytest.fail("was called"))
    assert switch() is False
