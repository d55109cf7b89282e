"""Memory of a batch's driver over a long listing: ``python -m tests.benchmarks.listing 100000``.

A real S3 server in a process of its own holds the objects. Each is listed as by
``facecore analyze s3://… --out``, gets a row in the journal, and is found there when the batch
is gone on with; no photo is read. Prints the time and the resident memory at each tenth.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

import psutil
import pytest

from facecore.batch.journal import Journal
from facecore.export import FailedRow
from facecore.sources.folders import find_photos
from tests.s3_server import s3_server


def _serve(count: int, link: Connection) -> None:
    with pytest.MonkeyPatch.context() as patch, s3_server(patch) as server:
        for number in range(count):
            server.put(f"in/{number:09}-as-long-a-name-as-a-photo-may-have.jpg", b"tiny")
        link.send({name: os.environ[name] for name in os.environ if name.startswith("AWS_")})
        link.recv()


def _list(count: int, journal: Journal, what: str) -> None:
    started_s = time.perf_counter()
    for number, photo in enumerate(find_photos(["s3://photos/in"]), start=1):
        if not journal.has(photo.name, photo.key):
            journal.add(photo.name, FailedRow(photo.name, "not read"), photo.key)
        if number % max(1, count // 10) == 0:
            rss_mb = psutil.Process().memory_info().rss / 1e6
            print(f"{what} {number}: {rss_mb:.1f} MB, {time.perf_counter() - started_s:.1f} s")
    assert len(journal) == number == count


def main(count: int) -> None:
    """List so many objects twice: first none has a row, then all have."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(count, theirs))
    process.start()
    try:
        os.environ.update(ours.recv())
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "rows.journal")
            for what in ("new", "done"):
                with Journal(path, {}) as journal:
                    _list(count, journal, what)
    finally:
        process.terminate()
        process.join()


if __name__ == "__main__":
    main(int(sys.argv[1]))
