"""The HTTP API in this process, over the tests' own networks."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.http.api import HttpApi
from facecore.http.connections import ConnectionLimits, Connections, guarded_protocols
from facecore.http.image_store import ImageStore
from facecore.http.uploads import UploadLimits
from facecore.http.web_server import listening_socket
from facecore.profiles.configuration import Configuration
from facecore.serving.service import FaceService
from facecore.settings.server import ServerSettings

_T = TypeVar("_T")

BOUNDARY = "boundary"
LIMITS = UploadLimits(max_bytes=3_000_000)


class ServedApi(NamedTuple):
    """A api with what is behind it, and a client in front of it."""

    client: TestClient
    service: FaceService
    pictures: ImageStore
    app: Starlette

    def predict(self, photo: bytes, name: str = "photo.jpg") -> Any:
        """Send a photo as the article's client does."""
        return self.client.post("/predict", files={"image": (name, photo)})


@pytest.fixture(autouse=True)
def _passes_are_remembered(remembered_passes: None) -> None:
    """The API of this process is given the same few photos."""


@pytest.fixture
def service(analyzer: FaceAnalyzer, monkeypatch: pytest.MonkeyPatch) -> FaceService:
    """A service that takes the tests' own networks instead of loading some."""
    monkeypatch.setattr(FaceAnalyzer, "load", lambda *_, **__: analyzer)
    return FaceService(Configuration(server=ServerSettings(queue_limit=0)))


@pytest.fixture
def api(service: FaceService) -> Iterator[ServedApi]:
    """A api to that service."""
    pictures = ImageStore(1_000_000, 600)
    app = Starlette(routes=HttpApi(service, limits=LIMITS, pictures=pictures).routes())
    with TestClient(app) as client:
        yield ServedApi(client, service, pictures, app)


@contextmanager
def served(app: ASGIApp, limits: ConnectionLimits, **how: Any) -> Iterator[tuple[Connections, int]]:
    """Serve an application from a thread until the block ends; the account and the port."""
    account, http, websocket = guarded_protocols(limits)
    listening = listening_socket("127.0.0.1", 0)
    config = uvicorn.Config(app, http=http, ws=websocket, log_level="error", lifespan="off", **how)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield account, listening.getsockname()[1]
    finally:
        server.should_exit = server.force_exit = True
        thread.join()


def form(data: bytes, field: str = "image", file_name: str | None = "a.jpg") -> bytes:
    """Write a form of one part by hand; a part without a file name is a field of text."""
    named = f'; filename="{file_name}"' if file_name is not None else ""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"{named}\r\n\r\n'
    return head.encode() + data + f"\r\n--{BOUNDARY}--\r\n".encode()


def scope_of_upload(**headers: str) -> dict[str, Any]:
    """Return the ASGI scope of a form that is sent without saying how long it is."""
    named = {"content-type": f"multipart/form-data; boundary={BOUNDARY}", **headers}
    return {
        "type": "http",
        "method": "POST",
        "path": "/predict",
        "raw_path": b"/predict",
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
        "headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in named.items()],
    }


class Exchange(NamedTuple):
    """What a server answered over ASGI."""

    status: int
    headers: dict[str, str]
    body: bytes


def in_a_loop(work: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine to its end in a thread of its own: a browser test has a loop in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


async def exchange(
    app: Any, scope: dict[str, Any], receive: Callable[[], Awaitable[Message]]
) -> Exchange:
    """Run one request against an application, with a body that comes as ``receive`` says."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Exchange(sent[0]["status"], headers, b"".join(m.get("body", b"") for m in sent))


def body_of(chunks: Sequence[bytes], then: str = "end") -> Callable[[], Awaitable[Message]]:
    """Return a body in chunks, which then ends, is cut off by a "disconnect", or goes "silent"."""
    messages: list[Message] = [
        {"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks
    ]
    if then == "end":
        messages.append({"type": "http.request", "body": b"", "more_body": False})
    if then == "disconnect":
        messages.append({"type": "http.disconnect"})

    async def receive() -> Message:
        if messages:
            return messages.pop(0)
        await asyncio.Event().wait()
        raise AssertionError("nothing ever comes")

    return receive
