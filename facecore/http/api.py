"""The HTTP API of a server: its routes, over the same queue and networks as the dashboard."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import math
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, asynccontextmanager
from functools import partial
from typing import Any, NamedTuple, TypeVar

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from facecore.errors import FacecoreError, ModelError, SettingsError
from facecore.http.answers import Health, Prediction
from facecore.http.endpoint import Endpoint, Handler
from facecore.http.image_store import ImageStore
from facecore.http.openapi import openapi_document
from facecore.http.problems import NO_NETWORKS, RequestError
from facecore.http.uploads import UploadDesk, UploadLimits
from facecore.models.catalogue import all_file_statuses
from facecore.results import Analysis
from facecore.serving.queue import Waiting
from facecore.serving.service import FaceService
from facecore.settings import AnalysisSettings

try:
    from facecore.http import metrics
except ModuleNotFoundError as error:
    if error.name != "prometheus_client":
        raise
    metrics = None  # type: ignore[assignment]

PICTURE_SIDE_PX = 1600
"""Longest side of the photo with its faces drawn."""

PICTURES_BYTES = 64_000_000
PICTURE_AGE_S = 600.0
"""Pictures are kept for ten minutes, and at most 64 MB of them."""

_FILES_CHECKED_FOR_S = 10.0
_SPARE_THREADS = 4
_LOGGER = logging.getLogger(__name__)
_T = TypeVar("_T")


class Reading(NamedTuple):
    """What was read of a photo, and how long it waited for its turn."""

    analysis: Analysis
    waited_ms: float


class Caller(NamedTuple):
    """Who sent a photo, from where ("http"), and whether it has left by now."""

    address: str
    gone: threading.Event
    origin: str = "http"

    @classmethod
    def of(cls, request: Request) -> Caller:
        """Return who sent a request.

        Raises:
            RequestError: 403, it is another site's page.
        """
        # A browser always says so; then another site's page is behind it, not its user.
        if request.headers.get("Sec-Fetch-Site") == "cross-site":
            raise RequestError(403, "Photos are not taken from another site's page.")
        return cls(request.client.host if request.client else "unknown", threading.Event())

    @asynccontextmanager
    async def watched(self, request: Request) -> AsyncIterator[None]:
        """Note when the caller leaves before it has its answer; its request was taken whole."""
        watch = asyncio.create_task(self._wait_for_the_end(request))
        try:
            yield
        finally:
            watch.cancel()

    async def _wait_for_the_end(self, request: Request) -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        self.gone.set()


class HttpApi:
    """Answers requests with one service; for one event loop."""

    def __init__(
        self,
        service: FaceService,
        *,
        limits: UploadLimits | None = None,
        base_path: str = "",
        pictures: ImageStore | None = None,
    ) -> None:
        """Make the API; nothing is loaded yet.

        Args:
            service: the queue and the networks.
            limits: what is taken from clients; the defaults where None.
            base_path: what all paths begin with; empty or "/name".
            pictures: where drawn photos are kept; one of its own where None.
        """
        self.service = service
        self.desk = UploadDesk(limits or UploadLimits())
        self._paths: dict[str, Any] = {}
        self._schemas: dict[str, Any] = {}
        self._base_path = base_path
        self._pictures = pictures or ImageStore(PICTURES_BYTES, PICTURE_AGE_S)
        self._metrics = metrics.Metrics(service, self._held_bytes) if metrics else None
        # Enough for all who run and wait: who finds it full is refused by the queue.
        queue = service.queue.settings
        self._threads = ThreadPoolExecutor(
            queue.concurrency + queue.queue_limit + _SPARE_THREADS, "http-api"
        )
        self._checking_files = threading.Lock()
        self._files_right = False
        self._checked_s = -math.inf

    def routes(self) -> list[BaseRoute]:
        """Return the routes for a starlette application."""
        return [
            self.route("/predict", POST=self._predict),
            self.route("/images/{id}", GET=self._image),
            self.route("/healthz", GET=self._healthz),
            self.route("/metrics", GET=self._show_metrics),
            self.route("/openapi.json", GET=self._openapi),
        ]

    def warm_up(self) -> None:
        """Load the networks, so that the first photo need not wait; a failure is only logged."""
        try:
            with self.service.turn("start", self.service.options):
                pass
        except FacecoreError as error:
            _LOGGER.warning("%s", error)

    def route(self, path: str, **handlers: Handler) -> Route:
        """Return a route of this API, whose answers are counted, with its handlers by method."""
        observe = partial(self._metrics.observe_response, path) if self._metrics else None
        endpoint = Endpoint(handlers, observe, partial(self._trace, path))
        return Route(self._base_path + path, endpoint)

    def _trace(self, path: str, request: Request) -> AbstractContextManager[Callable[[int], None]]:
        named = {"http.request.method": request.method, "http.route": path}
        return self.service.traces.request(f"{request.method} {path}", request.headers, named)

    def observe_call(self, method: str, code: str) -> None:
        """Count an answer over gRPC, by the name of its status."""
        if self._metrics:
            self._metrics.observe_call(method, code)

    def describe(self, paths: dict[str, Any], schemas: dict[str, Any]) -> None:
        """Have the OpenAPI document tell of further paths, with what their schemas refer to."""
        self._paths |= {self._base_path + path: told for path, told in paths.items()}
        self._schemas |= schemas

    async def _predict(self, request: Request) -> Response:
        caller = Caller.of(request)
        async with self.desk.photo(request, caller.address) as sent, caller.watched(request):
            read = await self.read(sent.photo, sent.fields, caller, drawn=True)
        name = self._pictures.put(read.analysis.preview_jpeg or b"")
        link = f"{self._base_path}/images/{name}"
        return JSONResponse(msgspec.to_builtins(Prediction.of(read.analysis, link, read.waited_ms)))

    async def read(
        self, photo: bytes, fields: Mapping[str, str], caller: Caller, *, drawn: bool = False
    ) -> Reading:
        """Read the file of a photo in its turn, which is given up once the caller has left.

        Args:
            photo: a file's bytes.
            fields: settings that the request brings, as texts by their names.
            caller: who sent it; addresses take turns.
            drawn: whether the faces are drawn on a preview.

        Raises:
            RequestError: 400, a setting cannot be set so.
            FacecoreError: as `FaceService.turn` and `Turn.read` do.
        """
        try:
            settings = self.service.begins.overridden(fields)
        except SettingsError as error:
            raise RequestError(400, error.text) from None

        return await self._in_thread(partial(self._read, photo, settings, caller, drawn))

    def _read(
        self, photo: bytes, settings: AnalysisSettings, caller: Caller, drawn: bool
    ) -> Reading:
        def leave_if_gone(_: Waiting) -> None:
            if caller.gone.is_set():
                raise ClientDisconnect

        with self.service.turn(
            f"http {caller.address}",
            self.service.options,
            origin=caller.origin,
            on_wait=leave_if_gone,
        ) as turn:
            analysis = turn.read(
                turn.analyzer.memory(photo),
                settings,
                preview_side_px=PICTURE_SIDE_PX if drawn else None,
            )
        return Reading(analysis, turn.waited_ms)

    async def _image(self, request: Request) -> Response:
        data = self._pictures.get(request.path_params["id"])
        if data is None:
            raise RequestError(
                404, "There is no such picture, or none any more: send the photo again."
            )
        return Response(data, media_type="image/jpeg")

    async def _healthz(self, _: Request) -> Response:
        await self.check_ready()
        loaded = bool(self.service.loaded(self.service.options))
        return JSONResponse(msgspec.to_builtins(Health("ok", loaded)))

    async def check_ready(self) -> None:
        """Raise 503 as a RequestError where no photo can be read."""
        loaded = self.service.loaded(self.service.options)
        if not loaded and not await self._in_thread(self._files_are_right):
            raise RequestError(503, NO_NETWORKS)

    def _files_are_right(self) -> bool:
        """Return whether the networks' files are; looked at again only after a while."""
        # Who comes meanwhile takes the answer over: a look hashes 100 MB.
        with self._checking_files:
            now_s = time.monotonic()
            if now_s - self._checked_s > _FILES_CHECKED_FOR_S:
                try:
                    statuses = all_file_statuses(self.service.options.model_set)
                    advice = " ".join(status.advice for status in statuses if status.advice)
                except ModelError as error:
                    advice = str(error)
                if advice:
                    _LOGGER.warning("%s", advice)
                self._files_right, self._checked_s = not advice, now_s
            return self._files_right

    async def _show_metrics(self, _: Request) -> Response:
        if self._metrics is None:
            raise RequestError(
                501, "There are no metrics: run 'pip install prometheus-client' and start again."
            )
        return Response(self._metrics.text(), media_type=metrics.CONTENT_TYPE)

    async def _openapi(self, _: Request) -> Response:
        document = openapi_document(
            self._base_path,
            self.desk.limits,
            self._pictures.max_age_s,
            self.service.begins.overridable(),
        )
        document["paths"] |= self._paths
        document["components"] = {"schemas": document["components"]["schemas"] | self._schemas}
        return JSONResponse(document)

    def _held_bytes(self) -> dict[str, int]:
        return {"uploads": self.desk.held_bytes, "pictures": self._pictures.used_bytes()}

    async def _in_thread(self, work: Callable[[], _T]) -> _T:
        # The thread works for the same request.
        inside = partial(contextvars.copy_context().run, work)
        return await asyncio.get_running_loop().run_in_executor(self._threads, inside)
