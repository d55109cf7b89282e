"""The protocol over gRPC, on a port of its own, in the event loop of the HTTP API.

Every call is taken as a stream, of which one message is read and only once there is room for
it: gRPC by itself would read messages of the largest size for as many calls as come.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from functools import partial
from typing import Any
from urllib.parse import unquote

import grpc
import grpc.aio
from google.protobuf.message import DecodeError, Message

import facecore
from facecore.engines.graph import protobuf
from facecore.errors import ServerError
from facecore.http.api import Caller, HttpApi
from facecore.http.problems import RequestError, problem_of
from facecore.open_inference import open_inference_pb2 as pb
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
    check_beside,
    check_inputs,
    check_known,
    one_element,
    told_of,
)

SERVICE = "inference.GRPCInferenceService"
CONNECTIONS = 256
CALLS = 256
CALLS_PER_CONNECTION = 64
SMALL_MESSAGE_S = 5.0
"""So long may the rest of a question take that is no photo; one is read at a time."""

DRAIN_S = 30.0

_INFER = "ModelInfer"

_CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    404: grpc.StatusCode.NOT_FOUND,
    408: grpc.StatusCode.DEADLINE_EXCEEDED,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    # What clients try again: so Triton says it, too.
    429: grpc.StatusCode.UNAVAILABLE,
    503: grpc.StatusCode.UNAVAILABLE,
}
_Messages = AsyncIterator[bytes]
_Context = Any  # grpc.aio.ServicerContext: gRPC brings no types
_Fields = dict[int, "_Fields"]
_Call = Callable[[_Messages, _Context], Awaitable[Message]]

# Where a photo may be: raw_input_contents; inputs, contents, bytes_contents.
_PHOTOS: _Fields = {7: {}, 5: {5: {8: {}}}}
_FIELD_BYTES = 16
"""A field counts for so many beside its content: an empty one takes memory as well."""


def _options(most_bytes: int) -> list[tuple[str, int]]:
    return [
        ("grpc.so_reuseport", 0),  # else a second server would share the port
        ("grpc.max_receive_message_length", most_bytes),
        ("grpc.max_metadata_size", 8192),
        ("grpc.absolute_max_metadata_size", 16384),
        ("grpc.max_concurrent_streams", CALLS_PER_CONNECTION),
        ("grpc.max_allowed_incoming_connections", CONNECTIONS),
        ("grpc.server_handshake_timeout_ms", 10_000),
        ("grpc.max_connection_idle_ms", 60_000),
        # Finds clients that are gone; too many pings of theirs end a connection by default.
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        # What nobody reads yet stays as small as this, however fast a client is.
        ("grpc.http2.bdp_probe", 0),
        ("grpc.http2.lookahead_bytes", 65_536),
    ]


@asynccontextmanager
async def serving(api: HttpApi, host: str, port: int) -> AsyncIterator[None]:
    """Answer at an address until the block ends; what runs by then is finished first.

    Raises:
        ServerError: nobody can listen there.
    """
    server = grpc.aio.server(
        options=_options(api.desk.limits.max_message_bytes), maximum_concurrent_rpcs=CALLS
    )
    server.add_generic_rpc_handlers((_Service(api).handler(),))
    try:
        server.add_insecure_port(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    except RuntimeError as error:
        raise ServerError(
            "gRPC cannot listen at {host}, port {port}: {error}", host=host, port=port, error=error
        ) from None
    await server.start()
    try:
        yield
    finally:
        await server.stop(DRAIN_S)


class _Service:
    def __init__(self, api: HttpApi) -> None:
        self._api = api
        self._model = Model(api)
        self._one_at_a_time = asyncio.Lock()

    def handler(self) -> grpc.GenericRpcHandler:
        calls: Mapping[str, _Call] = {
            "ServerLive": self._live,
            "ServerReady": self._ready,
            "ServerMetadata": self._server,
            "ModelReady": self._model_ready,
            "ModelMetadata": self._metadata,
            _INFER: self._infer,
        }
        handlers = {
            name: grpc.stream_unary_rpc_method_handler(
                partial(self._answer, name, call),
                response_serializer=lambda message: message.SerializeToString(),
            )
            for name, call in calls.items()
        }
        return grpc.method_handlers_generic_handler(SERVICE, handlers)

    async def _answer(
        self, name: str, call: _Call, messages: _Messages, context: _Context
    ) -> Message:
        code = grpc.StatusCode.CANCELLED
        with self._trace(name, context) as end:
            try:
                answer = await call(messages, context)
                code = grpc.StatusCode.OK
                end(200)
            except Exception as error:  # noqa: BLE001 - the client gets a sentence, the log the rest
                problem = problem_of(error)
                end(problem.status)
                code = _CODES.get(problem.status, grpc.StatusCode.INTERNAL)
                seconds = problem.headers.get("Retry-After")
                # This one gRPC's own clients obey, where they are told to try again at all.
                hint = (("grpc-retry-pushback-ms", f"{seconds}000"),) if seconds else ()
                await context.abort(code, str(problem), hint)
            finally:
                self._api.observe_call(name, code.name)
        return answer

    def _trace(self, name: str, context: _Context) -> AbstractContextManager[Callable[[int], None]]:
        if name != _INFER:
            return nullcontext(lambda _: None)
        sent = dict(context.invocation_metadata() or ())
        named = {"rpc.system": "grpc", "rpc.service": SERVICE, "rpc.method": name}
        return self._api.service.traces.request(f"{SERVICE}/{name}", sent, named)

    async def _live(self, _: _Messages, __: _Context) -> Message:
        return pb.ServerLiveResponse(live=True)

    async def _ready(self, _: _Messages, __: _Context) -> Message:
        return pb.ServerReadyResponse(ready=await self._is_ready())

    async def _server(self, _: _Messages, __: _Context) -> Message:
        return pb.ServerMetadataResponse(
            name=SERVER, version=facecore.__version__, extensions=EXTENSIONS
        )

    async def _model_ready(self, messages: _Messages, _: _Context) -> Message:
        asked = await self._small(messages, pb.ModelReadyRequest)
        self._model.check(asked.name, asked.version)
        return pb.ModelReadyResponse(ready=await self._is_ready())

    async def _metadata(self, messages: _Messages, _: _Context) -> Message:
        asked = await self._small(messages, pb.ModelMetadataRequest)
        self._model.check(asked.name, asked.version)
        tensor = pb.ModelMetadataResponse.TensorMetadata
        told = [tensor(**one.told._asdict()) for one in OUTPUTS.values()]
        return pb.ModelMetadataResponse(
            name=asked.name,
            versions=[VERSION],
            platform=PLATFORM,
            inputs=[tensor(**INPUT._asdict())],
            outputs=told,
        )

    async def _infer(self, messages: _Messages, context: _Context) -> Message:
        caller = Caller(_address(context.peer()), threading.Event(), "grpc")
        async with self._api.desk.message(partial(_next, messages), caller.address) as data:
            request = _parsed(pb.ModelInferRequest, data, _PHOTOS)
            self._model.check(request.model_name, request.model_version)
            reading = asyncio.ensure_future(self._model.infer(_asked(request), caller))
            try:
                read, tensors = await asyncio.shield(reading)
            except asyncio.CancelledError:
                # The photo is held until it is read or has left the queue.
                caller.gone.set()
                await asyncio.wait([reading])
                reading.exception()  # nobody is there to hear of it
                raise
        answer = pb.ModelInferResponse(
            model_name=request.model_name, model_version=VERSION, id=request.id
        )
        for name, value in told_of(read).items():
            kind = "string_param" if isinstance(value, str) else "double_param"
            setattr(answer.parameters[name], kind, value)
        for tensor in tensors:
            answer.outputs.add(name=tensor.name, datatype=tensor.datatype, shape=tensor.shape)
            answer.raw_output_contents.append(tensor.raw())
        return answer

    async def _is_ready(self) -> bool:
        try:
            await self._api.check_ready()
        except RequestError:
            return False
        return True

    async def _small(self, messages: _Messages, kind: Any) -> Any:
        try:
            async with asyncio.timeout(SMALL_MESSAGE_S), self._one_at_a_time:
                return _parsed(kind, await _next(messages))
        except TimeoutError:
            raise RequestError(408, "The question came too slowly: try again.") from None


async def _next(messages: _Messages) -> bytes:
    async for data in messages:
        return data
    raise RequestError(400, "The call brings no message.")


def _parsed(kind: Any, data: bytes, photos: _Fields | None = None) -> Any:
    try:
        # Before all of it becomes objects.
        beside = 0
        for length in _beside(memoryview(data), photos or {}):
            beside += length
            check_beside(beside)
        return kind.FromString(data)
    except (DecodeError, ValueError):
        raise RequestError(400, "The message is none of the protocol's.") from None


def _beside(message: memoryview, photos: _Fields) -> Iterator[int]:
    """Find what each field of a message counts for, without the bytes that may be a photo."""
    for number, value in protobuf.fields(message):
        inside = photos.get(number)
        yield _FIELD_BYTES
        if isinstance(value, int):
            continue
        if inside is None:
            yield len(value)
        elif inside:
            yield from _beside(value, inside)


def _asked(request: Any) -> Asked:
    check_inputs([Given(one.name, one.datatype, one.shape) for one in request.inputs])
    (given,) = request.inputs
    check_known(given.parameters, "content_type")
    for output in request.outputs:
        check_known(output.parameters, "binary_data")
    as_bytes, raw = given.contents.bytes_contents, request.raw_input_contents
    if len(as_bytes) + len(raw) != 1:
        raise RequestError(
            400,
            "'{name}' has {n} contents: send one photo, in raw_input_contents or bytes_contents.",
            name=INPUT.name,
            n=len(as_bytes) + len(raw),
        )
    return Asked(
        one_element(raw[0]) if raw else as_bytes[0],
        {
            name: getattr(value, value.WhichOneof("parameter_choice") or "string_param")
            for name, value in request.parameters.items()
        },
        [output.name for output in request.outputs],
    )


def _address(peer: str) -> str:
    """Return the address in what gRPC calls a client: "ipv4:127.0.0.1:1", "ipv6:%5B::1%5D:1"."""
    return unquote(peer).partition(":")[2].rpartition(":")[0].strip("[]") or "unknown"
