"""Photos a second through the queue: one set of networks against several, in turn.

``python -m tests.benchmarks.throughput [ROUNDS [REPLICAS]]`` reads a 1080p photo with
five faces with 1 client and with 8 clients, each of which asks again as soon as it
has its answer. It prints medians over the rounds, the median of the pairwise ratios,
and by how much each set of networks made the process grow.
"""

from __future__ import annotations

import statistics
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from facecore.profiles.configuration import Configuration
from facecore.serving.service import FaceService
from facecore.settings import AnalysisSettings, RuntimeOptions
from facecore.settings.server import ServerSettings
from tests.benchmarks.whole_photo import five_faces_1080p

PHOTOS_A_ROUND = 16
CLIENTS = (1, 8)
PREVIEW_SIDE_PX = 1400


def make_service(replicas: int, concurrency: int) -> FaceService:
    """Make a service whose sets of networks are all loaded."""
    settings = ServerSettings(
        replicas=replicas, concurrency=concurrency, queue_limit=1000, max_wait_s=600
    )
    service = FaceService(Configuration(server=settings))
    together = threading.Barrier(replicas)

    def load(number: int) -> None:
        with service.turn(str(number), RuntimeOptions()):
            together.wait()

    with ThreadPoolExecutor(replicas) as pool:
        list(pool.map(load, range(replicas)))
    return service


def photos_per_s(service: FaceService, photo: bytes, clients: int) -> tuple[float, float]:
    """Have clients read the photo again and again; gives photos a second and median latency, ms."""
    latencies_ms: list[float] = []

    def read(number: int) -> None:
        began = time.perf_counter()
        with service.turn(str(number % clients), RuntimeOptions()) as turn:
            opened = turn.analyzer.memory(photo)
            turn.read(opened, AnalysisSettings(), preview_side_px=PREVIEW_SIDE_PX)
        latencies_ms.append((time.perf_counter() - began) * 1e3)

    began = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(read, range(PHOTOS_A_ROUND)))
    return PHOTOS_A_ROUND / (time.perf_counter() - began), statistics.median(latencies_ms)


def main() -> None:
    """Print what was measured."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    replicas = int(sys.argv[2]) if len(sys.argv) > 2 else 2
    photo = five_faces_1080p()
    services = {
        "1 set, 1 run at once": make_service(1, 1),
        f"1 set, {replicas} runs at once": make_service(1, replicas),
        f"{replicas} sets, {replicas} runs at once": make_service(replicas, replicas),
    }
    for name, service in services.items():
        sets = service.loaded(RuntimeOptions())
        grown = [round(s.load_cost.rss_delta_bytes / 1e6) for s in sets if s.load_cost]
        threads = service.effective(RuntimeOptions()).threads or "all"
        print(f"{name}: threads of a set {threads}, memory grew by {grown} MB")
    plain = next(iter(services))
    for clients in CLIENTS:
        seen: dict[str, list[tuple[float, float]]] = {name: [] for name in services}
        for number in range(rounds + 1):
            # The order changes from round to round, so that none always goes first.
            for name in list(services) if number % 2 else reversed(services):
                seen[name].append(photos_per_s(services[name], photo, clients))
        for name, figures in seen.items():
            counted = figures[1:]  # the first round warms up
            rates = [rate for rate, _ in counted]
            ratios = [rate / base for rate, (base, _) in zip(rates, seen[plain][1:], strict=True)]
            print(
                f"{clients} clients, {name}: {statistics.median(rates):.2f} photos/s, median "
                f"latency {statistics.median(late for _, late in counted):.0f} ms, "
                f"{statistics.median(ratios):.2f} times the first (n = {rounds})"
            )


if __name__ == "__main__":
    main()
