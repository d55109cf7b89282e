"""The real server asks nobody outside this machine for anything, whatever it is asked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import requests
from websockets.exceptions import InvalidHandshake
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from tests.load.page_session import PageSession
from tests.server import server_process

pytestmark = pytest.mark.slow

# Python tells of each name and address before it is asked for, whatever package asks.
_RECORDER = """
import json, os, sys

def record(event, arguments, place=os.environ["RECORDED_ADDRESSES"]):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[-1]
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        address = arguments
    else:
        return
    host = address[0] if isinstance(address, tuple) else None
    with open(place, "a") as file:
        file.write(json.dumps([event, host if host is None else str(host)]) + "\\n")

sys.addaudithook(record)
"""
_OWN = (None, "127.0.0.1", "::1", "localhost")


@contextmanager
def _proxy() -> Iterator[tuple[str, list[str]]]:
    """Stand where a program's way out would be; the address, and what was asked for."""
    asked: list[str] = []

    class _Handler(BaseHTTPRequestHandler):
        def handle_one_request(self) -> None:
            asked.append(self.rfile.readline().decode("latin-1"))

    server = HTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _environment(folder: Path, proxy: str) -> dict[str, str]:
    """Return what has a Python program, and those that it starts, record whom it asks."""
    (folder / "sitecustomize.py").write_text(_RECORDER)
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), proxy)
    return {
        **proxies,
        "PYTHONPATH": str(folder),
        "RECORDED_ADDRESSES": str(folder / "addresses"),
        # A package that reports to its makers keeps its own notes in here.
        "XDG_CACHE_HOME": str(folder / "caches"),
    }


def _asked(folder: Path) -> list[list[str | None]]:
    place = folder / "addresses"
    return [json.loads(line) for line in place.read_text().splitlines()] if place.exists() else []


def test_the_record_sees_who_asks(tmp_path: Path) -> None:
    """A program that asks a host for something is seen at both places."""
    program = "import requests; requests.get('http://elsewhere.example/', timeout=5)"
    with _proxy() as (address, asked):
        environment = os.environ | _environment(tmp_path, address)
        subprocess.run([sys.executable, "-c", program], env=environment, check=False)
        direct = "import socket; socket.create_connection(('192.0.2.1', 9), timeout=0.01)"
        subprocess.run([sys.executable, "-c", direct], env=environment, check=False)
    assert asked == ["GET http://elsewhere.example/ HTTP/1.1\r\n"]
    assert ["socket.getaddrinfo", "192.0.2.1"] in _asked(tmp_path)


def test_nothing_is_sent_to_anybody_outside(tmp_path: Path, astronaut_file: bytes) -> None:
    """Pages, photos, another site's page, another name: all is answered without a question."""
    with (
        _proxy() as (proxy, asked),
        server_process(
            tmp_path / "log",
            environment=_environment(tmp_path, proxy),
        ) as server,
    ):
        with PageSession(server.address) as session:
            assert session.upload("a.png", astronaut_file) == 204
            assert not session.show().exceptions
        for path in ("/", "/batch", "/tune", "/compare", "/monitor", "/models", "/openapi.json"):
            assert requests.get(server.address + path, timeout=60).ok
        foreign = {"Origin": "http://elsewhere.example"}
        for headers, status in (({}, 200), (foreign, 403)):
            answer = requests.post(
                f"{server.address}/predict",
                files={"image": astronaut_file},
                headers=headers,
                timeout=60,
            )
            assert answer.status_code == status
        stream = server.address.replace("http", "ws", 1) + "/_stcore/stream"
        for origin in ("http://elsewhere.example", "null", "http://192.0.2.1"):
            with pytest.raises(InvalidHandshake):
                connect(
                    stream, origin=Origin(origin), subprotocols=[Subprotocol("streamlit")]
                ).close()
    assert asked == []
    assert {place.name for place in (tmp_path / "caches").iterdir()} == {"facecore"}
    assert [one for one in _asked(tmp_path) if one[1] not in _OWN] == []
