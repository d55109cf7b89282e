"""Who may speak to a server, and the headers of its answers."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from facecore.http.site_guard import (
    ANY_HOST,
    PAGE_HEADERS,
    VISITOR_COOKIE,
    SiteGuard,
    default_hosts,
    visitor_of,
)

OWN = "http://testserver"


async def _hello(_: Request) -> PlainTextResponse:
    return PlainTextResponse("hello", headers={"Content-Security-Policy": "default-src 'none'"})


async def _plain(_: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


async def _kept(_: Request) -> PlainTextResponse:
    return PlainTextResponse("hello", headers={"Cache-Control": "public"})


async def _socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("hello")
    await websocket.close()


def _client(**options: Any) -> TestClient:
    app = Starlette(
        routes=[
            Route("/", _hello, methods=["GET", "POST", "PUT", "DELETE"]),
            Route("/plain", _plain),
            Route("/kept", _kept),
            WebSocketRoute("/ws", _socket),
        ],
        middleware=[Middleware(SiteGuard, **options)],
    )
    return TestClient(app)


FOREIGN = (
    "null",
    "http://evil.example",
    "http://testserver.evil.example",
    "http://testserver:8080",
    "ftp://testserver",
    "testserver",
    "",
)


@pytest.mark.parametrize("origin", FOREIGN)
def test_a_foreign_page_is_refused(origin: str) -> None:
    """Neither its sockets nor what it sends are taken, also without Sec-Fetch-Site."""
    client = _client()
    for method in ("POST", "PUT", "DELETE"):
        answer = client.request(method, "/", headers={"Origin": origin})
        assert (answer.status_code, list(answer.json())) == (403, ["error"])
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect("/ws", headers={"Origin": origin}),
    ):
        pass


@pytest.mark.parametrize("headers", [{}, {"Origin": OWN}, {"Origin": "https://testserver"}])
def test_own_pages_and_programs_are_answered(headers: dict[str, str]) -> None:
    """A program sends no Origin; behind a proxy with TLS the page's scheme is another."""
    client = _client()
    assert client.post("/", headers=headers).status_code == 200
    with client.websocket_connect("/ws", headers=headers) as websocket:
        assert websocket.receive_text() == "hello"


def test_a_named_site_may_speak() -> None:
    """Whoever runs the server can let other pages in."""
    client = _client(origins=["https://demo.example/"])
    assert client.post("/", headers={"Origin": "https://demo.example"}).status_code == 200
    assert client.post("/", headers={"Origin": "https://demo2.example"}).status_code == 403


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("localhost", True),
        ("LOCALHOST:8501", True),
        ("localhost.", True),
        ("127.0.0.1:8501", True),
        ("[::1]:8501", True),
        ("127.0.0.1.evil.example", False),
        ("evil.example", False),
        ("localhost@evil.example", False),
        ("[::1", False),
        ("", False),
    ],
)
def test_a_server_of_this_machine_answers_to_its_names(host: str, ours: bool) -> None:
    """Another name that points here (DNS rebinding) has no answer, of no kind."""
    client = _client(hosts=default_hosts("127.0.0.1"))
    assert client.get("/", headers={"Host": host}).status_code == (200 if ours else 421)
    if not ours:
        with (
            pytest.raises(WebSocketDisconnect),
            client.websocket_connect("/ws", headers={"Host": host}),
        ):
            pass


@pytest.mark.parametrize("host", ["a.example.org", "A.Example.org:80", "faces.internal"])
def test_names_can_be_given(host: str) -> None:
    """With a star in front, all names below are meant."""
    client = _client(hosts=["*.example.org", "faces.internal"])
    assert client.get("/", headers={"Host": host}).status_code == 200
    assert client.get("/", headers={"Host": "example.org.evil"}).status_code == 421


@pytest.mark.parametrize("address", ["0.0.0.0", "192.0.2.1", "::", "faces.internal"])
def test_a_server_for_others_answers_to_any_name(address: str) -> None:
    """Nobody knows what the network calls it."""
    assert default_hosts(address) == (ANY_HOST,)


@pytest.mark.parametrize(
    ("host", "sockets"),
    [
        ("faces.example", " ws://faces.example wss://faces.example"),
        ("localhost:8501", " ws://localhost:8501 wss://localhost:8501"),
        ("evil;script-src *", ""),
        ("[::1]:8501", ""),
        ("", ""),
    ],
)
def test_a_page_may_open_its_own_sockets(host: str, sockets: str) -> None:
    """Named for browsers that do not count them as the page's own; nothing else gets in."""
    policy = _client().get("/plain", headers={"Host": host}).headers["Content-Security-Policy"]
    assert f"connect-src 'self'{sockets} data: blob:;" in policy
    assert policy.count(";") == PAGE_HEADERS["Content-Security-Policy"].count(";")


def test_every_answer_has_the_pages_headers() -> None:
    """Refusals as well; what an answer says itself stays."""
    client = _client()
    refused = client.post("/", headers={"Origin": "null"}).headers
    answered = client.get("/").headers
    assert all(refused[name] == value for name, value in PAGE_HEADERS.items())
    assert answered["X-Frame-Options"] == "SAMEORIGIN"
    assert answered["Content-Security-Policy"] == "default-src 'none'"


PAGE = {"Accept": "text/html,application/xhtml+xml"}


def test_only_a_secret_of_ours_tells_a_visitor() -> None:
    """Without the cookie, or with one of another form, nobody is known."""
    assert visitor_of({}) == ""
    for value in ("", "a" * 31, "a" * 33, "a" * 31 + ";", "a" * 32 + "\n"):
        assert visitor_of({VISITOR_COOKIE: value}) == ""
    assert visitor_of({VISITOR_COOKIE: "a-_0" * 8}) == "a-_0" * 8


def test_a_browser_gets_a_secret_of_its_own() -> None:
    """Each browser that opens a page gets another, no script may read it, and it is kept."""
    client, other = _client(base_path="/lab"), _client()
    cookie = client.get("/", headers=PAGE).headers["Set-Cookie"]
    assert cookie.endswith("; Path=/lab; HttpOnly; SameSite=Lax")
    first, second = (one.get("/", headers=PAGE).cookies[VISITOR_COOKIE] for one in (client, other))
    assert len({first, second}) == 2
    assert visitor_of({VISITOR_COOKIE: second}) == second
    assert "Set-Cookie" not in other.get("/", headers=PAGE).headers


def test_no_shared_cache_keeps_a_secret() -> None:
    """Somebody who opens a file that everybody may keep gives nobody else his secret with it."""
    client = _client()
    assert client.get("/kept").headers["Cache-Control"] == "public"
    given = client.get("/kept", headers=PAGE).headers
    assert "Set-Cookie" in given
    assert given["Cache-Control"] == "private, no-cache"


def test_a_program_gets_no_secret() -> None:
    """What asks for no page has no use for one; over TLS a browser sends it over TLS alone."""
    assert "Set-Cookie" not in _client().get("/").headers
    client = _client()
    client.base_url = "https://testserver"
    assert "; Secure" in client.get("/", headers=PAGE).headers["Set-Cookie"]
