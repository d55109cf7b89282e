"""A camera's end of the socket, as the page has it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from websockets.sync.client import ClientConnection, connect

PATIENCE_S = 60.0


class Camera(NamedTuple):
    """A client of the socket, as the page's."""

    socket: ClientConnection

    def send(self, number: int, jpeg: bytes, latency_ms: int = 0) -> None:
        """Send a frame."""
        header = number.to_bytes(4, "big") + latency_ms.to_bytes(4, "big")
        self.socket.send(header + jpeg)

    def next(self, *kinds: str) -> dict[str, Any]:
        """Return the next message of these kinds; others are passed over."""
        while True:
            message: dict[str, Any] = json.loads(self.socket.recv(PATIENCE_S))
            if message["type"] in kinds:
                return message

    def shot(self, number: int, jpeg: bytes, latency_ms: int = 0) -> dict[str, Any]:
        """Send a frame and return what was read in it."""
        self.send(number, jpeg, latency_ms)
        return self.next("faces")


@contextmanager
def connected(address: str, key: str, **how: Any) -> Iterator[Camera]:
    """Connect a camera to a server ("ws://127.0.0.1:8501") until the block ends."""
    with connect(f"{address}/live/frames?key={key}", close_timeout=5, **how) as socket:
        yield Camera(socket)
