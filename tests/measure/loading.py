"""How long the article's three networks take to load: from files, and from Redis as it advises.

``python -m tests.measure.loading [ROUNDS]``. Each round does all in turn, in this process, with
the files in the system's cache. Redis is a server on a socket of its own that ends with this
(``apt install redis-server``); it is left out where there is none.
"""

from __future__ import annotations

import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from facecore.models.catalogue import network_specs
from facecore.models.files import locate

_FILES = [
    tuple(locate(spec.file(role))[0] for role in ("architecture", "weights"))
    for spec in network_specs()
]


def main() -> None:
    """Print the medians."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    ways: dict[str, Callable[[], object]] = {
        "networks, from files": lambda: [_net(*paths) for paths in _FILES],
        "weights' bytes, from files": lambda: [paths[1].read_bytes() for paths in _FILES],
    }
    with _redis() as redis:
        if redis is not None:
            ways["networks, from Redis"] = lambda: [
                cv2.dnn.readNetFromCaffe(*(np.frombuffer(data, np.uint8) for data in pair))
                for pair in ((one.read_bytes(), redis(other)) for one, other in _FILES)
            ]
            ways["weights' bytes, from Redis"] = lambda: [redis(paths[1]) for paths in _FILES]
        times_ms: dict[str, list[float]] = {name: [] for name in ways}
        for number in range(rounds + 1):
            for name, way in ways.items():
                began = time.perf_counter()
                way()
                if number:  # the first warms up
                    times_ms[name].append((time.perf_counter() - began) * 1e3)
    for name, times in times_ms.items():
        print(f"{name:27} {statistics.median(times):7.1f} ms")
    for what in ("networks", "weights' bytes"):
        if redis is not None:
            pairs = zip(
                times_ms[f"{what}, from Redis"], times_ms[f"{what}, from files"], strict=True
            )
            ratio = statistics.median(one / other for one, other in pairs)
            print(f"{what}: from Redis {ratio:.2f} times as long as from files")


def _net(architecture: Path, weights: Path) -> cv2.dnn.Net:
    return cv2.dnn.readNetFromCaffe(str(architecture), str(weights))


@contextmanager
def _redis() -> Iterator[Callable[[Path], bytes] | None]:
    """Give what gets a file's bytes from a Redis that has them all."""
    program = shutil.which("redis-server")
    if program is None:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        place = f"{folder}/redis"
        command = [program, "--port", "0", "--unixsocket", place, "--save", "", "--dir", folder]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            while not Path(place).exists():
                time.sleep(0.05)
            with socket.socket(socket.AF_UNIX) as link:
                link.connect(place)
                answers = link.makefile("rb")
                for _, weights in _FILES:
                    _ask(link, b"SET", bytes(weights), weights.read_bytes())
                    assert answers.readline() == b"+OK\r\n"

                def get(weights: Path) -> bytes:
                    _ask(link, b"GET", bytes(weights))
                    size = int(answers.readline()[1:])
                    return answers.read(size + 2)[:-2]

                yield get
        finally:
            server.terminate()
            server.wait()


def _ask(link: socket.socket, *words: bytes) -> None:
    # https://redis.io/docs/latest/develop/reference/protocol-spec/
    parts = [b"*%d\r\n" % len(words)]
    parts += [b"$%d\r\n%b\r\n" % (len(word), word) for word in words]
    link.sendall(b"".join(parts))


if __name__ == "__main__":
    main()
