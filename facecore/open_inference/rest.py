"""The protocol's REST form: JSON, and tensors as bytes behind it where both sides like that."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

import facecore
from facecore.http.api import Caller, HttpApi
from facecore.http.openapi import setting_schema
from facecore.http.problems import RequestError
from facecore.open_inference import messages
from facecore.open_inference.model import (
    EXTENSIONS,
    INPUT,
    OUTPUTS,
    PLATFORM,
    SERVER,
    VERSION,
    Asked,
    Given,
    Model,
    Tensor,
    check_beside,
    check_inputs,
    check_known,
    one_element,
    told_of,
)

HEADER = "Inference-Header-Content-Length"
"""How many bytes of a body are JSON, where tensors follow it; 0 where all of it is the photo."""

_BYTES = "application/octet-stream"
_LONG = re.compile(rb"[A-Za-z0-9+/=\\]{4096,}")  # base64, of which no short text is made
_MOST_DIGITS = 20  # of thousands Python makes no number


class _Question(NamedTuple):
    """A request, with what its answer takes from it."""

    asked: Asked
    id: str | msgspec.UnsetType = msgspec.UNSET
    as_bytes: Sequence[bool] = (False,) * len(OUTPUTS)


class OpenInference:
    """The routes of the protocol, as part of an HTTP API."""

    def __init__(self, api: HttpApi) -> None:
        """Have the API's document tell of them, too."""
        self._model = Model(api)
        self._api = api
        overridable = api.service.begins.overridable()
        overrides = {name: setting_schema(one) for name, one in overridable.items()}
        api.describe(messages.described(overrides), messages.SCHEMAS)

    def routes(self) -> list[BaseRoute]:
        """Return the routes for a starlette application."""
        route, model = self._api.route, "/v2/models/{model}"
        of_model = [
            made
            for path in (model, f"{model}/versions/{{version}}")
            for made in (
                route(path, GET=self._metadata),
                route(f"{path}/ready", GET=self._model_ready),
                route(f"{path}/infer", POST=self._infer),
            )
        ]
        return [
            route("/v2", GET=self._server),
            route("/v2/health/live", GET=self._live),
            route("/v2/health/ready", GET=self._ready),
            *of_model,
        ]

    async def _server(self, _: Request) -> Response:
        return _json(messages.ServerMetadata(SERVER, facecore.__version__, EXTENSIONS))

    async def _live(self, _: Request) -> Response:
        return _json(messages.Live())

    async def _ready(self, _: Request) -> Response:
        await self._api.check_ready()
        return _json(messages.Ready())

    async def _metadata(self, request: Request) -> Response:
        name = self._asked_for(request)
        inputs = (messages.TensorMetadata(*INPUT),)
        outputs = tuple(messages.TensorMetadata(*output.told) for output in OUTPUTS.values())
        return _json(messages.ModelMetadata(name, (VERSION,), PLATFORM, inputs, outputs))

    async def _model_ready(self, request: Request) -> Response:
        name = self._asked_for(request)
        await self._api.check_ready()
        return _json(messages.ModelReady(name))

    async def _infer(self, request: Request) -> Response:
        caller = Caller.of(request)
        name = self._asked_for(request)
        if request.headers.get("Content-Encoding", "identity") != "identity":
            raise RequestError(415, "A compressed body is not read: send it as it is.")
        json_bytes = request.headers.get(HEADER)
        async with self._api.desk.body(request, caller.address) as body, caller.watched(request):
            question = await asyncio.to_thread(_question, body, json_bytes)
            read, tensors = await self._model.infer(question.asked, caller)
        return _answer(
            messages.InferenceResponse(name, VERSION, [], told_of(read), question.id),
            tensors,
            question.as_bytes,
        )

    def _asked_for(self, request: Request) -> str:
        name = str(request.path_params["model"])
        self._model.check(name, request.path_params.get("version", ""))
        return name


def _json(message: Any) -> JSONResponse:
    return JSONResponse(msgspec.to_builtins(message))


def _question(body: bytes, json_bytes: str | None) -> _Question:
    """Return what a body asks; raises 400 as a RequestError."""
    if json_bytes == "0":
        return _Question(Asked(body))
    told = str(len(body)) if json_bytes is None else json_bytes
    if not (told.isdecimal() and len(told) <= _MOST_DIGITS and int(told) <= len(body)):
        raise RequestError(
            400, "{header} is not how many bytes of the body are JSON.", header=HEADER
        )
    end = int(told)
    text = memoryview(body)[:end]
    check_beside(end - sum(match.end() - match.start() for match in _LONG.finditer(text)))
    try:
        request = msgspec.json.decode(text, type=messages.InferenceRequest)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise RequestError(
            400, "The request is no inference request in JSON: {error}.", error=str(error)[:200]
        ) from None
    photo = _photo(request.inputs, memoryview(body)[end:])
    for output in request.outputs:
        check_known(output.parameters, "binary_data")
    default = bool(request.parameters.get("binary_data_output", False))
    return _Question(
        Asked(photo, request.parameters, [output.name for output in request.outputs]),
        request.id,
        [bool(output.parameters.get("binary_data", default)) for output in request.outputs]
        or [default] * len(OUTPUTS),
    )


def _photo(inputs: Sequence[messages.InputTensor], behind: memoryview) -> bytes:
    check_inputs([Given(one.name, one.datatype, one.shape) for one in inputs])
    (given,) = inputs
    check_known(given.parameters, "binary_data_size", "content_type")
    size = given.parameters.get("binary_data_size", 0)
    if size != len(behind):
        raise RequestError(
            400,
            "binary_data_size is {size}, and {n} bytes are behind the JSON: send as many.",
            size=str(size)[:20],
            n=len(behind),
        )
    if behind:
        return one_element(behind)
    if given.data is msgspec.UNSET:
        raise RequestError(400, "'{name}' has no data: send the photo in base64.", name=INPUT.name)
    try:
        (photo,) = msgspec.json.decode(given.data, type=tuple[bytes])
    except msgspec.DecodeError as error:
        raise RequestError(
            400,
            "'{name}' has not one photo in base64 as its data: {error}.",
            name=INPUT.name,
            error=error,
        ) from None
    return photo


def _answer(
    answer: messages.InferenceResponse, tensors: Sequence[Tensor], as_bytes: Sequence[bool]
) -> Response:
    behind = []
    for tensor, is_bytes in zip(tensors, as_bytes, strict=True):
        name, datatype, shape, values = tensor
        told = messages.OutputTensor(name, datatype, shape, data=list(values))
        if is_bytes:
            behind.append(tensor.raw())
            size = {"binary_data_size": len(behind[-1])}
            told = messages.OutputTensor(name, datatype, shape, size)
        answer.outputs.append(told)
    told_all = msgspec.json.encode(answer)
    if not behind:
        return Response(told_all, media_type="application/json")
    return Response(
        b"".join([told_all, *behind]),
        media_type=_BYTES,
        headers={HEADER: str(len(told_all))},
    )
