"""The C library's heap, where memory is short: given back at once rather than kept for later."""

from __future__ import annotations

import ctypes
import platform

# mallopt(3), malloc.h of glibc.
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8

_ARENAS = 2
_MMAP_THRESHOLD_BYTES = 1 << 20


def give_memory_back() -> bool:
    """Have this process keep less freed memory; for good. Tells whether that could be done.

    By itself glibc gives each thread a heap of its own, and keeps freed pictures of up
    to 32 MB there for that thread's next one. With two heaps, and memory of its own for
    each piece of 1 MiB or more, what is freed is soon the system's again. New pieces
    take a little longer.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    arenas = mallopt(_M_ARENA_MAX, _ARENAS)
    threshold = mallopt(_M_MMAP_THRESHOLD, _MMAP_THRESHOLD_BYTES)
    return bool(arenas and threshold)
