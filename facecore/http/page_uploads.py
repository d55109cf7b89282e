"""Uploads of pages on their way in: there is room for so many."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from facecore.http.uploads import UploadLimits
from facecore.serving.budget import Budget, Share

_NO_ROOM = PlainTextResponse(
    "There is no room for this file: remove some photos, or try again later.",
    413,
    {"Connection": "close"},
)
_TOO_SLOW = PlainTextResponse("The file came too slowly: try again.", 408, {"Connection": "close"})


class _RefusedError(Exception):
    """An upload is given up in the middle."""


class UploadRoom:
    """Lets uploads of pages in as long as there is room for them; an ASGI middleware.

    What has come counts, not what was announced. One session may take half of the room,
    or as much as one file may have, and an upload has as long as one of the HTTP API: none
    keeps the others out for ever.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        path: str,
        budget: Budget,
        make_room: Callable[[], object] = lambda: None,
        limits: UploadLimits | None = None,
    ) -> None:
        """Stand before an application.

        Args:
            app: what comes after.
            path: what an upload's address has before the session's id.
            budget: bytes for the files of all sessions, by the session's id.
            make_room: is called where there is no room, to let go what nobody looks at.
            limits: how long an upload may take, in all and for its next piece.
        """
        self._app = app
        self._path = path
        self._budget = budget
        self._make_room = make_room
        self._limits = limits or UploadLimits()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse an upload for which there is no room; pass everything else on."""
        if scope["type"] != "http" or scope["method"] != "PUT" or self._path not in scope["path"]:
            await self._app(scope, receive, send)
            return
        session = scope["path"].partition(self._path)[2].partition("/")[0]
        coming = self._budget.share(session)
        try:
            if self._announced_fits(
                session, coming, Headers(scope=scope).get("Content-Length", "")
            ):
                refusal = await self._passed_on(session, coming, scope, receive, send)
            else:
                refusal = _NO_ROOM
        finally:
            coming.give_back()
        if refusal is not None:
            await refusal(scope, receive, send)

    async def _passed_on(
        self, session: str, coming: Share, scope: Scope, receive: Receive, send: Send
    ) -> PlainTextResponse | None:
        """Return what is to be answered, or None where the application has done so."""
        refusal: PlainTextResponse | None = None
        answered = False

        async def counted() -> Message:
            nonlocal refusal
            try:
                async with asyncio.timeout(self._limits.idle_s):
                    message = await receive()
            except TimeoutError:
                refusal = _TOO_SLOW
                raise _RefusedError from None
            if not self._grows(session, coming, len(message.get("body", b""))):
                refusal = _NO_ROOM
                raise _RefusedError
            return message

        async def noted(message: Message) -> None:
            nonlocal answered
            if refusal is None or answered:
                answered = True
                await send(message)

        try:
            async with asyncio.timeout(self._limits.total_s):
                await self._app(scope, counted, noted)
        except TimeoutError:
            refusal = _TOO_SLOW
        except _RefusedError:
            pass
        return None if answered else refusal

    def _announced_fits(self, session: str, coming: Share, declared: str) -> bool:
        # What is announced and too much is not waited for; it is not taken, either.
        if not (declared.isdecimal() and len(declared) < 20):
            return True
        fits = self._grows(session, coming, int(declared))
        coming.give_back()
        return fits

    def _grows(self, session: str, coming: Share, size_bytes: int) -> bool:
        if coming.grow(size_bytes):
            return True
        if not self._budget.could_hold(session, size_bytes):
            return False  # nobody has to go for what would not fit then, either
        self._make_room()
        return coming.grow(size_bytes)


def session_budget(
    most_bytes: int, file_bytes: int, held: Callable[[], Mapping[str, int]]
) -> Budget:
    """Return the budget of which one session may take half, or as much as one file may have.

    Args:
        most_bytes: files that all sessions together may have.
        file_bytes: the most that one file may have.
        held: returns what each session has now, by its id.
    """
    own_most_bytes = max(most_bytes // 2, min(file_bytes, most_bytes))
    return Budget(most_bytes, own_most_bytes, elsewhere=held)
