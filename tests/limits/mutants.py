"""Have the analyzer read thousands of broken files: each a result or one sentence, and no harm.

``python -m tests.limits.mutants --count 5000`` reads them in a worker process, so
that a crash or a hang is seen and counted; with ``--address`` every 20th is also
handed to a running server's ``POST /predict``. Exits with 1 if anything was wrong.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from facecore.errors import FacecoreError, ImageError, WorkerError
from facecore.executors.process import WorkerProcess
from facecore.settings import AnalysisSettings
from tests.load.clients import LOST, WRONG, Client, HttpClient, is_a_sentence
from tests.load.mutations import mutated
from tests.load.uploads import SAMPLES_AND_PORTRAITS, Upload, hostile_files

MB = 10**6
HANG_S = 10.0
MOST_GROWTH_BYTES = 100 * MB
_HTTP_EVERY = 20
_WARM_UP = 50
_PORTRAITS = 40


@dataclass
class Findings:
    """What came of all files; ``wrong`` has a sentence for each that did harm."""

    answers: Counter[str] = field(default_factory=Counter)
    sentences: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    slowest_s: float = 0.0
    rss_before_bytes: int = 0
    rss_after_bytes: int = 0
    rss_highest_bytes: int = 0


def seeds(max_bytes: int = 600_000) -> list[bytes]:
    """Return the files to begin with: hostile ones, and some honest photos."""
    paths = [*hostile_files(), *SAMPLES_AND_PORTRAITS[:_PORTRAITS]]
    found = [path.read_bytes() for path in paths if path.stat().st_size <= max_bytes]
    return [data for data in found if data]


def read_all(
    count: int, *, seed: int, client: Client | None = None, keep: Path | None = None
) -> Findings:
    """Read so many mutants one after the other, a new worker taking over from one that broke.

    Args:
        count: mutants.
        seed: the same gives the same mutants.
        client: of a server that gets a part of them as well.
        keep: a folder for the files that did harm.
    """
    findings = Findings()
    worker: WorkerProcess | None = None
    for number, (done, data) in enumerate(mutated(seeds(), count, seed=seed)):
        if worker is None:
            worker = WorkerProcess()
            worker.load()
            findings.rss_before_bytes = 0
        process = psutil.Process(worker.pid)
        started = time.perf_counter()
        try:
            wrong = _read(worker, data, findings)
        except WorkerError as error:
            worker.stop()
            wrong, worker = str(error), None
        findings.slowest_s = max(findings.slowest_s, time.perf_counter() - started)
        if worker is not None:
            rss_bytes = process.memory_info().rss
            findings.rss_highest_bytes = max(findings.rss_highest_bytes, rss_bytes)
            findings.rss_after_bytes = rss_bytes
            # A worker settles with its first files.
            if findings.rss_before_bytes == 0 and number >= _WARM_UP:
                findings.rss_before_bytes = rss_bytes
        if client is not None and number % _HTTP_EVERY == 0:
            outcome = client.hand_in(Upload("mutant", f"{number}.jpg", data))
            findings.answers[f"http: {outcome.answer}"] += 1
            if outcome.answer in (LOST, WRONG):
                wrong = wrong or f"http: {outcome.said}"
        if wrong:
            findings.wrong.append(f"mutant {number} of seed {seed} ({done}): {wrong}")
            if keep is not None:
                (keep / f"{seed}-{number}").write_bytes(data)
    if worker is not None:
        worker.stop()
    growth_bytes = findings.rss_after_bytes - findings.rss_before_bytes
    if findings.rss_before_bytes and growth_bytes > MOST_GROWTH_BYTES:
        findings.wrong.append(f"memory grew by {growth_bytes / MB:.0f} MB")
    return findings


def _read(worker: WorkerProcess, data: bytes, findings: Findings) -> str:
    """Read one file; gives what was wrong about it, or nothing."""
    worker.keep("mutant", data)
    try:
        worker.ask("mutant", AnalysisSettings(), preview_side_px=400)
        worker.answer(timeout_s=HANG_S)
    except ImageError as error:
        findings.answers[type(error).__name__] += 1
        findings.sentences[str(error)] += 1
        return "" if is_a_sentence(str(error)) else f"not one sentence: {error}"
    except WorkerError:
        raise
    except FacecoreError as error:
        findings.answers[type(error).__name__] += 1
        return f"{type(error).__name__}: {error}"
    findings.answers["read"] += 1
    return ""


def main() -> int:
    """Run it and print the findings as JSON; 0 if all is well, else 1."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--address", help="of a running server, such as http://127.0.0.1:8501")
    parser.add_argument("--keep", type=Path, help="a folder for the files that do harm")
    options = parser.parse_args()
    client = HttpClient(options.address) if options.address else None
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
    found = read_all(options.count, seed=options.seed, client=client, keep=options.keep)
    report = {
        "answers": dict(found.answers.most_common()),
        "different sentences": len(found.sentences),
        "slowest s": round(found.slowest_s, 2),
        "memory MB: after the first, highest after one, at the end": [
            round(number / MB)
            for number in (
                found.rss_before_bytes,
                found.rss_highest_bytes,
                found.rss_after_bytes,
            )
        ],
        "wrong": found.wrong,
    }
    print(json.dumps(report, indent=1, ensure_ascii=False))
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
