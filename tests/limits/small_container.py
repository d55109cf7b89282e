"""Run the real server in a small container's limits and hand in many uploads at both clients.

``python -m tests.limits.small_container`` makes a control group of 1 CPU and 1 GiB,
starts the server inside, drives it from outside, and exits with 1 if an answer
was lost or wrong, a process was killed, or the peak was too high.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.load.clients import LOST, WRONG, Client, HttpClient, Outcome, PageClient, counted, drive
from tests.load.control_groups import ControlGroup, NoControlGroupsError, control_group
from tests.load.summary import percentiles_ms
from tests.load.uploads import mixed_uploads
from tests.server import Server, server_process

MIB = 1 << 20
MB = 10**6
SAMPLE_EVERY_S = 0.1


class MemoryWatch:
    """Looks at a group's memory ten times a second; keeps the highest of each."""

    def __init__(self, group: ControlGroup) -> None:
        self._group = group
        self.rss_bytes = 0
        self.working_set_bytes = 0

    @contextmanager
    def watching(self) -> Iterator[MemoryWatch]:
        """Watch until the block ends."""
        done = threading.Event()
        thread = threading.Thread(target=self._watch, args=(done,))
        thread.start()
        try:
            yield self
        finally:
            done.set()
            thread.join()

    def _watch(self, done: threading.Event) -> None:
        while not done.wait(SAMPLE_EVERY_S):
            memory = self._group.memory()
            self.rss_bytes = max(self.rss_bytes, memory.rss_bytes)
            self.working_set_bytes = max(self.working_set_bytes, memory.working_set_bytes)


def main() -> int:
    """Run it, print the report as JSON; 0 if all is well, 1 if not, 2 where it cannot run."""
    options = _options()
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            control_group(
                "facecore-small", cpus=options.cpus, memory_bytes=options.memory_mib * MIB
            ) as group,
        ):
            report = _run(options, group, Path(folder) / "server.log")
    except NoControlGroupsError as error:
        print(f"Cannot run here: {error}.", file=sys.stderr)
        return 2
    print(json.dumps(report, indent=1, ensure_ascii=False))
    return 0 if report["well"] else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--uploads", type=int, default=200)
    parser.add_argument("--cpus", type=float, default=1.0)
    parser.add_argument("--memory-mib", type=int, default=1024)
    parser.add_argument("--peak-mb", type=int, default=900, help="the most that is well")
    parser.add_argument("--pages", type=int, default=2, help="page sessions at once")
    parser.add_argument("--http", type=int, default=2, help="HTTP clients at once")
    parser.add_argument("--kept-files", type=int, default=1, help="files a page session keeps")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def _run(options: argparse.Namespace, group: ControlGroup, log: Path) -> dict[str, object]:
    outcomes: list[Outcome] = []
    with server_process(log, inside=group.command) as server, MemoryWatch(group).watching() as most:
        ready = group.memory()
        clients: list[Callable[[], Client]] = [
            *[partial(PageClient, server.address, kept_files=options.kept_files)] * options.pages,
            *[partial(HttpClient, server.address)] * options.http,
        ]
        started = time.monotonic()
        drive(clients, mixed_uploads(options.uploads, seed=options.seed), heard=outcomes.append)
        took_s = time.monotonic() - started
        after, throttled = group.memory(), group.throttled_periods()
        alive = server.is_alive()
        faults = _faults(server)
    bad = [outcome for outcome in outcomes if outcome.answer in (LOST, WRONG)]
    return {
        "well": not bad
        and not after.kills
        and alive
        and not faults
        and after.peak_bytes < options.peak_mb * MB
        and len(outcomes) == options.uploads,
        "cgroup version": group.version,
        "uploads": len(outcomes),
        "took s": round(took_s, 1),
        "answers": {name: dict(count) for name, count in sorted(counted(outcomes).items())},
        "busy answers before them": sum(outcome.busy_answers for outcome in outcomes),
        "lost or wrong": [f"{o.client}, {o.name}: {o.answer}, {o.said}" for o in bad],
        "said": dict(Counter(o.said for o in outcomes if o.said).most_common()),
        "server alive": alive,
        "killed for memory": after.kills,
        "tracebacks in the log": faults,
        "memory MB": {
            "group, ready": round(ready.working_set_bytes / MB),
            "group, peak with file pages": round(after.peak_bytes / MB),
            "group, highest working set": round(most.working_set_bytes / MB),
            "processes, highest": round(most.rss_bytes / MB),
            "processes, after": round(after.rss_bytes / MB),
        },
        "periods that met the CPU quota": "{} of {}".format(*throttled),
        "latency ms": {
            client: percentiles_ms([o.latency_ms for o in outcomes if o.client == client])
            for client in ("page", "http")
        },
    }


def _faults(server: Server) -> dict[str, int]:
    """Count the errors of the log that have a traceback, by their last line."""
    lines = server.log.read_text(errors="replace").splitlines()
    last: Counter[str] = Counter()
    inside = False
    for line in lines:
        if line.startswith("Traceback"):
            inside = True
        elif inside and line and not line[0].isspace():
            last[line[:200]] += 1
            inside = False
    return dict(last)


if __name__ == "__main__":
    sys.exit(main())
