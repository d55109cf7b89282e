"""How a server divides the memory that it may take, so that a small container does not kill it."""

from __future__ import annotations

from dataclasses import dataclass

import psutil

from facecore.container import read_limits
from facecore.settings import DEFAULT_MAX_PIXELS

# Measured inside a control group of 1 GiB: 160 MB before the networks are loaded, and
# 290 MB for a set of them; the rest is room for files on their way in.
_SERVER_BYTES = 550_000_000
# Decoding a photo takes so much at its peak, measured over the kinds that there are: 12.3
# for four inks or 16 bits in a TIFF, 11 for a progressive JPEG of four colours, 11.6 for
# an ordinary AVIF, 14.4 for one of 10 or 12 bits. Only such an AVIF of all colours at full
# size has more, 14.8, and 17.4 if transparent: for these there is what stays unfilled.
_BYTES_PER_PIXEL = 14.5
_FILLED_AT_MOST = 0.85
_LEAST_PIXELS = 4_000_000
_TWO_SETS_FROM_BYTES = 1_500_000_000
_DECODED_SHARE = 1 / 20
_UPLOADS_SHARE = 1 / 8


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPlan:
    """What a server may keep in memory at a time.

    Attributes:
        network_sets: sets of the three networks, each for other runtime options.
        max_pixels: of the largest photo that is read.
        decoded_bytes: decoded photos that all sessions together keep for later.
        upload_bytes: uploaded files that all sessions together may have.
    """

    network_sets: int
    max_pixels: int
    decoded_bytes: int
    upload_bytes: int

    @property
    def is_tight(self) -> bool:
        """Tell whether memory is worth more than a little time."""
        return self.network_sets == 1


def plan_for(memory_bytes: int) -> MemoryPlan:
    """Divide so much memory."""
    left_bytes = _FILLED_AT_MOST * memory_bytes - _SERVER_BYTES
    # Whole megapixels, as the limit is told to visitors.
    pixels = int(left_bytes / _BYTES_PER_PIXEL / 1e6) * 1_000_000
    return MemoryPlan(
        network_sets=1 if memory_bytes < _TWO_SETS_FROM_BYTES else 2,
        max_pixels=min(DEFAULT_MAX_PIXELS, max(_LEAST_PIXELS, pixels)),
        decoded_bytes=int(_DECODED_SHARE * memory_bytes),
        upload_bytes=int(_UPLOADS_SHARE * memory_bytes),
    )


def memory_plan() -> MemoryPlan:
    """Divide the memory that this process may take: its container's limit, or the machine's."""
    limit_bytes = read_limits().memory_limit_bytes
    machine_bytes = psutil.virtual_memory().total
    return plan_for(machine_bytes if limit_bytes is None else min(limit_bytes, machine_bytes))
