"""What the Live page shows, and how late: ``python -m tests.measure.live [SECONDS]``.

A fake camera plays a clip whose frames have a number on them; server and browser have a processor
each, where there are two. Told are how far the drawn boxes are those of the frame that is shown,
the lag from glass to drawn over one reading (queue and all stages, as the server tells them), in
the first and the last minute, and the frames a second against what the readings alone allow.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, median
from typing import Any

from playwright.sync_api import sync_playwright

from facecore.analysis.analyzer import FaceAnalyzer
from tests.browser import fake_camera
from tests.server import server_process

_WARM_UP_S = 10
_PART_S = 60
_CHECKED = 200  # frames that are read again, to compare the boxes


def measure(seconds: float) -> list[dict[str, Any]]:
    """Show Live for so long, and return what was drawn."""
    *others, first = sorted(os.sched_getaffinity(0), reverse=True)
    pinned = ("taskset", "--cpu-list", str(first))
    if others:
        os.sched_setaffinity(0, others)
    with (
        tempfile.TemporaryDirectory() as folder,
        server_process(Path(folder) / "log", inside=lambda command: [*pinned, *command]) as server,
        sync_playwright() as playwright,
    ):
        clip = Path(folder) / "clip.y4m"
        fake_camera.write_clip(clip)
        with fake_camera.with_camera(playwright.chromium, clip) as browser:
            page = fake_camera.live_page(browser, server.address)
            page.wait_for_timeout(1000 * _WARM_UP_S)
            page.evaluate("window.seen.length = 0")
            page.wait_for_timeout(1000 * seconds)
            seen: list[dict[str, Any]] = page.evaluate("window.seen")
            return seen


def told(seen: Sequence[dict[str, Any]]) -> list[str]:
    """Return what was measured, in lines."""
    readings_ms = [_reading_ms(one) for one in seen]
    span_s = (seen[-1]["at"] - seen[0]["at"]) / 1000
    fps, possible = (len(seen) - 1) / span_s, 1000 / mean(readings_ms)
    analyzer = FaceAnalyzer.load()
    checked = seen[:: max(1, len(seen) // _CHECKED)]
    overlaps = [fake_camera.overlap(one, analyzer) for one in checked]
    parts = {
        "first": [one for one in seen if one["at"] < seen[0]["at"] + 1000 * _PART_S],
        "last": [one for one in seen if one["at"] > seen[-1]["at"] - 1000 * _PART_S],
    }
    return [
        f"{len(seen)} frames in {span_s:.0f} s: {fps:.2f} frames/s, {fps / possible:.3f} of the "
        f"{possible:.2f} that readings of {mean(readings_ms):.1f} ms allow",
        f"boxes over those of the frame shown, {len(checked)} frames: IoU median "
        f"{median(overlaps):.3f}, least {min(overlaps):.3f}",
        *(
            f"{name} minute: lag {median(one['lag'] for one in part):.0f} ms, over one reading "
            f"{median(one['lag'] - _reading_ms(one) for one in part):.0f} ms (medians)"
            for name, part in parts.items()
        ),
    ]


def _reading_ms(one: dict[str, Any]) -> float:
    ms = one["answer"]["ms"]
    return float(ms["queue"] + ms["total"])


if __name__ == "__main__":
    print(*told(measure(float(sys.argv[1]) if len(sys.argv) > 1 else 300)), sep="\n")
