"""Uploads of pages on their way in: they stay in memory, and there is room for so many."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from facecore.http.uploads import keep_uploads_in_memory

_PLACE = "/_stcore/upload_file/"
# While a file is taken out of its form there are two of it.
_COPIES_ON_THE_WAY = 2


def guarded(
    most_bytes: int, file_bytes: int, held: Callable[[], Mapping[str, int]]
) -> list[Middleware]:
    """Keep uploads in memory, and give an `UploadRoom` as a list of a server's middleware."""
    keep_uploads_in_memory()
    return [Middleware(UploadRoom, most_bytes=most_bytes, file_bytes=file_bytes, held=held)]


class UploadRoom:
    """Lets uploads of pages in as long as there is room for them; an ASGI middleware.

    One session may take half of the room, or as much as one file may have.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        most_bytes: int,
        file_bytes: int,
        held: Callable[[], Mapping[str, int]],
    ) -> None:
        """Stand before an application.

        Args:
            app: what comes after.
            most_bytes: files that all sessions together may have.
            file_bytes: the most that one file may have.
            held: says what each session has now, by its id.
        """
        self._app = app
        self._most_bytes = most_bytes
        self._file_bytes = file_bytes
        self._held = held
        self._coming_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse an upload for which there is no room; pass everything else on."""
        if scope["type"] != "http" or scope["method"] != "PUT" or _PLACE not in scope["path"]:
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("Content-Length", "")
        size_bytes = (
            int(declared) if declared.isdecimal() and len(declared) < 20 else self._file_bytes
        )
        if not self._fits(scope["path"].partition(_PLACE)[2], size_bytes):
            refusal = PlainTextResponse(
                "There is no room for this file: remove some photos, or try again later.", 413
            )
            await refusal(scope, receive, send)
            return
        coming_bytes = _COPIES_ON_THE_WAY * size_bytes
        self._coming_bytes += coming_bytes
        try:
            await self._app(scope, receive, send)
        finally:
            self._coming_bytes -= coming_bytes

    def _fits(self, place: str, size_bytes: int) -> bool:
        held = self._held()
        own_most_bytes = max(self._most_bytes // 2, min(self._file_bytes, self._most_bytes))
        own_bytes = held.get(place.partition("/")[0], 0)
        return (
            own_bytes + size_bytes <= own_most_bytes
            and sum(held.values()) + self._coming_bytes + size_bytes <= self._most_bytes
        )
