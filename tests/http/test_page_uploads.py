"""Room for the uploads of pages: who is let in, and who is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from facecore.http.page_uploads import UploadRoom, session_budget
from facecore.http.uploads import UploadLimits
from tests.http.conftest import exchange, in_a_loop

MB = 10**6
PATH = "/base/upload/"


def _scope(size: str | None, path: str = PATH + "me/1", method: str = "PUT") -> Scope:
    headers = [] if size is None else [(b"content-length", size.encode())]
    return {"type": "http", "method": method, "path": path, "headers": headers}


def _statuses(
    *scopes: Scope,
    most_bytes: int = 100 * MB,
    file_bytes: int = 50 * MB,
    held: Mapping[str, int] | None = None,
) -> list[int]:
    """Send requests at once, each under way until all have been looked at; 204 is the app's own."""
    statuses: dict[int, int] = {}

    async def run() -> None:
        seen = asyncio.Event()

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await seen.wait()
            await send({"type": "http.response.start", "status": 204, "headers": []})

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def request(number: int) -> None:
            async def send(message: Message) -> None:
                if message["type"] == "http.response.start":
                    statuses[number] = message["status"]

            await room(scopes[number], receive, send)

        budget = session_budget(most_bytes, file_bytes, lambda: held or {})
        room = UploadRoom(app, path="/upload/", budget=budget)
        tasks: list[asyncio.Task[Any]] = [
            asyncio.create_task(request(number)) for number in range(len(scopes))
        ]
        await asyncio.sleep(0)
        seen.set()
        await asyncio.gather(*tasks)

    in_a_loop(run())
    return [statuses[number] for number in range(len(scopes))]


def test_empty_file_finds_room() -> None:
    """Nothing always fits."""
    assert _statuses(_scope("0"), most_bytes=0) == [204]


@pytest.mark.parametrize(("own", "status"), [(0, 204), (10, 204), (49, 413)])
def test_session_may_take_half(own: int, status: int) -> None:
    """What a session has and what it brings may be half of the room, or one file's limit."""
    held = {"me": own * MB}
    assert _statuses(_scope(str(10 * MB)), most_bytes=100 * MB, held=held) == [status]


def test_what_others_have_is_taken() -> None:
    """A full room lets nobody in, whoever has filled it."""
    held = {"a": 50 * MB, "b": 45 * MB}
    assert _statuses(_scope(str(5 * MB)), held=held) == [204]
    assert _statuses(_scope(str(6 * MB)), held=held) == [413]


def _arriving(
    *uploads: tuple[str, int],
    most_bytes: int,
    announced: int = 1,
    held: Callable[[], Mapping[str, int]] = dict,
    **how: Any,
) -> list[int]:
    """Let pieces of 1 MB of several uploads arrive in turn; each ends when the last has come."""
    statuses: dict[int, int] = {}

    async def run() -> None:
        everything = asyncio.Barrier(len(uploads))

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            while (await receive())["more_body"]:
                pass
            await everything.wait()
            await PlainTextResponse("", 204)(scope, receive, send)

        async def upload(number: int, session: str, megabytes: int) -> None:
            pieces = iter(range(megabytes))

            async def receive() -> Message:
                await asyncio.sleep(0)
                more = next(pieces, None) is not None
                return {"type": "http.request", "body": bytes(MB * more), "more_body": more}

            scope = _scope(str(announced), f"{PATH}{session}/{number}")
            answer = await exchange(room, dict(scope), receive)
            statuses[number] = answer.status
            if answer.status != 204:
                await everything.wait()

        budget = session_budget(most_bytes, 50 * MB, held)
        room = UploadRoom(app, path="/upload/", budget=budget, **how)
        await asyncio.gather(*(upload(number, *one) for number, one in enumerate(uploads)))
        assert budget.taken() == 0

    in_a_loop(run())
    return [statuses[number] for number in range(len(uploads))]


def test_what_has_come_counts() -> None:
    """Of uploads at once the one that fills the room is refused, whatever was announced."""
    size: dict[str, Any] = {"most_bytes": 60 * MB}
    assert _arriving(("a", 30), ("b", 30), **size) == [204, 204]
    assert sorted(_arriving(("a", 31), ("b", 31), **size)) == [204, 413]


def test_what_was_only_announced_takes_no_room() -> None:
    """Many that announce the largest file and send nothing keep nobody out."""
    size: dict[str, Any] = {"most_bytes": 60 * MB, "announced": 50 * MB}
    uploads = [(f"silent{number}", 0) for number in range(8)]
    assert _arriving(*uploads, ("me", 40), **size) == [204] * 9


def test_what_has_come_counts_for_its_session() -> None:
    """Of two uploads at once that together are more than a share, one is refused."""
    mine = [("me", 30), ("me", 30)]
    assert _arriving(*mine, ("b", 30), most_bytes=200 * MB) == [204] * 3
    answers = _arriving(*mine, ("b", 30), most_bytes=110 * MB)
    assert (sorted(answers[:2]), answers[2]) == ([204, 413], 204)


def test_room_is_made_before_anybody_is_refused() -> None:
    """What nobody looks at any more goes first."""
    held = {"lost": 45 * MB}
    size: dict[str, Any] = {"most_bytes": 60 * MB, "held": lambda: held}
    assert _arriving(("me", 30), **size) == [413]
    assert _arriving(("me", 30), **size, make_room=held.clear) == [204]


@pytest.mark.parametrize("own", [60, 10**6])
def test_nobody_goes_for_what_would_not_fit_then_either(own: int) -> None:
    """More than a session may ever have, said or sent, costs the others nothing."""
    held = {"lost": 45 * MB}
    size: dict[str, Any] = {"most_bytes": 100 * MB, "held": lambda: held}
    assert _arriving(("me", 51), **size, make_room=held.clear) == [413]
    statuses: list[int] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        pytest.fail("it was let in")

    async def run() -> None:
        budget = session_budget(100 * MB, 50 * MB, lambda: held)
        room = UploadRoom(app, path="/upload/", budget=budget, make_room=held.clear)

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        await room(_scope(str(own * MB)), receive, send)

    in_a_loop(run())
    assert (statuses, held) == ([413], {"lost": 45 * MB})


def _upload_answers(
    room_of: Callable[[Any], UploadRoom], receive: Receive, count: int
) -> list[Any]:
    """Send uploads one after the other to a room before an application that reads each."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive())["more_body"]:
            pass
        await PlainTextResponse("")(scope, receive, send)

    async def run() -> list[Any]:
        room = room_of(app)
        return [await exchange(room, dict(_scope(str(40 * MB))), receive) for _ in range(count)]

    return in_a_loop(run())


@pytest.mark.parametrize("drips", [True, False])
def test_slow_upload_is_given_up(drips: bool) -> None:
    """A client that hangs, or drips, is told so after a while, and its room is free again."""

    async def receive() -> Message:
        await (asyncio.sleep(0.01) if drips else asyncio.Event().wait())
        return {"type": "http.request", "body": b"-", "more_body": True}

    def room_of(app: ASGIApp) -> UploadRoom:
        limits = UploadLimits(total_s=0.05) if drips else UploadLimits(idle_s=0.05)
        budget = session_budget(50 * MB, 50 * MB, dict)
        return UploadRoom(app, path="/upload/", budget=budget, limits=limits)

    for answer in _upload_answers(room_of, receive, 2):
        assert answer.status == 408
        assert answer.headers["connection"] == "close"
        assert "too slowly" in answer.body.decode()


def test_upload_in_time_is_taken() -> None:
    """Who sends all in time hears what the application says, as often as there is room."""

    def room_of(app: ASGIApp) -> UploadRoom:
        return UploadRoom(app, path="/upload/", budget=session_budget(50 * MB, 50 * MB, dict))

    async def receive() -> Message:
        return {"type": "http.request", "body": b"-", "more_body": False}

    assert [answer.status for answer in _upload_answers(room_of, receive, 3)] == [200, 200, 200]


@pytest.mark.parametrize("size", [None, "", "-1", "x", "9" * 400])
def test_unsaid_size_is_found_out(size: str | None) -> None:
    """Without a size that can be believed, what comes decides."""
    assert _statuses(_scope(size), most_bytes=0) == [204]


def test_everything_else_passes() -> None:
    """Pages, other methods and other places are none of its business."""
    others = [
        _scope("1", path="/"),
        _scope("1", method="DELETE"),
        _scope("1", path="/predict", method="POST"),
    ]
    assert _statuses(*others, most_bytes=0) == [204, 204, 204]
