"""Taking photos from clients: into memory only, few at once, and none for ever."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, TypeVar

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from facecore.http.problems import RequestError
from facecore.serving.budget import Budget, Share
from facecore.wording import Text

# It would write a line for each form that is broken; the client is told.
logging.getLogger("python_multipart").setLevel(logging.ERROR)

FIELD = "image"
"""The form's field that holds the photo."""

_FORM_BYTES = 64 * 1024  # what a form may have around the photo, and a field of text in it
_MAX_FIELDS = 32
_LOOK_AGAIN_S = 0.01
_T = TypeVar("_T")
_HOW = Text("send a photo as the file '{field}' of a multipart/form-data form", field=FIELD)


class Upload(NamedTuple):
    """What a client sent: the photo's bytes, and the form's other fields by name."""

    photo: bytes
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadLimits:
    """How much is taken from clients.

    Attributes:
        max_bytes: of one photo's file.
        at_once: uploads that are under way.
        held_photos: photos of the largest size that fit into the memory for those
            that are not answered yet; of smaller ones it takes more.
        client_share: how much of these two one client may take, so that it cannot
            keep the others out; 1 / held_photos to 1.
        idle_s: an upload of which nothing came for so long is given up, seconds.
        total_s: an upload that took so long is given up, seconds.
    """

    max_bytes: int = 50 * 1024 * 1024
    at_once: int = 64
    held_photos: int = 4
    client_share: float = 0.5
    idle_s: float = 10.0
    total_s: float = 60.0

    @property
    def max_body_bytes(self) -> int:
        """Most bytes of a whole request."""
        return self.max_bytes + _FORM_BYTES

    @property
    def max_message_bytes(self) -> int:
        """Most bytes of what comes at one go, of which several must fit beside what waits."""
        return min(self.max_body_bytes, self.held_photos * self.max_body_bytes // 4)


class UploadDesk:
    """Takes uploads within the limits. For the event loop's thread only."""

    def __init__(self, limits: UploadLimits) -> None:
        self.limits = limits
        most_bytes = limits.held_photos * limits.max_body_bytes
        self._uploads = Budget(limits.at_once, limits.client_share * limits.at_once)
        self._bytes = Budget(most_bytes, limits.client_share * most_bytes)

    @property
    def under_way(self) -> int:
        """Uploads that have begun and not ended."""
        return self._uploads.taken()

    @property
    def held_bytes(self) -> int:
        """Memory that uploads take, and photos that are being answered."""
        return self._bytes.taken()

    @asynccontextmanager
    async def photo(self, request: Request, client: str) -> AsyncIterator[Upload]:
        """Return the photo that a client sends, whose bytes count as held inside.

        Raises:
            RequestError: 400 there is no photo in it, 408 it came too slowly, 413 it is
                too large, 429 too much is under way already.
            ClientDisconnect: the client left.
        """
        kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind != "multipart/form-data":
            raise RequestError(400, "This request has no photo in it: {how}.", how=_HOW)
        self._check_length(request)
        async with self._taken(client, partial(self._form, request)) as sent:
            yield sent

    @asynccontextmanager
    async def body(self, request: Request, client: str) -> AsyncIterator[bytes]:
        """Return all that a client sends, which counts as held inside; raises as `photo`."""
        self._check_length(request)
        async with self._taken(client, partial(self._whole, request)) as sent:
            yield sent

    @asynccontextmanager
    async def message(
        self, receive: Callable[[], Awaitable[bytes]], client: str
    ) -> AsyncIterator[bytes]:
        """Return what comes at one go, which counts as held inside; raises as `photo`.

        Nobody sees how much of it has come, so that it needs room for the largest until then.
        """

        async def receive_into(body: Share) -> bytes:
            while not body.grow(self.limits.max_message_bytes):
                await asyncio.sleep(_LOOK_AGAIN_S)
            data = await receive()
            body.give_back()
            body.grow(len(data))
            return data

        async with self._taken(client, receive_into) as sent:
            yield sent

    @asynccontextmanager
    async def _taken(
        self, client: str, receive: Callable[[Share], Awaitable[_T]]
    ) -> AsyncIterator[_T]:
        upload, body = self._uploads.share(client), self._bytes.share(client)
        if not upload.grow(1):
            raise _busy(Text("{n} uploads are under way already", n=self.under_way))
        try:
            try:
                async with asyncio.timeout(self.limits.total_s):
                    sent = await receive(body)
            except TimeoutError:
                raise RequestError(
                    408, "The photo came too slowly: try again.", {"Connection": "close"}
                ) from None
            finally:
                upload.give_back()
            yield sent
        finally:
            body.give_back()

    def _check_length(self, request: Request) -> None:
        declared = request.headers.get("Content-Length", "")
        if declared.isdecimal() and int(declared) > self.limits.max_body_bytes:
            raise self._too_large()

    async def _form(self, request: Request, body: Share) -> Upload:
        async with aclosing(self._chunks(request, body)) as chunks:
            parser = MultiPartParser(
                request.headers,
                chunks,
                max_files=1,
                max_fields=_MAX_FIELDS,
                max_part_size=_FORM_BYTES,
            )
            # Nothing is large enough to go to the disk.
            parser.spool_max_size = self.limits.max_body_bytes
            try:
                form = await parser.parse()
            except MultiPartException as error:
                raise RequestError(
                    400,
                    "The form cannot be read ({reason}): {how}.",
                    reason=error.message.rstrip("."),
                    how=_HOW,
                ) from None
            # Some charsets that Python knows refuse everything, and not with UnicodeDecodeError.
            except UnicodeError:
                raise RequestError(
                    400, "The form cannot be read (its charset is of no use): {how}.", how=_HOW
                ) from None
        try:
            photo = form.get(FIELD)
            if not isinstance(photo, UploadFile):
                raise RequestError(
                    400, "There is no file '{field}' in the form: {how}.", field=FIELD, how=_HOW
                )
            data = await photo.read()
            fields = {name: value for name, value in form.items() if isinstance(value, str)}
        finally:
            await form.close()
        if not data:
            raise RequestError(400, "The file is empty: choose another one.")
        if len(data) > self.limits.max_bytes:
            raise self._too_large()
        return Upload(data, fields)

    async def _whole(self, request: Request, body: Share) -> bytes:
        async with aclosing(self._chunks(request, body)) as chunks:
            return b"".join([chunk async for chunk in chunks])

    async def _chunks(self, request: Request, body: Share) -> AsyncGenerator[bytes, None]:
        async with aclosing(request.stream()) as chunks:
            while True:
                try:
                    async with asyncio.timeout(self.limits.idle_s):
                        chunk = await anext(chunks)
                except StopAsyncIteration:
                    return
                if body.size + len(chunk) > self.limits.max_body_bytes:
                    raise self._too_large()
                if not body.grow(len(chunk)):
                    raise _busy(Text("the photos that wait fill its memory"))
                yield chunk

    def _too_large(self) -> RequestError:
        return RequestError(
            413,
            "The file is larger than {most:g} MB: make it smaller and try again.",
            most=self.limits.max_bytes / 1024**2,
        )


def _busy(why: str) -> RequestError:
    return RequestError(
        429, "The server is busy, {why}: try again in about 1 s.", {"Retry-After": "1"}, why=why
    )
