"""How a server divides the memory that it may take, so that a small container does not kill it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import psutil

from facecore.machine.container import read_limits
from facecore.settings import DEFAULT_MAX_PIXELS

# Measured inside a control group of 1 GiB.
_PROCESS_BYTES = 160_000_000
_NETWORK_SET_BYTES = 290_000_000
# Decoding a photo takes so much at its peak, measured over the kinds that there are: 12.3
# for four inks or 16 bits in a TIFF, 11 for a progressive JPEG of four colours, 11.6 for
# an ordinary AVIF. Only an AVIF of 10 or 12 bits has more, 14.4 to 17.4: at 1 GiB even
# that fits into what stays unfilled.
_BYTES_PER_PIXEL = 12.3
# The rest is for what no share names, such as a photo out of a ZIP file while it is read.
_FILLED_AT_MOST = 0.88
_LEAST_PIXELS = 4_000_000
_STEP_BYTES = 1 << 28
# From here on a second set takes nothing from the largest photo.
_TWO_SETS_FROM_BYTES = 3_000_000_000
_SHARES = {
    "upload_bytes": 1 / 15,
    # At 1 GiB one file of 50 MB, or four photos of 24 megapixels.
    "request_bytes": 1 / 18,
    "decoded_bytes": 1 / 64,
    "download_bytes": 1 / 64,
    "picture_bytes": 1 / 64,
    "message_bytes": 1 / 200,
}
# An open page takes about so much, before anything is read for it.
_BYTES_PER_PAGE = 4_000_000
_PAGES = (64, 1024)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPlan:
    """What a server may keep in memory at a time; all of it together fits.

    Attributes:
        network_sets: sets of the three networks, each for other runtime options.
        max_pixels: of the largest photo that is read.
        upload_bytes: uploaded files that all sessions' pages together may have; those
            of their batches are among them.
        request_bytes: photos in requests to the HTTP API that are not answered yet.
        decoded_bytes: decoded photos that all sessions together keep for later.
        download_bytes: files that are made in memory for visitors to take away.
        picture_bytes: drawn photos that the HTTP API keeps for a while.
        message_bytes: parts of websocket messages of which the rest has not come.
        pages: that are open at a time.
    """

    network_sets: int
    max_pixels: int
    upload_bytes: int
    request_bytes: int
    decoded_bytes: int
    download_bytes: int
    picture_bytes: int
    message_bytes: int
    pages: int

    @property
    def is_tight(self) -> bool:
        """Return whether memory is worth more than a little time."""
        return self.network_sets == 1

    @property
    def needed_bytes(self) -> int:
        """Memory where all shares are full and one photo of the most pixels is read."""
        return (
            _PROCESS_BYTES
            + _NETWORK_SET_BYTES * self.network_sets
            + round(_BYTES_PER_PIXEL * self.max_pixels)
            + sum(int(getattr(self, name)) for name in _SHARES)
        )


def plan_for(memory_bytes: int) -> MemoryPlan:
    """Divide so much memory; where it is too little for all, photos of 4 megapixels are read."""
    low, high = _PAGES
    without_photo = MemoryPlan(
        network_sets=1 if memory_bytes < _TWO_SETS_FROM_BYTES else 2,
        max_pixels=0,
        pages=min(max(memory_bytes // _BYTES_PER_PAGE, low), high),
        **{name: int(share * memory_bytes) for name, share in _SHARES.items()},
    )
    left_bytes = _FILLED_AT_MOST * memory_bytes - without_photo.needed_bytes
    # Whole megapixels, as the limit is told to visitors.
    pixels = int(left_bytes / _BYTES_PER_PIXEL / 1e6) * 1_000_000
    return replace(without_photo, max_pixels=min(DEFAULT_MAX_PIXELS, max(_LEAST_PIXELS, pixels)))


def memory_for(max_pixels: int, *, sets: int = 1, at_once: int = 1) -> int:
    """Return the bytes in which so many photos of so many pixels are read at once, from 1 GiB on.

    In steps of 256 MiB, with so many sets of networks for the same options.
    """
    more = (sets - 1) * _NETWORK_SET_BYTES + (at_once - 1) * round(_BYTES_PER_PIXEL * max_pixels)
    memory_bytes = 4 * _STEP_BYTES
    while (
        replace(plan_for(memory_bytes), max_pixels=max_pixels).needed_bytes + more
        > _FILLED_AT_MOST * memory_bytes
    ):
        memory_bytes += _STEP_BYTES
    return memory_bytes


def memory_plan() -> MemoryPlan:
    """Divide the memory that this process may take: its container's limit, or the machine's."""
    limit_bytes = read_limits().memory_limit_bytes
    machine_bytes = psutil.virtual_memory().total
    return plan_for(machine_bytes if limit_bytes is None else min(limit_bytes, machine_bytes))
