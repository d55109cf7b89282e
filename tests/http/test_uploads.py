"""Uploads that are slow, endless, many or cut off hold neither memory nor a thread."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest
from starlette.applications import Starlette
from starlette.types import Message

from facecore.http.api import HttpApi
from facecore.http.uploads import UploadLimits
from facecore.serving.service import FaceService
from tests.http.conftest import (
    LIMITS,
    Exchange,
    body_of,
    exchange,
    form,
    in_a_loop,
    scope_of_upload,
)

PHOTO_FORM = form(b"x" * 1000)


def _api(service: FaceService, **limits: float) -> tuple[HttpApi, Starlette]:
    api = HttpApi(service, limits=replace(LIMITS, **limits))  # type: ignore[arg-type]
    return api, Starlette(routes=api.routes())


def _sentence(answer: Exchange) -> str:
    assert answer.headers["content-type"] == "application/json"
    return str(json.loads(answer.body)["error"])


def _expect_nothing_held(api: HttpApi) -> None:
    assert (api.desk.under_way, api.desk.held_bytes) == (0, 0)


def test_a_body_in_pieces_is_put_together(service: FaceService, astronaut_file: bytes) -> None:
    """However the network cuts a form, it is read as a whole, and let go afterwards."""
    api, app = _api(service)
    body = form(astronaut_file)
    chunks = [body[start : start + 1013] for start in range(0, len(body), 1013)]
    answer = in_a_loop(exchange(app, scope_of_upload(), body_of(chunks)))
    assert answer.status == 200
    assert len(json.loads(answer.body)["results"]) == 1
    _expect_nothing_held(api)


@pytest.mark.parametrize("sent", [b"", PHOTO_FORM[:40], PHOTO_FORM[:500]])
def test_a_client_that_falls_silent_is_given_up(service: FaceService, sent: bytes) -> None:
    """When nothing comes any more, the client hears so and its connection is closed."""
    api, app = _api(service, idle_s=0.05)
    chunks = [sent] if sent else []
    answer = in_a_loop(exchange(app, scope_of_upload(), body_of(chunks, then="silent")))
    assert answer.status == 408
    assert answer.headers["connection"] == "close"
    assert "too slowly" in _sentence(answer)
    _expect_nothing_held(api)


def test_a_client_that_drips_is_given_up(service: FaceService) -> None:
    """A byte now and then keeps an upload going only until its whole time is over."""
    api, app = _api(service, idle_s=30, total_s=0.1)

    begin = body_of([PHOTO_FORM[:200]])
    begun = False

    async def drip() -> Message:
        nonlocal begun
        if not begun:
            begun = True
            return await begin()
        await asyncio.sleep(0.01)
        return {"type": "http.request", "body": b"-", "more_body": True}

    answer = in_a_loop(exchange(app, scope_of_upload(), drip))
    assert answer.status == 408
    _expect_nothing_held(api)


@pytest.mark.parametrize("declared", [True, False])
def test_an_endless_body_is_refused_before_it_is_read(service: FaceService, declared: bool) -> None:
    """A body that is too long is refused by what it says, or as soon as too much has come."""
    api, app = _api(service)
    taken = 0

    async def pour() -> Message:
        nonlocal taken
        taken += 100_000
        return {"type": "http.request", "body": bytes(100_000), "more_body": True}

    head = {"content_length": str(10**9)} if declared else {}
    first = PHOTO_FORM[:500]

    async def receive() -> Message:
        if taken == 0:
            await pour()
            return {"type": "http.request", "body": first, "more_body": True}
        return await pour()

    answer = in_a_loop(exchange(app, scope_of_upload(**head), receive))
    assert answer.status == 413
    assert "larger than" in _sentence(answer)
    assert taken == 0 if declared else taken <= LIMITS.max_bytes + 300_000
    _expect_nothing_held(api)


def test_a_client_that_leaves_holds_nothing(service: FaceService) -> None:
    """A connection that breaks in the middle of an upload gives its memory back."""
    api, app = _api(service)
    receive = body_of([PHOTO_FORM[:200]], then="disconnect")
    in_a_loop(exchange(app, scope_of_upload(), receive))
    _expect_nothing_held(api)


def test_only_so_many_uploads_are_under_way(service: FaceService) -> None:
    """One more than may be is asked to come back, while those that began go on."""
    api, app = _api(service, at_once=2, client_share=1)

    async def run() -> tuple[list[Exchange], Exchange]:
        go_on = asyncio.Event()

        def slow() -> asyncio.Task[Exchange]:
            chunks = body_of([PHOTO_FORM])

            async def receive() -> Message:
                await go_on.wait()
                return await chunks()

            return asyncio.create_task(exchange(app, scope_of_upload(), receive))

        tasks = [slow(), slow()]
        while api.desk.under_way < 2:
            await asyncio.sleep(0)
        refused = await exchange(app, scope_of_upload(), body_of([PHOTO_FORM]))
        go_on.set()
        return list(await asyncio.gather(*tasks)), refused

    begun, refused = in_a_loop(run())
    assert [answer.status for answer in begun] in ([415, 415], [415, 429], [429, 415])
    assert refused.status == 429
    assert refused.headers["retry-after"] == "1"
    assert "2 uploads are under way" in _sentence(refused)
    _expect_nothing_held(api)


def _scope_from(address: str) -> dict[str, object]:
    return scope_of_upload() | {"client": (address, 1)}


def test_the_memory_of_all_uploads_is_bounded(service: FaceService) -> None:
    """What would be more than the memory for uploads is refused, and room is made again."""
    api, app = _api(service, max_bytes=2_000_000, held_photos=1, client_share=1)
    photo = form(b"x" * 1_500_000)

    async def run() -> tuple[Exchange, Exchange]:
        go_on = asyncio.Event()
        chunks = body_of([photo])

        async def receive() -> Message:
            if api.desk.held_bytes:
                await go_on.wait()
            return await chunks()

        first = asyncio.create_task(exchange(app, _scope_from("1"), receive))
        while not api.desk.held_bytes:
            await asyncio.sleep(0)
        refused = await exchange(app, _scope_from("2"), body_of([photo]))
        go_on.set()
        return await first, refused

    begun, refused = in_a_loop(run())
    assert begun.status == 415
    assert refused.status == 429
    assert "fill its memory" in _sentence(refused)
    _expect_nothing_held(api)


@pytest.mark.parametrize("sent", [1, 1_500_000])
def test_one_client_keeps_no_other_out(service: FaceService, sent: int) -> None:
    """Hanging uploads of one address, many or large, leave another one its share."""
    api, app = _api(service, max_bytes=2_000_000, held_photos=2, at_once=8)
    photo = form(b"x" * 1_500_000)

    async def run() -> tuple[list[int], Exchange]:
        hanging = [
            asyncio.create_task(
                exchange(app, _scope_from("1"), body_of([photo[:sent]], then="silent"))
            )
            for _ in range(8)
        ]
        while sum(task.done() for task in hanging) < (4 if sent == 1 else 7):
            await asyncio.sleep(0)
        statuses = [task.result().status for task in hanging if task.done()]
        answer = await exchange(app, _scope_from("2"), body_of([photo]))
        for task in hanging:
            task.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)
        return statuses, answer

    refused, answer = in_a_loop(run())
    assert set(refused) == {429}
    assert answer.status == 415
    _expect_nothing_held(api)


def test_slow_uploads_hold_no_thread(service: FaceService, astronaut_file: bytes) -> None:
    """While several uploads hang, others are answered, and no thread has begun for the slow."""
    api, app = _api(service, at_once=40)

    async def run() -> Exchange:
        hanging = [
            asyncio.create_task(
                exchange(app, scope_of_upload(), body_of([PHOTO_FORM[:300]], then="silent"))
            )
            for _ in range(15)
        ]
        while api.desk.under_way < 15:
            await asyncio.sleep(0)
        assert len(api._threads._threads) == 0
        answer = await exchange(app, scope_of_upload(), body_of([form(astronaut_file)]))
        for task in hanging:
            task.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)
        return answer

    assert in_a_loop(run()).status == 200
    assert len(api._threads._threads) == 1
    _expect_nothing_held(api)


def test_a_client_that_leaves_while_it_waits_leaves_the_line(
    analyzer: object, monkeypatch: pytest.MonkeyPatch, astronaut_file: bytes
) -> None:
    """Nobody runs a photo for a client that went away while others were before it."""
    monkeypatch.setattr("facecore.serving.queue.TELL_EVERY_S", 0.01)
    monkeypatch.setattr("facecore.analysis.analyzer.FaceAnalyzer.load", lambda *_, **__: analyzer)
    service = FaceService()
    api, app = _api(service)
    receive = body_of([form(astronaut_file)], then="end")

    async def run() -> None:
        ended = asyncio.Event()

        async def receive_and_leave() -> Message:
            if service.queue.stats().waiting:
                return {"type": "http.disconnect"}
            if ended.is_set():
                await asyncio.sleep(0.005)
                return {"type": "http.request", "body": b"", "more_body": False}
            message = await receive()
            if not message["more_body"]:
                ended.set()
            return message

        await exchange(app, scope_of_upload(), receive_and_leave)

    with service.queue.enter("somebody else"):
        in_a_loop(run())
        stats = service.queue.stats()
    assert (stats.waiting, stats.gave_up, stats.admitted) == (0, 1, 1)
    _expect_nothing_held(api)


def test_the_defaults_are_bounded() -> None:
    """Many uploads of the largest size fit into the memory for uploads at no time."""
    limits = UploadLimits()
    assert limits.held_photos < limits.at_once
    assert limits.client_share * limits.held_photos >= 1
    assert limits.idle_s <= limits.total_s
