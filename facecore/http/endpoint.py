"""One path of the HTTP API: its methods, its errors as JSON, and the headers that all share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, nullcontext

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from facecore.http.problems import RequestError, problem_response

Handler = Callable[[Request], Awaitable[Response]]
Trace = Callable[[Request], AbstractContextManager[Callable[[int], None]]]
"""Has what is done inside belong to a request; gives what takes the status of its answer."""

# No Access-Control header is among them: a browser shows answers to no other site's page.
SAFE_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Endpoint:
    """An ASGI application for one path, whatever the method; no error leaves it."""

    def __init__(
        self,
        handlers: Mapping[str, Handler],
        observe: Callable[[int], None] | None = None,
        trace: Trace = lambda _: nullcontext(lambda _: None),
    ) -> None:
        """Take handlers by method; GET answers HEAD as well.

        Args:
            handlers: a coroutine function each, from request to response.
            observe: is told the status of each answer.
            trace: is entered for each request that sends something, and left with its answer.
        """
        self._handlers = dict(handlers)
        if "GET" in handlers:
            self._handlers["HEAD"] = handlers["GET"]
        self._allow = ", ".join(sorted({*self._handlers, "OPTIONS"}))
        self._observe = observe
        self._trace = trace

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        # Nobody wants to read of each look at the health or the metrics.
        traced = request.method == "POST" and "POST" in self._handlers
        with self._trace(request) if traced else nullcontext(lambda _: None) as end:
            response = await self._respond(request)
            response.headers.update(SAFE_HEADERS)
            if self._observe:
                self._observe(response.status_code)
            end(response.status_code)
            await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        try:
            if request.method == "OPTIONS":
                return Response(status_code=204, headers={"Allow": self._allow})
            handler = self._handlers.get(request.method)
            if handler is None:
                allow = self._allow
                raise RequestError(
                    405, "This path takes {allow} only.", {"Allow": allow}, allow=allow
                )
            return await handler(request)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is there to read it
        except Exception as error:  # noqa: BLE001 - the client gets a sentence, the log the rest
            return problem_response(error, request.headers.get("Accept-Language"))
