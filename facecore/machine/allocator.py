"""The C library's heaps: few of them, and where memory is short given back at once."""

from __future__ import annotations

import ctypes
import platform

# mallopt(3), malloc.h of glibc.
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8

_ARENAS = 2
_MMAP_THRESHOLD_BYTES = 1 << 20


def share_heaps() -> bool:
    """Have all threads of this process share two heaps; for good; return whether it could be done.

    By itself glibc gives each thread a heap of its own, up to eight a processor, and each
    keeps freed pictures of up to 32 MB for that thread's next one.
    """
    return _set(_M_ARENA_MAX, _ARENAS)


def give_memory_back() -> bool:
    """Have this process keep less freed memory; for good; return whether that could be done.

    With memory of its own for each piece of 1 MiB or more, what is freed is the system's
    again at once. A photo takes a few percent longer, as new pieces have to be cleared.
    """
    return _set(_M_MMAP_THRESHOLD, _MMAP_THRESHOLD_BYTES)


def _set(switch: int, value: int) -> bool:
    if platform.libc_ver()[0] != "glibc":
        return False
    return bool(ctypes.CDLL(None).mallopt(switch, value))
