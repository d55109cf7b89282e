"""What a real server does with cameras: hostile sockets by the hundred, and who waits for whom.

``python -m tests.measure.live_sockets`` starts a server, has 200 sockets of each kind that is
refused or ended and says what each heard and what memory the process holds after them; then four
cameras send while somebody sends photos over HTTP, and it says how long these waited.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests
from websockets.exceptions import ConnectionClosed, InvalidStatus

from facecore.live.sessions import MOST_LIVE
from facecore.live.socket import IDLE_S, MOST_UNREAD
from tests.conftest import SAMPLES
from tests.live.camera import PATIENCE_S, Camera, connected
from tests.server import Server, server_process

Case = Callable[["_Site"], str]


class _Site:
    """A server and a photo for it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.address = server.address.replace("http", "ws")
        self.jpeg = (SAMPLES / "grace_hopper.jpg").read_bytes()

    def key(self) -> str:
        """Return the key of a new session."""
        return requests.get(f"{self.server.address}/held/live", timeout=PATIENCE_S).text


def _foreign(site: _Site) -> str:
    try:
        with connected(site.address, "x", origin="http://elsewhere.example"):
            return "connected"
    except InvalidStatus as refused:
        said = json.loads(refused.response.body or b"{}").get("error", "nothing")
        return f"{refused.response.status_code}: {said}"


def _wrong_key(site: _Site) -> str:
    with connected(site.address, "x" * 32) as camera:
        return str(camera.next("problem")["sentence"])


def _large(site: _Site) -> str:
    with connected(site.address, site.key()) as camera:
        try:
            camera.send(1, bytes(10_000_000))
            camera.next("problem")
        except ConnectionClosed as closed:
            return "nothing" if closed.rcvd is None else f"{closed.rcvd.code}: {closed.rcvd.reason}"
    return "taken"


def _no_picture(site: _Site) -> str:
    with connected(site.address, site.key()) as camera:
        for number in range(1, MOST_UNREAD + 1):
            camera.send(number, b"no picture")
            said = camera.next("unread", "problem")
        return str(said["sentence"])


def _gone(site: _Site) -> str:
    with connected(site.address, site.key()) as camera:
        camera.shot(1, site.jpeg)
        camera.socket.socket.sendall(b"\x82\xfe\xff\xff1234")  # the beginning of a frame
        camera.socket.socket.close()
    return "left in the middle of a frame"


def _silent(site: _Site) -> str:
    with connected(site.address, site.key()) as camera:
        said: str = camera.next("problem")["sentence"]
        return said


def _siege(site: _Site, repeats: int) -> None:
    cases: list[tuple[str, Case, int, int]] = [
        ("a foreign Origin", _foreign, repeats, 1),
        ("a wrong key", _wrong_key, repeats, 1),
        ("a frame of 10 MB", _large, repeats, 8),
        ("frames that are no picture", _no_picture, repeats, 8),
        ("gone in the middle", _gone, repeats, 1),
        (f"silent for {IDLE_S:g} s", _silent, MOST_LIVE, MOST_LIVE),
    ]
    with connected(site.address, site.key()) as camera:
        camera.shot(1, site.jpeg)
    print(f"before: {site.server.rss_bytes() / 1e6:.0f} MB")
    for name, case, count, at_once in cases:
        with ThreadPoolExecutor(at_once) as pool:
            heard = Counter(pool.map(_heard, [case] * count, [site] * count))
        rss_mb = site.server.rss_bytes() / 1e6
        told = "; ".join(f"{number} × {said}" for said, number in heard.items())
        print(f"{name}: {rss_mb:.0f} MB after {count}; {told}")


def _heard(case: Case, site: _Site) -> str:
    try:
        return case(site)
    except OSError as error:
        return type(error).__name__


def _film(camera: Camera, jpeg: bytes, until_s: float, took_ms: list[float]) -> None:
    number = 0
    while time.monotonic() < until_s:
        number += 1
        took_ms.append(camera.shot(number, jpeg)["ms"]["total"])


def _beside(site: _Site, cameras: int, seconds: float) -> None:
    until_s = time.monotonic() + seconds
    frames: list[list[float]] = [[] for _ in range(cameras)]

    def film(took_ms: list[float]) -> None:
        with connected(site.address, site.key()) as camera:
            _film(camera, site.jpeg, until_s, took_ms)

    threads = [threading.Thread(target=film, args=(one,)) for one in frames]
    for thread in threads:
        thread.start()
    waited_ms = []
    while time.monotonic() < until_s:
        time.sleep(0.3)
        photo = {"image": ("a.jpg", site.jpeg)}
        sent = requests.post(f"{site.server.address}/predict", files=photo, timeout=PATIENCE_S)
        waited_ms.append(float(sent.json()["waited_ms"]))
    for thread in threads:
        thread.join()
    all_ms = [ms for one in frames for ms in one]
    print(
        f"{cameras} cameras for {seconds:g} s: {[len(one) for one in frames]} frames, a frame took "
        f"{statistics.median(all_ms):.0f} ms (median; at most {max(all_ms):.0f}); {len(waited_ms)} "
        f"photos waited {statistics.median(waited_ms):.0f} ms (median; at most "
        f"{max(waited_ms):.0f})"
    )


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=20.0)
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        server_process(Path(folder) / "log", kind="held") as server,
    ):
        site = _Site(server)
        _siege(site, asked.repeats)
        _beside(site, 4, asked.seconds)


if __name__ == "__main__":
    main()
