"""Memory of a batch's driver over a long listing: ``python -m tests.benchmarks.listing 100000``.

A process of its own answers as S3 does, a page of a listing at a time; moto's server, which the
tests use, takes half a second for a page. Each object is listed as by ``facecore analyze s3://…
--out``, gets a row in the journal, and is found there when the batch is gone on with; no photo
is read. Prints the time and the resident memory at each tenth.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

import psutil

from facecore.batch.journal import Journal
from facecore.export import FailedRow
from facecore.sources.folders import find_photos

_OBJECT = (
    "<Contents><Key>in/{0:09}-as-long-a-name-as-a-photo-may-have.jpg</Key>"
    "<LastModified>2026-11-28T00:00:00.000Z</LastModified><ETag>&#34;{0:032x}&#34;</ETag>"
    "<Size>4</Size><StorageClass>STANDARD</StorageClass></Contents>"
)


class _Store(BaseHTTPRequestHandler):
    """Answers ListObjectsV2 of one bucket with so many objects, and knows no object by name."""

    protocol_version = "HTTP/1.1"
    count: ClassVar[int]

    def do_HEAD(self) -> None:
        self.send_response(404)
        self.end_headers()

    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        first = int(asked.get("continuation-token", ["0"])[0])
        end = min(first + int(asked["max-keys"][0]), self.count)
        more = end < self.count
        token = f"<NextContinuationToken>{end}</NextContinuationToken>" if more else ""
        objects = "".join(map(_OBJECT.format, range(first, end)))
        body = (
            f"<ListBucketResult><IsTruncated>{str(more).lower()}</IsTruncated>"
            f"{token}{objects}</ListBucketResult>"
        ).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _serve(count: int, link: Connection) -> None:
    _Store.count = count
    with HTTPServer(("127.0.0.1", 0), _Store) as server:
        link.send(server.server_port)
        server.serve_forever()


def _list(count: int, journal: Journal, what: str) -> None:
    started_s = time.perf_counter()
    for number, photo in enumerate(find_photos(["s3://photos/in"]), start=1):
        if not journal.has(photo.name, photo.key):
            journal.add(photo.name, FailedRow(photo.name, "not read"), photo.key)
        if number % max(1, count // 10) == 0:
            rss_mb = psutil.Process().memory_info().rss / 1e6
            took_s = time.perf_counter() - started_s
            print(f"{what} {number}: {rss_mb:.1f} MB, {took_s:.1f} s", flush=True)
    assert len(journal) == count


def main(count: int) -> None:
    """List so many objects twice: first none has a row, then all have."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(count, theirs))
    process.start()
    try:
        os.environ["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{ours.recv()}"
        os.environ["AWS_ACCESS_KEY_ID"] = os.environ["AWS_SECRET_ACCESS_KEY"] = "nobody"
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
