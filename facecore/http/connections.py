"""Bounds on a server's connections: how many, how long they may be silent, what they may hold.

uvicorn gives a connection that has sent nothing, or half of something, for ever. The two
protocols here are uvicorn's own with a clock and a common account: what they rely on stands
in ``tests/http/test_connections.py``.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any, cast

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Close, CloseCode, Frame, Opcode

from facecore.live.wire import FRAME_BYTES, LIVE_PATH
from facecore.wording import Text

MESSAGE_BYTES = 1_000_000
"""The largest message that a page may send; what pages send is a few kilobytes of settings."""

_MOST_PIECES = 1000
_PIECE_BYTES = 100
"""What a piece of a message takes beside its content; pages send theirs in one."""

_HEARD_S = 2.0
"""So long a client that sends too much may go on, unread, until it hears why it is ended."""

_NEW_FOR_S = 1.0
"""So young a connection may have sent its request without that anybody has looked."""

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """How many connections a server has, and how patient it is with each.

    Attributes:
        total: connections in all; the one that has been silent longest makes room.
        per_address: of these, those of one address; likewise.
        pages: websockets in all, each of which may be a page with a session.
        pages_per_address: of these, those of one address.
        unfinished_bytes: parts of messages in all, of which the rest has not come.
        silent_s: a request's headers, or the rest of a message, must have come by then;
            also how long the first byte may take, seconds.
        stalled_s: what a client does not take for so long is given up, seconds.
        trusted: networks of proxies, behind which are many clients.
    """

    total: int = 1024
    per_address: int = 512
    pages: int = 256
    pages_per_address: int = 128
    unfinished_bytes: int = 32_000_000
    silent_s: float = 10.0
    stalled_s: float = 60.0
    trusted: tuple[IPv4Network | IPv6Network, ...] = ()

    def trusts(self, address: str) -> bool:
        """Return whether an address is a proxy's."""
        try:
            own = ip_address(address)
        except ValueError:
            return False
        return any(own in network for network in self.trusted)


class Connections:
    """The account of one server's connections; for its event loop's thread only."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self._open: dict[_Guarded, str] = {}
        self._unfinished_bytes = 0

    def __len__(self) -> int:
        """Return how many connections are open."""
        return len(self._open)

    @property
    def unfinished_bytes(self) -> int:
        """Bytes of all messages of which the rest has not come."""
        return self._unfinished_bytes

    def opened(self, connection: _Guarded) -> None:
        """Count a new connection; the longest silent one, or else the new one, ends at a limit."""
        address = (connection.transport.get_extra_info("peername") or ("",))[0]
        self._open[connection] = address
        limits, everybody = self.limits, list(self._open)
        pages: list[_Guarded] = [one for one in everybody if isinstance(one, GuardedWebSocket)]
        bounds = [(everybody, limits.total), (pages, limits.pages)]
        if not limits.trusts(address):
            bounds += [
                ([one for one in among if self._open[one] == address], limit)
                for among, limit in (
                    (everybody, limits.per_address),
                    (pages, limits.pages_per_address),
                )
            ]
        for among, limit in bounds:
            if connection in self._open and len(among) > limit:
                self._make_room(among, connection)

    def closed(self, connection: _Guarded) -> None:
        """Forget a connection and what it held."""
        self._open.pop(connection, None)
        self.holds(connection, 0)

    def holds(self, connection: _Guarded, unfinished_bytes: int) -> None:
        """Note what a connection holds of an unfinished message; the largest goes at the limit."""
        self._unfinished_bytes += unfinished_bytes - connection.unfinished_bytes
        connection.unfinished_bytes = unfinished_bytes
        while self._unfinished_bytes > self.limits.unfinished_bytes:
            largest = max(self._open, key=lambda one: one.unfinished_bytes)
            _LOGGER.warning("Unfinished messages fill their share of memory: one is dropped.")
            self._unfinished_bytes -= largest.unfinished_bytes
            largest.unfinished_bytes = 0
            largest.transport.abort()

    def _make_room(self, among: list[_Guarded], new: _Guarded) -> None:
        old_s = new.loop.time() - _NEW_FOR_S
        silent = [one for one in among if one.waits_since is not None and one.waits_since < old_s]
        gone = min(silent, key=lambda one: one.waits_since or 0.0, default=new)
        self.closed(gone)
        gone.transport.abort()


class _Deadline:
    """A clock that ends a connection when it runs out."""

    def __init__(self, connection: _Guarded, seconds: float) -> None:
        self._connection = connection
        self._seconds = seconds
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Let it run; one that runs already runs on."""
        if self._timer is None:
            self._timer = self._connection.loop.call_later(self._seconds, self._end)

    def stop(self) -> None:
        """Stop it; the next start has the whole time."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end(self) -> None:
        self._connection.transport.abort()


class _Guarded(asyncio.Protocol):
    """What both protocols have beside uvicorn's own: an account, and two clocks."""

    account: Connections
    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.unfinished_bytes = 0
        # None for an open page, which is silent for as long as nobody clicks; pings find
        # those that are gone.
        self.waits_since: float | None = None
        self._silent = _Deadline(self, self.account.limits.silent_s)
        self._stalled = _Deadline(self, self.account.limits.stalled_s)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection."""
        super().connection_made(transport)
        self.account.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection and what it held."""
        self._forget()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Wait for the client to take what was sent, but not for ever."""
        super().pause_writing()
        self._stalled.start()

    def resume_writing(self) -> None:
        """Go on sending."""
        super().resume_writing()
        self._stalled.stop()

    def _forget(self) -> None:
        self._silent.stop()
        self._stalled.stop()
        self.account.closed(self)


class GuardedHttp(_Guarded, H11Protocol):
    """HTTP/1.1 whose request line and headers must come in time."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection and start its clock."""
        self.waits_since = self.loop.time()
        self._silent.start()
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Take what came; a byte now and then does not stop the clock, a whole request does."""
        if not self._is_answering():
            self._silent.start()
        super().data_received(data)
        if self._is_answering():
            self._silent.stop()
            self.waits_since = None

    def on_response_complete(self) -> None:
        """Let the next request of the connection wait as long as uvicorn keeps it."""
        super().on_response_complete()
        # The next one may have come together with this one.
        self.waits_since = None if self._is_answering() else self.loop.time()

    def handle_websocket_upgrade(self, event: Any) -> None:
        """Give the connection on; from here the other protocol counts it."""
        self._forget()
        super().handle_websocket_upgrade(event)

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete


class GuardedWebSocket(_Guarded, WebSocketsSansIOProtocol):
    """A websocket whose messages are small, and come whole in time."""

    def handle_connect(self, event: Any) -> None:
        """Let a camera's socket send frames, which are larger than a page's messages."""
        if event.path.partition("?")[0].endswith(LIVE_PATH):
            self.conn.max_message_size = FRAME_BYTES
        super().handle_connect(event)

    def handle_parser_exception(self) -> None:
        """End a client that sends too much with a sentence, which it can hear."""
        if self.close_sent:
            return  # what still comes is passed over
        closing = self.conn.close_sent
        if closing is None or closing.code != CloseCode.MESSAGE_TOO_BIG:
            super().handle_parser_exception()
            return
        self.conn.data_to_send()
        most = self.conn.max_message_size or 0
        why = Text(
            "A message of more than {most:g} MB is not taken: send smaller ones.",
            most=most / 1e6,
        )
        self.queue.put_nowait({"type": "websocket.disconnect", "code": 1009, "reason": why})
        told = Frame(Opcode.CLOSE, Close(CloseCode.MESSAGE_TOO_BIG, why).serialize())
        self.transport.write(told.serialize(mask=False))
        self.close_sent = True
        # Closed at once, with data unread, the connection would be reset under the sentence.
        self.close_timer = self.loop.call_later(_HEARD_S, self.transport.close)

    def data_received(self, data: bytes) -> None:
        """Take what came; the rest of a message must follow in time."""
        super().data_received(data)
        if len(self.frames) > _MOST_PIECES:
            self.frames = []
            self.transport.abort()
        unfinished_bytes = len(self.conn.reader.buffer)
        unfinished_bytes += sum(len(piece) + _PIECE_BYTES for piece in self.frames)
        if unfinished_bytes:
            self._silent.start()
        else:
            self._silent.stop()
        self.account.holds(self, unfinished_bytes)

    def handle_ping(self) -> None:
        """Answer a client that takes what is sent; for another, answers would only pile up."""
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()

    def keepalive_timeout(self) -> None:
        """End a client that is gone; it takes no rest of what was sent, either."""
        super().keepalive_timeout()
        self.transport.abort()

    def send_receive_event_to_app(self) -> None:
        """Give a whole message on; the next one has the whole time again."""
        self._silent.stop()
        super().send_receive_event_to_app()


def guarded_protocols(
    limits: ConnectionLimits,
) -> tuple[Connections, type[GuardedHttp], type[GuardedWebSocket]]:
    """Return an account and the two protocols that keep it, for ``uvicorn.Config(http, ws)``."""
    account = Connections(limits)
    http = type("CountedHttp", (GuardedHttp,), {"account": account})
    websocket = type("CountedWebSocket", (GuardedWebSocket,), {"account": account})
    return account, cast(type[GuardedHttp], http), cast(type[GuardedWebSocket], websocket)
