"""Bounds on connections, over real sockets of a real uvicorn.

They rely on uvicorn's two protocols: that ``connection_made``, ``connection_lost`` and
``data_received`` are called for each connection, that ``cycle.response_complete`` says
whether a request is being answered, that ``handle_websocket_upgrade`` makes the other
protocol, and that ``frames`` and ``conn.reader.buffer`` hold what came of a message.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from ipaddress import ip_network

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from facecore.errors import ServerError
from facecore.http.connections import ConnectionLimits, Connections, GuardedWebSocket
from facecore.http.web_server import connection_limits, listening_socket
from facecore.machine.memory_plan import plan_for
from tests.http.conftest import served

PATIENCE_S = 60.0
MEGABYTE = 1_000_000
_UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


async def _hello(_: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


async def _sink(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            await websocket.send_text(str(len(await websocket.receive_bytes())))
    except WebSocketDisconnect:
        pass


def _served(limits: ConnectionLimits) -> AbstractContextManager[tuple[Connections, int]]:
    """Serve until the block ends; the account and the port."""
    app = Starlette(routes=[Route("/", _hello), WebSocketRoute("/ws", _sink)])
    # These clients answer no pings, which would end them, too.
    return served(app, limits, ws_max_size=MEGABYTE, ws_ping_interval=None)


def _connect(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port))
    connection.settimeout(PATIENCE_S)
    return connection


def _websocket(port: int) -> socket.socket:
    connection = _connect(port)
    connection.sendall(_UPGRADE)
    assert _received(connection, b"\r\n\r\n")
    return connection


def _frame(size: int, present: int) -> bytes:
    """A binary frame that claims ``size`` bytes, of which so many are there."""
    return b"\x82\xff" + size.to_bytes(8, "big") + bytes(4) + bytes(present)


def _received(connection: socket.socket, wanted: bytes) -> bool:
    """Return whether this comes, in however many pieces."""
    got = b""
    while wanted not in got:
        piece = connection.recv(4096)
        if not piece:
            return False
        got += piece
    return True


def _ends(connection: socket.socket) -> bool:
    """Return whether the server ends the connection, within the test's patience."""
    try:
        while connection.recv(65536):
            pass
    except TimeoutError:
        return False
    except OSError:
        return True
    return True


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _ask(port: int) -> bool:
    with _connect(port) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return _received(connection, b"hello")


@pytest.mark.parametrize("said", [b"", b"GET / HTT", b"GET / HTTP/1.1\r\nHost: x\r\n"])
def test_a_request_that_never_comes_whole_ends(said: bytes) -> None:
    """Silence, and half of a request, end the connection and leave nothing."""
    with _served(ConnectionLimits(silent_s=0.2)) as (account, port), _connect(port) as connection:
        connection.sendall(said)
        assert _ends(connection)
        _until(lambda: len(account) == 0)


def test_a_byte_now_and_then_is_no_request() -> None:
    """The clock runs from the first byte of a request to the last of its headers."""
    with _served(ConnectionLimits(silent_s=0.5)) as (_, port), _connect(port) as connection:
        ended = threading.Event()

        def drip() -> None:
            connection.sendall(b"GET / HTTP/1.1\r\nX: ")
            while not ended.wait(0.02):
                try:
                    connection.sendall(b"x")
                except OSError:
                    return

        dripping = threading.Thread(target=drip)
        dripping.start()
        assert _ends(connection)
        ended.set()
        dripping.join()


def test_a_second_request_of_a_connection_has_its_own_clock() -> None:
    """After an answer half of a request ends the connection just so."""
    with _served(ConnectionLimits(silent_s=0.5)) as (_, port), _connect(port) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert _received(connection, b"hello")
        connection.sendall(b"GET / HT")
        assert _ends(connection)


def test_an_unfinished_message_ends_its_socket() -> None:
    """The rest must follow in time, however slowly it drips; what came is let go."""
    with _served(ConnectionLimits(silent_s=0.3)) as (account, port), _websocket(port) as client:
        client.sendall(_frame(900_000, 100_000))
        _until(lambda: account.unfinished_bytes > 0)
        assert _ends(client)
        _until(lambda: (len(account), account.unfinished_bytes) == (0, 0))


@pytest.mark.slow
def test_an_open_page_may_be_silent() -> None:
    """Whole messages are answered, also long after the limit for an unfinished one."""
    with _served(ConnectionLimits(silent_s=2)) as (account, port), _websocket(port) as client:
        client.sendall(_frame(500_000, 500_000))
        assert _received(client, b"500000")
        time.sleep(2.5)
        client.sendall(_frame(70_000, 70_000))
        assert _received(client, b"70000")
        assert account.unfinished_bytes == 0


def test_too_large_a_message_ends_its_socket() -> None:
    """A header that claims more than a page ever sends is enough."""
    with _served(ConnectionLimits()) as (_, port), _websocket(port) as client:
        client.sendall(_frame(19 * MEGABYTE, 10))
        assert _ends(client)


@pytest.mark.parametrize("content", [b"", b"x"], ids=["empty", "one byte"])
def test_a_message_in_very_many_pieces_ends_its_socket(content: bytes) -> None:
    """Each piece takes memory, also one with nothing in it: their count ends it, no clock."""
    piece = bytes([0, 0x80 | len(content)]) + bytes(4) + content
    with _served(ConnectionLimits(silent_s=PATIENCE_S * 2)) as (account, port):
        with _websocket(port) as client:
            client.sendall(b"\x02\x80" + bytes(4) + piece * 2000)
            assert _ends(client)
        _until(lambda: (len(account), account.unfinished_bytes) == (0, 0))


def test_a_message_in_some_pieces_is_answered() -> None:
    """What a proxy or a browser divides is one message."""
    piece = b"\0\x81" + bytes(4) + b"x"
    with _served(ConnectionLimits()) as (account, port), _websocket(port) as client:
        client.sendall(b"\x02\x80" + bytes(4) + piece * 500 + b"\x80\x80" + bytes(4))
        assert _received(client, b"500")
        _until(lambda: account.unfinished_bytes == 0)


def test_a_message_that_has_begun_with_nothing_must_go_on() -> None:
    """An empty first piece starts the clock as any other."""
    with _served(ConnectionLimits(silent_s=0.3)) as (_, port), _websocket(port) as client:
        client.sendall(b"\x02\x80" + bytes(4))
        assert _ends(client)


@pytest.mark.slow
def test_pings_of_who_takes_no_answer_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many a client sends that reads nothing, some kilobytes wait for it."""
    waiting: list[int] = []
    answer = GuardedWebSocket.handle_ping

    def noted(self: GuardedWebSocket) -> None:
        answer(self)
        waiting.append(self.transport.get_write_buffer_size())

    monkeypatch.setattr(GuardedWebSocket, "handle_ping", noted)
    pings = (b"\x89\xfd" + bytes(4 + 125)) * 1000
    with _served(ConnectionLimits()) as (_, port), _websocket(port) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for _ in range(60):
            client.sendall(pings)
        _until(lambda: len(waiting) == 60_000)
    assert 0 < max(waiting) < MEGABYTE


def test_who_takes_nothing_and_answers_no_ping_is_gone() -> None:
    """A page that left without a word ends, also where something waits for it still."""

    async def send_much(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_bytes(bytes(20 * MEGABYTE))
        await websocket.receive()

    app = Starlette(routes=[WebSocketRoute("/ws", send_much)])
    limits = ConnectionLimits(stalled_s=PATIENCE_S * 2)
    pings = {"ws_ping_interval": 0.2, "ws_ping_timeout": 0.2}
    with served(app, limits, **pings) as (account, port), _websocket(port):
        _until(lambda: len(account) == 0)


def test_unfinished_messages_share_one_budget() -> None:
    """Many sockets with a part of a message each hold no more than the share of them all."""
    limits = ConnectionLimits(unfinished_bytes=3 * MEGABYTE)
    with _served(limits) as (account, port):
        clients = [_websocket(port) for _ in range(8)]
        for client in clients:
            client.sendall(_frame(900_000, 800_000))
        _until(lambda: len(account) <= 3)
        assert 0 < account.unfinished_bytes <= 3 * MEGABYTE
        for client in clients:
            client.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    "limits", [ConnectionLimits(total=20), ConnectionLimits(per_address=20)], ids=["all", "one"]
)
def test_silent_connections_make_room_for_who_asks(limits: ConnectionLimits) -> None:
    """However many stay silent, the next client has its answer."""
    with _served(limits) as (account, port):
        silent = [_connect(port) for _ in range(60)]
        _until(lambda: len(account) == 20)
        time.sleep(1.5)
        assert all(_ask(port) for _ in range(5))
        for connection in silent:
            connection.close()


def test_open_pages_are_not_ended_for_a_newcomer() -> None:
    """Where all have a page open, who comes next is refused, and the pages go on."""
    with _served(ConnectionLimits(pages=3)) as (_, port):
        pages = [_websocket(port) for _ in range(3)]
        with _connect(port) as newcomer:
            newcomer.sendall(_UPGRADE)
            assert _ends(newcomer)
        assert _ask(port)
        for page in pages:
            page.sendall(_frame(5, 5))
            assert _received(page, b"5")
            page.close()


def test_a_trusted_proxy_has_no_bound_of_its_own() -> None:
    """Behind one address may be all clients there are."""
    limits = ConnectionLimits(per_address=2, trusted=(ip_network("127.0.0.1"),))
    with _served(limits) as (account, port):
        silent = [_connect(port) for _ in range(10)]
        _until(lambda: len(account) == 10)
        for connection in silent:
            connection.close()


@pytest.mark.parametrize(
    ("named", "whom"),
    [
        ("", [False, False, False, False]),
        ("10.0.0.2, unix:", [True, False, False, False]),
        ("10.0.0.0/8,fd00::1", [True, True, True, False]),
        ("*", [True, True, True, False]),
    ],
)
def test_proxies_are_those_whom_uvicorn_believes(
    monkeypatch: pytest.MonkeyPatch, named: str, whom: list[bool]
) -> None:
    """The variable that names them for addresses names them here."""
    monkeypatch.setitem(os.environ, "FORWARDED_ALLOW_IPS", named)
    limits = connection_limits(plan_for(1 << 30))
    assert [limits.trusts(address) for address in ("10.0.0.2", "10.9.0.1", "fd00::1", "")] == whom


@pytest.mark.parametrize(
    "host", ["203.0.113.7", "no-such-name.invalid", "faces..example", "x" * 70]
)
def test_an_address_that_is_not_here_gets_a_sentence(host: str) -> None:
    """It says which address, and what to do."""
    with pytest.raises(ServerError, match=f"{host}, port 8501 .*--host"):
        listening_socket(host, 8501)


def test_a_port_that_is_taken_gets_a_sentence() -> None:
    """It says which port, and what to do."""
    with listening_socket("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServerError, match=f"port {port} .*--port"):
            listening_socket("127.0.0.1", port)
