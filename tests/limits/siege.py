"""Besiege the real server in a small container while an honest client asks once a second.

``python -m tests.limits.siege --seconds 300`` holds, all at once and again and again: 80
websockets with an unfinished message, 200 silent connections, 8 uploads that announce
49 MB and stop, and pages with 45 MB whose tab is closed. It exits with 1 if the honest
client lost an answer, a process was killed, or the peak was too high.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import socket
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import requests

from tests.conftest import SAMPLES
from tests.limits.small_container import MB, MIB, MemoryWatch
from tests.load.control_groups import ControlGroup, NoControlGroupsError, control_group
from tests.load.page_session import LostAnswerError, PageSession
from tests.server import Server, server_process

FRAME = b"\x82\xff" + (19 * MB).to_bytes(8, "big") + bytes(4)
UPLOAD_BYTES = 49 * MB
KEPT_BYTES = 45 * MB


def main() -> int:
    """Run it, print the report as JSON; 0 if all is well, 1 if not, 2 where it cannot run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--peak-mb", type=int, default=900, help="the most that is well")
    options = parser.parse_args()
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            control_group("facecore-siege", cpus=1.0, memory_bytes=1024 * MIB) as group,
        ):
            report = _besiege(options, group, Path(folder) / "server.log")
    except NoControlGroupsError as error:
        print(f"Cannot run here: {error}.", file=sys.stderr)
        return 2
    print(json.dumps(report, indent=1))
    return 0 if report["well"] else 1


def _besiege(options: argparse.Namespace, group: ControlGroup, log: Path) -> dict[str, object]:
    over = threading.Event()
    with server_process(log, inside=group.command) as server, MemoryWatch(group).watching() as most:
        attackers: list[tuple[int, Callable[[Server], None]]] = [
            (80, _unfinished_message),
            (200, _silence),
            (8, _stopped_upload),
            (1, _closed_tab),
        ]
        threads = [
            threading.Thread(target=_again_and_again, args=(attack, server, over))
            for count, attack in attackers
            for _ in range(count)
        ]
        for thread in threads:
            thread.start()
        answers, latencies_ms = _honest(server, options.seconds)
        over.set()
        for thread in threads:
            thread.join()
        time.sleep(20)
        after, alive = group.memory(), server.is_alive()
    lost = {answer: count for answer, count in answers.items() if answer not in ("200", "429")}
    return {
        "well": not lost and not after.kills and alive and after.peak_bytes < options.peak_mb * MB,
        "honest answers": dict(answers),
        "honest latency ms, median and most": [
            round(sorted(latencies_ms)[len(latencies_ms) // 2]) if latencies_ms else None,
            round(max(latencies_ms, default=0)),
        ],
        "killed for memory": after.kills,
        "server alive": alive,
        "memory MB": {
            "group, peak with file pages": round(after.peak_bytes / MB),
            "group, highest working set": round(most.working_set_bytes / MB),
            "group, 20 s after": round(after.working_set_bytes / MB),
        },
    }


def _again_and_again(
    attack: Callable[[Server], None], server: Server, over: threading.Event
) -> None:
    while not over.is_set() and server.is_alive():
        with contextlib.suppress(OSError, LostAnswerError, requests.RequestException):
            attack(server)
        over.wait(0.2)


def _honest(server: Server, seconds: float) -> tuple[Counter[str], list[float]]:
    photo = (SAMPLES / "grace_hopper.jpg").read_bytes()
    answers: Counter[str] = Counter()
    latencies_ms: list[float] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        started = time.monotonic()
        try:
            answer = requests.post(f"{server.address}/predict", files={"image": photo}, timeout=60)
            answers[str(answer.status_code)] += 1
            latencies_ms.append((time.monotonic() - started) * 1e3)
        except requests.RequestException as error:
            answers[type(error).__name__] += 1
        time.sleep(max(0.0, 1 - (time.monotonic() - started)))
    return answers, latencies_ms


def _connected(server: Server) -> socket.socket:
    parts = urlsplit(server.address)
    connection = socket.create_connection((parts.hostname or "", parts.port or 80), timeout=30)
    connection.settimeout(30)
    return connection


def _until_it_ends(connection: socket.socket) -> None:
    with contextlib.suppress(TimeoutError):
        while connection.recv(65536):
            pass


def _unfinished_message(server: Server) -> None:
    with _connected(server) as connection:
        connection.sendall(
            b"GET /_stcore/stream HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            b"Sec-WebSocket-Version: 13\r\n\r\n" % urlsplit(server.address).netloc.encode()
        )
        connection.recv(4096)
        connection.sendall(FRAME)
        for _ in range(18):
            connection.sendall(bytes(MB))
        _until_it_ends(connection)


def _silence(server: Server) -> None:
    with _connected(server) as connection:
        _until_it_ends(connection)


def _stopped_upload(server: Server) -> None:
    with PageSession(server.address) as session:
        place = session.upload_place("big.jpg")
        with _connected(server) as connection:
            host = urlsplit(server.address).netloc
            head = "".join(f"{name}: {value}\r\n" for name, value in session.headers().items())
            connection.sendall(
                (
                    f"PUT {place.upload_url} HTTP/1.1\r\nHost: {host}\r\n"
                    f"{head}Content-Type: multipart/form-data; boundary=b\r\n"
                    f"Content-Length: {UPLOAD_BYTES}\r\n\r\n"
                ).encode()
            )
            connection.sendall(bytes(MB))
            _until_it_ends(connection)


def _closed_tab(server: Server) -> None:
    with PageSession(server.address) as session:
        session.upload("kept.jpg", (SAMPLES / "grace_hopper.jpg").read_bytes() + bytes(KEPT_BYTES))


if __name__ == "__main__":
    sys.exit(main())
