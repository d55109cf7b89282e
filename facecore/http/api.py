"""The HTTP API of a server: its routes, over the same queue and networks as the dashboard."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial
from typing import TypeVar

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
from facecore.http.uploads import Upload, UploadDesk, UploadLimits
from facecore.models.catalogue import all_file_statuses
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
        self._service = service
        self._base_path = base_path
        self._desk = UploadDesk(limits or UploadLimits())
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
            self._route("/predict", POST=self._predict),
            self._route("/images/{id}", GET=self._image),
            self._route("/healthz", GET=self._healthz),
            self._route("/metrics", GET=self._show_metrics),
            self._route("/openapi.json", GET=self._openapi),
        ]

    def warm_up(self) -> None:
        """Load the networks, so that the first photo need not wait; a failure is only logged."""
        try:
            with self._service.turn("start", self._service.options):
                pass
        except FacecoreError as error:
            _LOGGER.warning("%s", error)

    def _route(self, path: str, **handlers: Handler) -> Route:
        observe = partial(self._metrics.observe_response, path) if self._metrics else None
        endpoint = Endpoint(handlers, observe, partial(self._trace, path))
        return Route(self._base_path + path, endpoint)

    def _trace(self, path: str, request: Request) -> AbstractContextManager[Callable[[int], None]]:
        named = {"http.request.method": request.method, "http.route": path}
        return self._service.traces.request(f"{request.method} {path}", request.headers, named)

    async def _predict(self, request: Request) -> Response:
        # A browser always says so; then another site's page is behind it, not its user.
        if request.headers.get("Sec-Fetch-Site") == "cross-site":
            raise RequestError(403, "Photos are not taken from another site's page.")
        client = request.client.host if request.client else "unknown"
        async with self._desk.photo(request, client) as sent:
            settings = self._settings_of(sent)
            gone = threading.Event()
            watch = asyncio.create_task(_watch(request, gone))
            try:
                answer = await self._in_thread(
                    partial(self._read, sent.photo, settings, f"http {client}", gone)
                )
            finally:
                watch.cancel()
        return JSONResponse(msgspec.to_builtins(answer))

    def _settings_of(self, sent: Upload) -> AnalysisSettings:
        try:
            return self._service.begins.overridden(sent.fields)
        except SettingsError as error:
            raise RequestError(400, str(error)) from None

    def _read(
        self, data: bytes, settings: AnalysisSettings, session_key: str, gone: threading.Event
    ) -> Prediction:
        def leave_if_gone(_: Waiting) -> None:
            if gone.is_set():
                raise ClientDisconnect

        with self._service.turn(
            session_key, self._service.options, origin="http", on_wait=leave_if_gone
        ) as turn:
            photo = turn.analyzer.memory(data)
            analysis = turn.read(photo, settings, preview_side_px=PICTURE_SIDE_PX)
        name = self._pictures.put(analysis.preview_jpeg or b"")
        return Prediction.of(analysis, f"{self._base_path}/images/{name}", turn.waited_ms)

    async def _image(self, request: Request) -> Response:
        data = self._pictures.get(request.path_params["id"])
        if data is None:
            raise RequestError(
                404, "There is no such picture, or none any more: send the photo again."
            )
        return Response(data, media_type="image/jpeg")

    async def _healthz(self, _: Request) -> Response:
        loaded = bool(self._service.loaded(self._service.options))
        if not loaded and not await self._in_thread(self._files_are_right):
            raise RequestError(503, NO_NETWORKS)
        return JSONResponse(msgspec.to_builtins(Health("ok", loaded)))

    def _files_are_right(self) -> bool:
        """Return whether the networks' files are; looked at again only after a while."""
        # Who comes meanwhile takes the answer over: a look hashes 100 MB.
        with self._checking_files:
            now_s = time.monotonic()
            if now_s - self._checked_s > _FILES_CHECKED_FOR_S:
                try:
                    statuses = all_file_statuses(self._service.options.model_set)
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
            self._desk.limits,
            self._pictures.max_age_s,
            self._service.begins.overridable(),
        )
        return JSONResponse(document)

    def _held_bytes(self) -> dict[str, int]:
        return {"uploads": self._desk.held_bytes, "pictures": self._pictures.used_bytes()}

    async def _in_thread(self, work: Callable[[], _T]) -> _T:
        # The thread works for the same request.
        inside = partial(contextvars.copy_context().run, work)
        return await asyncio.get_running_loop().run_in_executor(self._threads, inside)


async def _watch(request: Request, gone: threading.Event) -> None:
    """Note when a client leaves before it has its answer."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    gone.set()
