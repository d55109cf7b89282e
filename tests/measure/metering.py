"""What it costs a request to tell its CPU use: as the article does, and as it is done here.

``python -m tests.measure.metering``
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import psutil

from facecore.machine.meter import ResourceMeter


def main() -> None:
    """Print the medians."""
    process = psutil.Process()
    print(f"cpu_percent(interval=1): {_median_ms(lambda: process.cpu_percent(1), 3):9.3f} ms")
    print(f"ResourceMeter:           {_median_ms(_meter, 200):9.3f} ms")


def _meter() -> None:
    with ResourceMeter() as meter:
        meter.usage()


def _median_ms(work: Callable[[], object], times: int) -> float:
    found = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        found.append((time.perf_counter() - began) * 1e3)
    return statistics.median(found)


if __name__ == "__main__":
    main()
