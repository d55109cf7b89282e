"""Uploads on their way into the real server: in memory only, from its own pages, within limits."""

from __future__ import annotations

import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from facecore.http.connections import MESSAGE_BYTES
from tests.load.page_session import PageSession
from tests.server import Server

pytestmark = pytest.mark.slow

MB = 10**6
_LARGE_BYTES = 20 * MB
_BOUNDARY = "a-boundary-of-the-test"


def _multipart(field: str, size_bytes: int) -> bytes:
    head = (
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="a.jpg"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    return head.encode() + bytes(size_bytes) + f"\r\n--{_BOUNDARY}--\r\n".encode()


def _files_without_a_name(pid: int) -> Iterator[str]:
    """Return the regular files that a process has open and that nobody else can see."""
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found, target = descriptor.stat(), str(descriptor.readlink())
        except OSError:
            continue
        if stat.S_ISREG(found.st_mode) and target.endswith("(deleted)"):
            yield target


@pytest.fixture
def session(server: Server) -> Iterator[PageSession]:
    """A visitor of the page."""
    with PageSession(server.address) as visitor:
        yield visitor


def _send_most(server: Server, request: str, body: bytes, headers: dict[str, str]) -> socket.socket:
    """Begin an upload, and send all but the end."""
    split = urlsplit(server.address)
    connection = socket.create_connection((split.hostname or "", split.port or 0), timeout=60)
    headers = {
        "Host": split.netloc,
        "Content-Type": f"multipart/form-data; boundary={_BOUNDARY}",
        "Content-Length": str(len(body)),
        **headers,
    }
    lines = [f"{request} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    connection.sendall("\r\n".join([*lines, "", ""]).encode() + body[:-100])
    return connection


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs Linux's /proc")
@pytest.mark.parametrize("client", ["page", "http"])
def test_large_upload_makes_no_file(server: Server, session: PageSession, client: str) -> None:
    """While 20 MB come in through either client, the server has no temporary file."""
    if client == "page":
        request = f"PUT {session.upload_place('a.jpg').upload_url}"
        field, headers = "file", {"Cookie": session.cookies(), **session.headers()}
    else:
        request, field, headers = "POST /predict", "image", {}
    body = _multipart(field, _LARGE_BYTES)
    # What it had before, such as a font's cache, is not of this upload.
    before = set(_files_without_a_name(server.pid))
    with _send_most(server, request, body, headers) as connection:
        # All but what fits into the sockets' buffers has been read by now.
        assert set(_files_without_a_name(server.pid)) <= before
        connection.sendall(body[-100:])
        # The page's uploader takes any bytes; the other client reads them and finds no picture.
        assert (b" 204 " if client == "page" else b" 415 ") in connection.recv(100)


def test_upload_from_elsewhere_is_refused(server: Server, session: PageSession) -> None:
    """Without the token of the server's own page nothing is taken."""
    place = server.address + session.upload_place("a.jpg").upload_url
    files = {"file": ("a.jpg", b"x", "image/jpeg")}
    assert requests.put(place, files=files, timeout=60).status_code == 403
    wrong = {"X-Xsrftoken": "wrong", "Cookie": session.cookies()}
    assert requests.put(place, files=files, headers=wrong, timeout=60).status_code == 403


def test_file_over_the_limit_is_refused(session: PageSession) -> None:
    """A file of more than maxUploadSize is refused by its size."""
    assert session.upload("a.jpg", bytes(51 << 20)) == 413


def _rerun(letters: int) -> BackMsg:
    message = BackMsg()
    message.rerun_script.query_string = "x" * letters
    return message


def test_message_over_the_limit_ends_the_connection(server: Server) -> None:
    """A visitor without a browser cannot have the server collect a message of any size."""
    address = server.address.replace("http", "ws", 1) + "/_stcore/stream"
    with connect(
        address,
        origin=Origin(server.address),
        subprotocols=[Subprotocol("streamlit")],
        max_size=None,
    ) as socket_of_page:
        socket_of_page.send(_rerun(MESSAGE_BYTES - 1000).SerializeToString())
        assert socket_of_page.recv(timeout=60)
        socket_of_page.send(_rerun(MESSAGE_BYTES + 1).SerializeToString())
        with pytest.raises(ConnectionClosed):
            while True:
                socket_of_page.recv(timeout=60)


def test_page_of_another_site_cannot_listen(server: Server) -> None:
    """Another site's page gets no connection, and is not told that it may read answers."""
    foreign = {"Origin": "http://elsewhere.example"}
    health = requests.get(f"{server.address}/_stcore/health", headers=foreign, timeout=60)
    assert health.headers.get("Access-Control-Allow-Origin") not in ("*", foreign["Origin"])
    upgrade = {
        **foreign,
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    answer = requests.get(f"{server.address}/_stcore/stream", headers=upgrade, timeout=60)
    assert answer.status_code == 403
