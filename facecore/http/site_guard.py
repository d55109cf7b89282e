"""Who may speak to a server: its own names, its own pages; and the headers of every answer."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")
"""The names by which a server that listens on this machine alone is asked."""

ANY_HOST = "*"

VISITOR_COOKIE = "facecore_visitor"
"""A browser's secret, by which a reloaded page finds again what its visitor had."""

_VISITOR = re.compile(r"[A-Za-z0-9_-]{32}")
_HOST_IN_A_POLICY = re.compile(r"[A-Za-z0-9.-]+(:[0-9]+)?")
# ASGI's extension with which a socket that is not opened gets an answer as any request does.
_REFUSAL = "websocket.http.response"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# Streamlit's page has a script and styles of its own inside and loads its components' from
# blobs, its charts compile expressions and keep pictures as data; all comes from this server.
PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
        "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        "media-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' data: blob:; "
        "worker-src 'self' blob:; frame-src 'self' blob: data:; object-src 'none'; "
        "base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
    ),
    # With "no-referrer" some browsers call their own page's origin "null".
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
}


class SiteGuard:
    """Answers only to the server's own names and pages; an ASGI middleware.

    A page of another site that opens a socket or sends a form is refused before
    Streamlit sees it, which would ask the internet for its own address, and block
    everybody while it does.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: Sequence[str] = (ANY_HOST,),
        origins: Sequence[str] = (),
        base_path: str = "/",
    ) -> None:
        """Stand before an application.

        Args:
            app: what comes after.
            hosts: names that the server answers to, such as "example.org", "*.example.org",
                or "*" for any.
            origins: pages of other sites that may speak to it, such as "https://example.org".
            base_path: below which all of it is; a browser's secret is for this alone.
        """
        self._app = app
        self._hosts = tuple(host.lower() for host in hosts)
        self._origins = frozenset(origin.rstrip("/").lower() for origin in origins)
        self._base_path = base_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a stranger; pass everything else on, and add the headers to what is answered."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers.get("Host", ""), headers.get("Origin"))
        if refusal is None:
            own = _page_headers(headers.get("Host", "")) | self._secret(scope, headers)
            await self._app(scope, receive, _with_headers(send, own))
        elif scope["type"] == "websocket" and _REFUSAL not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": 1008})
        else:
            status, sentence = refusal
            answer = JSONResponse({"error": sentence}, status, {"Connection": "close"})
            await answer(scope, receive, _with_headers(send, PAGE_HEADERS))

    def _secret(self, scope: Scope, headers: Headers) -> dict[str, str]:
        """Return the header that gives a browser its secret, where it asks for a page without."""
        asks_for_a_page = scope["type"] == "http" and "text/html" in headers.get("Accept", "")
        if not asks_for_a_page or visitor_of(cookie_parser(headers.get("Cookie", ""))):
            return {}
        # Until the browser is closed; no script can read it, and no other site's page brings it.
        rules = f"Path={self._base_path}; HttpOnly; SameSite=Lax"
        secure = "; Secure" if scope.get("scheme") == "https" else ""
        return {"Set-Cookie": f"{VISITOR_COOKIE}={secrets.token_urlsafe(24)}; {rules}{secure}"}

    def _refusal(self, scope: Scope, host: str, origin: str | None) -> tuple[int, str] | None:
        if not self._is_ours(host):
            return 421, (
                "This server does not answer to that name: whoever runs it can add it with "
                "--allowed-hosts or FACECORE_ALLOWED_HOSTS."
            )
        changes = scope["type"] == "websocket" or scope["method"] not in _SAFE_METHODS
        if changes and origin is not None and not self._is_own_page(origin, host):
            return 403, "Photos and sockets are not taken from another site's page."
        return None

    def _is_ours(self, host: str) -> bool:
        if ANY_HOST in self._hosts:
            return True
        name = _name_of(host)
        return any(
            name == known or (known.startswith("*.") and name.endswith(known[1:]))
            for known in self._hosts
        )

    def _is_own_page(self, origin: str, host: str) -> bool:
        known = origin.rstrip("/").lower()
        return known in self._origins or (
            known.startswith(("http://", "https://")) and known.partition("://")[2] == host.lower()
        )


def default_hosts(address: str) -> tuple[str, ...]:
    """Return the names that a server which listens on an address answers to, unless told.

    On this machine alone, only its own: a page of any site may have its name point here
    (DNS rebinding). Elsewhere any, as nobody knows what the network calls it.
    """
    try:
        local = ip_address(address.strip("[]")).is_loopback
    except ValueError:
        local = address == "localhost"
    return (*LOOPBACK_HOSTS, address.strip("[]").lower()) if local else (ANY_HOST,)


def _name_of(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def visitor_of(cookies: Mapping[str, str]) -> str:
    """Return the secret that is among a browser's cookies, or "" where there is none."""
    value = cookies.get(VISITOR_COOKIE, "")
    return value if _VISITOR.fullmatch(value) else ""


def _page_headers(host: str) -> dict[str, str]:
    own = dict(PAGE_HEADERS)
    if _HOST_IN_A_POLICY.fullmatch(host):
        # Safari before 15.4 takes a page's own sockets for another site's.
        own["Content-Security-Policy"] = own["Content-Security-Policy"].replace(
            "connect-src 'self'", f"connect-src 'self' ws://{host} wss://{host}"
        )
    return own


def _with_headers(send: Send, own: Mapping[str, str]) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in own.items():
                if name == "Set-Cookie":
                    headers.append(name, value)  # beside what the application sets
                    # A cache that others share would give all of them this one's secret.
                    headers["Cache-Control"] = "private, no-cache"
                else:
                    headers.setdefault(name, value)
        await send(message)

    return send_with_headers
