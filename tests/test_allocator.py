"""What a process keeps of the memory that it freed."""

from __future__ import annotations

import ctypes
import platform
import subprocess
import sys

import pytest

from facecore.allocator import give_memory_back
from tests.conftest import REPOSITORY

# Four threads fill and free pieces that glibc would by then keep in their heaps.
_PROBE = """
import sys, threading, psutil
import numpy as np
from facecore.allocator import give_memory_back
if sys.argv[1] == "back":
    assert give_memory_back()
def work():
    for _ in range(3):
        pieces = [np.full(20 << 20, 1, np.uint8) for _ in range(3)]
        small = np.full(1 << 12, 1, np.uint8)
        del pieces
        kept.append(small)
kept = []
for _ in range(4):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
print(psutil.Process().memory_info().rss)
"""


def _rss_bytes(word: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", _PROBE, word],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has these switches")
def test_freed_pieces_go_back_to_the_system() -> None:
    """After large pieces are freed, less is held than without the switches, by a piece or more."""
    assert _rss_bytes("back") < _rss_bytes("keep") - (15 << 20)


def test_other_c_libraries_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no glibc nothing is done, and it says so."""
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    monkeypatch.setattr(ctypes, "CDLL", lambda _: pytest.fail("was called"))
    assert give_memory_back() is False
