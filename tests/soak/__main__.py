"""Drive the real server for minutes or hours and report how it went.

``python -m tests.soak --minutes 10 --clients 4`` starts a server, hands in photos
and hostile files at both clients, half of the clients at each, and prints one line a
minute and a JSON report: throughput, latency, answers, and how memory moved.
``--address`` drives a server that runs already, whose memory is then not watched.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from tests.load.clients import LOST, WRONG, Client, HttpClient, Outcome, PageClient, drive
from tests.load.summary import percentiles_ms, slope
from tests.load.uploads import Upload, mixed_uploads
from tests.server import Server, server_process

MB = 10**6
SAMPLE_EVERY_S = 1.0
_UPLOADS_PER_ROUND = 500
_SHOWN_FAULTS = 20


class Soak:
    """What happened so far: outcomes, and memory by time."""

    def __init__(self, server: Server | None) -> None:
        self._server = server
        self._started_s = time.monotonic()
        self._shown_minutes = 0
        self.outcomes: list[tuple[float, Outcome]] = []
        self.memory: list[tuple[float, int]] = []

    def heard(self, outcome: Outcome) -> None:
        """Note an outcome, and show a minute that is over."""
        now_s = time.monotonic() - self._started_s
        self.outcomes.append((now_s, outcome))
        if now_s // 60 > self._shown_minutes:
            print(json.dumps(self.minute(self._shown_minutes), ensure_ascii=False), flush=True)
            self._shown_minutes = int(now_s // 60)

    def watch(self, done: threading.Event) -> None:
        """Note the server's memory at once and each second until it is done."""
        while self._server is not None:
            now_s = time.monotonic() - self._started_s
            self.memory.append((now_s, self._server.rss_bytes()))
            if done.wait(SAMPLE_EVERY_S):
                return

    def minute(self, number: int) -> dict[str, object]:
        """Sum one minute up."""
        inside = [o for at_s, o in self.outcomes if at_s // 60 == number]
        rss = [size for at_s, size in self.memory if at_s // 60 == number]
        return {
            "minute": number + 1,
            "answers": dict(Counter(o.answer for o in inside)),
            "latency ms": percentiles_ms([o.latency_ms for o in inside]),
            "memory MB": [round(min(rss) / MB), round(max(rss) / MB)] if rss else None,
        }

    def report(self, warm_up_s: float) -> dict[str, object]:
        """Sum everything up; memory's slope is that of a line after the warm-up.

        The line goes through each full minute's least, which is what stays: a photo that
        is being decoded takes up to 300 MB for a moment.
        """
        took_s = max((at_s for at_s, _ in self.outcomes), default=0.0)
        least: dict[int, float] = {}
        for at_s, size in self.memory:
            if warm_up_s <= at_s < took_s // 60 * 60:
                minute = int(at_s // 60)
                least[minute] = min(size / MB, least.get(minute, math.inf))
        grows = slope([float(minute) for minute in least], list(least.values()))
        bad = [o for _, o in self.outcomes if o.answer in (LOST, WRONG)]
        outcomes = [o for _, o in self.outcomes]
        return {
            "uploads": len(outcomes),
            "took s": round(took_s, 1),
            "uploads per s": round(len(outcomes) / took_s, 2) if took_s else None,
            "answers": {
                client: dict(Counter(o.answer for o in outcomes if o.client == client))
                for client in ("page", "http")
            },
            "busy answers before them": sum(o.busy_answers for o in outcomes),
            "latency ms": {
                client: percentiles_ms([o.latency_ms for o in outcomes if o.client == client])
                for client in ("page", "http")
            },
            "memory MB": {
                "highest": round(max((size for _, size in self.memory), default=0) / MB),
                "at the end": round(self.memory[-1][1] / MB) if self.memory else None,
                "slope of each minute's least after warm-up, a minute": None
                if grows is None
                else round(grows, 2),
            },
            "lost or wrong": [f"{o.client}, {o.name}: {o.answer}, {o.said}" for o in bad][
                :_SHOWN_FAULTS
            ],
            "well": bool(outcomes) and not bad,
        }


def uploads_for(minutes: float, seed: int) -> Iterator[Upload]:
    """Return mixed uploads until the time since the first is over."""
    deadline_s = math.inf
    while True:
        for upload in mixed_uploads(_UPLOADS_PER_ROUND, seed=seed):
            # The largest photos take a while to make, during which nobody uploads.
            if deadline_s == math.inf:
                deadline_s = time.monotonic() + 60 * minutes
            if time.monotonic() >= deadline_s:
                return
            yield upload
        seed += 1


def soaked(
    server: Server | None, clients: list[Callable[[], Client]], uploads: Iterator[Upload]
) -> Soak:
    """Return what came of all uploads, with the server's memory where it is ours to watch."""
    soak, done = Soak(server), threading.Event()
    watcher = threading.Thread(target=soak.watch, args=(done,))
    watcher.start()
    try:
        drive(clients, uploads, heard=soak.heard)
    finally:
        done.set()
        watcher.join()
    return soak


def main(arguments: list[str] | None = None) -> int:
    """Run it; 0 if every upload got a fit answer, else 1."""
    options = _options(arguments)
    with ExitStack() as stack:
        server = None
        if options.address is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            server = stack.enter_context(server_process(folder / "server.log"))
        address = options.address or (server.address if server else "")
        pages = options.clients // 2 if options.pages is None else options.pages
        clients: list[Callable[[], Client]] = [
            *[partial(PageClient, address)] * pages,
            *[partial(HttpClient, address)] * (options.clients - pages),
        ]
        soak = soaked(server, clients, uploads_for(options.minutes, options.seed))
    report = soak.report(60 * options.warm_up_minutes)
    print(json.dumps(report, indent=1, ensure_ascii=False))
    return 0 if report["well"] else 1


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--pages", type=int, help="how many of them use the page; half if left out")
    parser.add_argument("--warm-up-minutes", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--address", help="of a running server, such as http://127.0.0.1:8501")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
