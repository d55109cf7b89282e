"""The web server itself: uvicorn with bounds on what a connection may do."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network

import uvicorn
from starlette.types import ASGIApp
from uvicorn.config import LOGGING_CONFIG

from facecore.errors import ServerError
from facecore.http.connections import MESSAGE_BYTES, ConnectionLimits, guarded_protocols
from facecore.machine.memory_plan import MemoryPlan
from facecore.wording import Text

LONGEST_LOG_LETTERS = 2000
"""A line of the log may have words of whoever asked, but not at any length."""

_PING_S = 30.0
_BACKLOG = 128
# As long as the slowest photo that has its slot already may take.
_DRAIN_S = 30


class _ShortRecord(logging.LogRecord):
    """A line of the log without line ends, and of bounded length."""

    def getMessage(self) -> str:  # noqa: N802 - the name is logging's
        """Return the message as one line."""
        message = super().getMessage()
        more = "…" if len(message) > LONGEST_LOG_LETTERS else ""
        return message[:LONGEST_LOG_LETTERS].translate(_ONE_LINE) + more


_ONE_LINE = dict.fromkeys((*range(32), 127), " ")


def connection_limits(plan: MemoryPlan) -> ConnectionLimits:
    """Return the bounds on connections for a server with so much memory."""
    return ConnectionLimits(
        pages=plan.pages,
        pages_per_address=plan.pages // 2,
        unfinished_bytes=plan.message_bytes,
        trusted=tuple(_proxies(os.environ.get("FORWARDED_ALLOW_IPS", ""))),
    )


def _proxies(named: str) -> Iterator[IPv4Network | IPv6Network]:
    """Return the networks that uvicorn's variable names: addresses, networks, or * for all."""
    for name in map(str.strip, named.replace("*", "0.0.0.0/0,::/0").split(",")):
        # uvicorn passes over what is neither, too.
        with contextlib.suppress(ValueError):
            yield ip_network(name)


def listening_socket(host: str, port: int, flag: str = "--port") -> socket.socket:
    """Return a socket that listens at an address and port, which a command's flag chooses.

    Raises:
        ServerError: the address is not this machine's, or the port is taken or forbidden.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.create_server(
            (host, port), family=family, backlog=_BACKLOG, dualstack_ipv6=False
        )
    # What is no name at all is none of the system's errors.
    except (OSError, UnicodeError) as error:
        why = (getattr(error, "strerror", "") or "").partition(" (")[0] or Text(
            "there is no such name"
        )
        raise ServerError(
            "The server cannot listen at {host}, port {port} ({why}): choose another "
            "address of this machine with --host, or another port with {flag}.",
            host=host,
            port=port,
            why=why,
            flag=flag,
        ) from error
    listening.setblocking(False)
    return listening


def serve(app: ASGIApp, listening: socket.socket, limits: ConnectionLimits) -> None:
    """Answer at a socket until a signal ends it; what runs by then is finished first."""
    logging.setLogRecordFactory(_ShortRecord)
    _, http, websocket = guarded_protocols(limits)
    config = uvicorn.Config(
        app,
        http=http,
        ws=websocket,
        ws_max_size=MESSAGE_BYTES,
        ws_ping_interval=_PING_S,
        ws_ping_timeout=_PING_S,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=_DRAIN_S,
        # uvicorn's own form, unless the process has one already (facecore/serving/logs.py).
        log_config=None if logging.getLogger().handlers else LOGGING_CONFIG,
        access_log=False,
        log_level="warning",
        use_colors=False,
    )
    # Once all is finished uvicorn raises the signals again that it had caught.
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listening])
