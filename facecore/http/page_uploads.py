"""Uploads of pages on their way in: there is room for so many."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from facecore.http.uploads import UploadLimits
from facecore.serving.budget import Budget


class UploadRoom:
    """Lets uploads of pages in as long as there is room for them; an ASGI middleware.

    An upload has as long as one of the HTTP API: none keeps the others out for ever.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        path: str,
        budget: Budget,
        file_bytes: int,
        total_s: float = UploadLimits().total_s,
    ) -> None:
        """Stand before an application.

        Args:
            app: what comes after.
            path: what an upload's address has before the session's id.
            budget: bytes for the files of all sessions, by the session's id.
            file_bytes: the most that one file may have.
            total_s: an upload that took so long is given up, seconds.
        """
        self._app = app
        self._path = path
        self._budget = budget
        self._file_bytes = file_bytes
        self._total_s = total_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse an upload for which there is no room; pass everything else on."""
        if scope["type"] != "http" or scope["method"] != "PUT" or self._path not in scope["path"]:
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("Content-Length", "")
        size_bytes = (
            int(declared) if declared.isdecimal() and len(declared) < 20 else self._file_bytes
        )
        session = scope["path"].partition(self._path)[2].partition("/")[0]
        coming = self._budget.share(session)
        if not coming.grow(size_bytes):
            refusal = PlainTextResponse(
                "There is no room for this file: remove some photos, or try again later.",
                413,
            )
            await refusal(scope, receive, send)
            return
        try:
            await self._in_time(scope, receive, send)
        finally:
            coming.give_back()

    async def _in_time(self, scope: Scope, receive: Receive, send: Send) -> None:
        answered = False

        async def note(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            async with asyncio.timeout(self._total_s):
                await self._app(scope, receive, note)
        except TimeoutError:
            if answered:
                raise
            refusal = PlainTextResponse(
                "The file came too slowly: try again.", 408, {"Connection": "close"}
            )
            await refusal(scope, receive, send)


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
