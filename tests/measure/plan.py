"""What a million photos a day and ten thousand requests a second need, from what one costs here.

``python -m tests.measure.plan [FOLDER]`` reads the photos of FOLDER (the samples without it) in
this process and through the HTTP API of a real server, takes the CPU time and bytes of each, and
prints the tables of docs/planning.md: nodes, network, store requests, and what the queue of one
node does in bursts, simulated with the server's own queue in virtual time.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import psutil
import requests

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.settings import RuntimeOptions
from facecore.settings.server import ServerSettings
from facecore.sources.folders import find_photos
from facecore.sources.samples import samples
from tests.measure.virtual_time import waits_s
from tests.server import server_process

DAY_S = 86_400
PHOTOS_A_DAY = 1_000_000
REQUESTS_A_SECOND = 10_000
CORES = 4
"""Of a node."""
BUSY = 0.7
"""Share of a node's time that is planned for; the rest is for bursts and lost nodes."""
LISTED_AT_ONCE = 1000
"""Objects in one answer of an object store to a listing (S3's ListObjectsV2)."""

_PASSES = 3
_SIMULATED_S = 120
_BURST_FROM_S = 60
BURSTS = ((1.0, 0), (1.5, 10), (2.0, 10), (4.0, 10), (2.0, 60))
"""How many times the steady rate, and for how many seconds."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a photo takes: CPU seconds in a batch and in a server, bytes in and out, on average."""

    photo_cpu_s: float
    answer_cpu_s: float
    photo_bytes: float
    answer_bytes: float


@dataclass(frozen=True, slots=True)
class Need:
    """What a load needs: processors, nodes, network in bits a second each way."""

    cores: float
    nodes: int
    in_bits_s: float
    out_bits_s: float


def need(rate_s: float, cpu_s: float, in_bytes: float, out_bytes: float) -> Need:
    """Return what so many a second need, each of which takes so much CPU time and so many bytes."""
    cores = rate_s * cpu_s
    nodes = -int(-cores // (CORES * BUSY))
    return Need(cores, nodes, 8 * rate_s * in_bytes, 8 * rate_s * out_bytes)


def measured(photos: list[bytes]) -> Cost:
    """Read photos with one thread here, and through a server; return the means."""
    analyzer = FaceAnalyzer.load(RuntimeOptions(threads=1))
    photo_cpu_s, answer_cpu_s, answer_bytes = [], [], []
    for photo in photos * _PASSES:
        began_s = time.process_time()
        analyzer.analyze(photo, annotate=False)
        photo_cpu_s.append(time.process_time() - began_s)
    with (
        tempfile.TemporaryDirectory() as folder,
        server_process(Path(folder) / "log", environment={"FACECORE_THREADS": "1"}) as server,
        requests.Session() as session,
    ):
        process = psutil.Process(server.pid)
        for number, photo in enumerate(photos * (1 + _PASSES)):
            began = process.cpu_times()
            answer = session.post(f"{server.address}/predict", files={"image": photo}, timeout=60)
            answer.raise_for_status()
            ended = process.cpu_times()
            if number >= len(photos):  # the first pass loads and warms up
                answer_cpu_s.append(ended.user + ended.system - began.user - began.system)
                answer_bytes.append(len(answer.content))
    return Cost(
        photo_cpu_s=round(_mean(photo_cpu_s), 3),
        answer_cpu_s=round(_mean(answer_cpu_s), 3),
        photo_bytes=round(_mean([len(photo) for photo in photos]), -3),
        answer_bytes=round(_mean(answer_bytes), -2),
    )


def arrivals_s(rate_s: float, times: float, burst_s: float) -> list[float]:
    """Return when requests come, seconds: at random, in a burst so many times as often."""
    random = Random(7)
    second, found = 0.0, []
    while second < _SIMULATED_S:
        is_burst = _BURST_FROM_S <= second < _BURST_FROM_S + burst_s
        second += random.expovariate(rate_s * (times if is_burst else 1))
        found.append(second)
    return found


def burst_rows(run_s: float) -> list[str]:
    """Simulate the queue of one node in each burst; return rows of a table."""
    settings = ServerSettings(replicas=CORES, concurrency=CORES)
    rate_s = BUSY * CORES / run_s
    rows = []
    for times, burst_s in BURSTS:
        found = arrivals_s(rate_s, times, burst_s)
        waited_s = waits_s(settings, found, run_s)
        over = [
            (second, wait)
            for second, wait in zip(found, waited_s, strict=True)
            if not burst_s or _BURST_FROM_S <= second < _BURST_FROM_S + burst_s
        ]
        served = sorted(wait for _, wait in over if wait is not None)
        refused = 1 - len(served) / len(over)
        at = [1e3 * served[int(share * (len(served) - 1))] for share in (0.5, 0.95, 0.99)]
        name = f"{times:g} times as many for {burst_s} s" if burst_s else "none"
        rows.append(f"| {name} | {at[0]:.0f} | {at[1]:.0f} | {at[2]:.0f} | {refused:.1%} |")
    return rows


def report(cost: Cost) -> str:
    """Return the tables of docs/planning.md."""
    batch_s = PHOTOS_A_DAY / DAY_S
    batch = need(batch_s, cost.photo_cpu_s, cost.photo_bytes, 0)
    api = need(REQUESTS_A_SECOND, cost.answer_cpu_s, cost.photo_bytes, cost.answer_bytes)
    return "\n".join(
        [
            "| what one takes | |",
            "|---|---|",
            f"| a photo in a batch | {cost.photo_cpu_s * 1e3:.0f} ms of CPU |",
            f"| an answer over HTTP | {cost.answer_cpu_s * 1e3:.0f} ms of CPU |",
            f"| the photo | {cost.photo_bytes / 1e3:.0f} KB |",
            f"| the answer | {cost.answer_bytes / 1e3:.1f} KB |",
            "",
            "| | a million photos a day | ten thousand requests a second |",
            "|---|---|---|",
            f"| a second | {batch_s:.1f} | {REQUESTS_A_SECOND:,} |",
            f"| processors at work | {batch.cores:.1f} | {api.cores:,.0f} |",
            f"| nodes of {CORES} processors, {BUSY:.0%} busy | {batch.nodes} | {api.nodes:,} |",
            f"| network in | {batch.in_bits_s / 1e6:.0f} Mbit/s "
            f"| {api.in_bits_s / 1e9:.1f} Gbit/s |",
            f"| network out | rows alone | {api.out_bits_s / 1e6:.0f} Mbit/s |",
            f"| store requests a day | {PHOTOS_A_DAY:,} reads, "
            f"{PHOTOS_A_DAY // LISTED_AT_ONCE:,} listings | none |",
            "",
            "| burst | waited, median ms | 95 % within | 99 % within | refused |",
            "|---|---|---|---|---|",
            *burst_rows(cost.answer_cpu_s),
        ]
    )


def _mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers)


def main() -> int:
    """Measure, compute, print; return 0."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path)
    folder = parser.parse_args().folder
    photos = find_photos([folder]) if folder else samples()
    print(report(measured([photo.read() for photo in photos])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
