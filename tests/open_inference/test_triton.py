"""Triton's client, as it comes from PyPI, against the real server: over HTTP and over gRPC."""

from __future__ import annotations

import io
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import requests
from PIL import Image

from facecore.engines.graph import protobuf
from tests.server import Server

grpc = pytest.importorskip("grpc", reason="needs requirements-grpc.txt")
triton_http = pytest.importorskip("tritonclient.http", reason="needs tritonclient")
triton_grpc = pytest.importorskip("tritonclient.grpc", reason="needs tritonclient")
from tritonclient.utils import InferenceServerException  # noqa: E402

pytestmark = pytest.mark.slow

TIMEOUT_S = 120
SESSION_LIMIT = 8
"""Runs of one client that wait, by default."""


class Triton:
    """One of the two clients, and what it calls things."""

    def __init__(self, module: ModuleType, address: str, **options: Any) -> None:
        self.module = module
        self.name = module.__name__.rpartition(".")[2]
        self.client = module.InferenceServerClient(address, **options)

    def tensor(self, photo: bytes, **other: Any) -> Any:
        """Return a photo as the input of a request."""
        told = {"name": "image", "shape": [1], "datatype": "BYTES"} | other
        tensor = self.module.InferInput(**told)
        values = np.full(told["shape"], photo, object)
        tensor.set_data_from_numpy(
            values if told["datatype"] == "BYTES" else np.ones(told["shape"], np.float32)
        )
        return tensor

    def refusal(self, *inputs: Any, model: str = "article", **asked: Any) -> tuple[str, str]:
        """Return the status and the words that a request is refused with."""
        with pytest.raises(InferenceServerException) as refused:
            self.client.infer(model, list(inputs), **asked)
        return str(refused.value.status()), str(refused.value.message())


@pytest.fixture(scope="module", params=["http", "grpc"])
def triton(request: pytest.FixtureRequest, held_server: Server) -> Iterator[Triton]:
    """A client of either kind; the server's log tells of nothing unexpected afterwards."""
    begins_at = held_server.log.stat().st_size
    if request.param == "http":
        address = held_server.address.removeprefix("http://")
        timeouts = {"network_timeout": TIMEOUT_S, "connection_timeout": TIMEOUT_S}
        own = Triton(triton_http, address, concurrency=SESSION_LIMIT + 1, **timeouts)
    else:
        own = Triton(triton_grpc, f"127.0.0.1:{held_server.grpc_port}")
    yield own
    own.client.close()
    assert b"Traceback" not in held_server.log.read_bytes()[begins_at:]


def _status(triton: Triton, http: int, code: str) -> str:
    return str(http) if triton.name == "http" else f"StatusCode.{code}"


def test_no_face_is_empty_arrays(triton: Triton) -> None:
    """Where there is no face the client makes arrays without a row."""
    file = io.BytesIO()
    Image.new("RGB", (64, 48)).save(file, "JPEG")
    found = triton.client.infer("article", [triton.tensor(file.getvalue())])
    assert found.as_numpy("boxes").shape == (0, 4)
    assert found.as_numpy("gender").shape == (0,)


def test_the_faces_are_those_of_predict(
    triton: Triton, held_server: Server, hopper_file: bytes
) -> None:
    """The same photo gives the same faces, and only the outputs that are asked for."""
    answer = requests.post(
        f"{held_server.address}/predict", files={"image": hopper_file}, timeout=TIMEOUT_S
    ).json()
    (face,) = answer["results"]
    found = triton.client.infer("article", [triton.tensor(hopper_file)], request_id="7")
    assert found.as_numpy("boxes").tolist() == [face["bbox"]]
    assert found.as_numpy("gender").tolist() == [face["gender"].encode()]
    assert found.as_numpy("age_group").tolist() == [face["age"].encode()]
    assert found.as_numpy("confidence")[0] == pytest.approx(face["confidence"], abs=1e-4)
    assert found.as_numpy("image_size").tolist() == answer["image_size"]
    wanted = [triton.module.InferRequestedOutput(name) for name in ("age_years", "boxes")]
    some = triton.client.infer("article", [triton.tensor(hopper_file)], outputs=wanted)
    assert some.as_numpy("boxes").tolist() == [face["bbox"]]
    assert some.as_numpy("age_years").dtype == np.float32
    assert some.as_numpy("gender") is None


def test_what_the_server_and_its_model_are(triton: Triton) -> None:
    """Both tell the same of themselves, and that they are ready."""
    client = triton.client
    assert client.is_server_live() and client.is_server_ready()
    assert client.is_model_ready("article") and client.is_model_ready("article", "1")
    as_json = {} if triton.name == "http" else {"as_json": True}
    assert client.get_server_metadata(**as_json)["name"] == "facecore"
    model = client.get_model_metadata("article", **as_json)
    assert (model["name"], model["versions"]) == ("article", ["1"])
    (photo,) = model["inputs"]
    assert (photo["name"], photo["datatype"]) == ("image", "BYTES")
    boxes = model["outputs"][0]
    assert (boxes["datatype"], list(map(int, boxes["shape"]))) == ("INT32", [-1, 4])


def test_each_trouble_has_its_status(triton: Triton, hopper_file: bytes) -> None:
    """A missing model, a photo that is none and a wrong tensor are what the field calls them."""
    good = triton.tensor(hopper_file)
    missing = _status(triton, 404, "NOT_FOUND")
    assert triton.refusal(good, model="modern")[0] == missing
    assert triton.refusal(good, model_version="2")[0] == missing
    wrong = _status(triton, 400, "INVALID_ARGUMENT")
    for inputs, asked, words in (
        ([triton.tensor(b"junk")], {}, "not a picture"),
        ([triton.tensor(hopper_file[:3000])], {}, "amaged"),
        ([good, good], {}, "There are 2 inputs"),
        ([triton.tensor(hopper_file, shape=[2])], {}, "BYTES [2]"),
        ([triton.tensor(b"", datatype="FP32", shape=[1, 3])], {}, "FP32 [1, 3]"),
        ([good], {"parameters": {"rescue": False}}, "rescue"),
        ([good], {"outputs": [triton.module.InferRequestedOutput("faces")]}, "no output 'faces'"),
    ):
        status, told = triton.refusal(*inputs, **asked)
        assert status == wrong, told
        assert words in told


def test_a_huge_message_is_refused(triton: Triton, held_server: Server) -> None:
    """What is larger than an upload may be is not taken, and nothing of it is kept."""
    status, told = triton.refusal(triton.tensor(b"x" * 60_000_000))
    assert status == _status(triton, 413, "RESOURCE_EXHAUSTED"), told
    assert _held_bytes(held_server) == 0


def test_a_message_takes_no_more_memory_than_it_has_bytes(held_server: Server) -> None:
    """Fields without content, of which a message has room for millions, are refused uncounted."""
    empty, short = protobuf.field(5, b""), protobuf.field(2, b"x" * 70_000)
    contents = protobuf.field(5, protobuf.field(5, protobuf.field(8, b"") * 5_000_000))
    channel = grpc.insecure_channel(f"127.0.0.1:{held_server.grpc_port}")
    before = _most_bytes(held_server)
    for method, message in (
        ("ModelInfer", empty * 5_000_000),
        ("ModelInfer", contents),
        ("ModelInfer", protobuf.field(7, b"") * 5_000_000),
        ("ModelInfer", protobuf.field(5, protobuf.field(3, b"\1" * 10_000_000))),
        ("ModelMetadata", short),
    ):
        with pytest.raises(grpc.RpcError, match="too much beside the photo") as refused:
            channel.unary_unary(f"/inference.GRPCInferenceService/{method}")(
                message, timeout=TIMEOUT_S
            )
        assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    channel.close()
    assert _most_bytes(held_server) - before < 100_000_000


def _most_bytes(server: Server) -> int:
    """Return the memory that a server had at most so far."""
    (line,) = (
        line
        for line in Path(f"/proc/{server.pid}/status").read_text().splitlines()
        if line.startswith("VmHWM")
    )
    return int(line.split()[1]) * 1024


def test_a_busy_server_sends_away(triton: Triton, held_server: Server, hopper_file: bytes) -> None:
    """With its share of the queue full a client is refused at once; those who wait are answered."""
    tensor = triton.tensor(hopper_file)
    with ThreadPoolExecutor(SESSION_LIMIT) as pool:
        with held_server.held("queue"):
            # A client of its own each, as one of gevent's stays in the thread that made it.
            waiting = [pool.submit(_ask, held_server, hopper_file) for _ in range(SESSION_LIMIT)]
            _wait_for(lambda: held_server.queue_figures()["waiting"] == SESSION_LIMIT)
            status, told = triton.refusal(tensor)
        assert {one.result(TIMEOUT_S) for one in waiting} == {1}
    assert status == _status(triton, 429, "UNAVAILABLE")
    assert "busy" in told


def _ask(server: Server, photo: bytes) -> int:
    own = Triton(triton_grpc, f"127.0.0.1:{server.grpc_port}")
    found = own.client.infer("article", [own.tensor(photo)], client_timeout=TIMEOUT_S)
    own.client.close()
    return len(found.as_numpy("boxes"))


def _held_bytes(server: Server) -> float:
    text = requests.get(f"{server.address}/metrics", timeout=TIMEOUT_S).text
    (line,) = (one for one in text.splitlines() if 'held_bytes{what="uploads"}' in one)
    return float(line.rpartition(" ")[2])


def _wait_for(condition: Any) -> None:
    end = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_refusal_tells_grpc_when_to_try_again(held_server: Server, hopper_file: bytes) -> None:
    """The hint is the one that gRPC's own retries obey; a caller that leaves makes room again."""
    stub = _infer_stub(held_server)
    request = _request(hopper_file)
    with held_server.held("queue"):
        gave_up = held_server.queue_figures()['visits_total{end="gave_up"}']
        waiting = [stub.future(request) for _ in range(SESSION_LIMIT)]
        _wait_for(lambda: held_server.queue_figures()["waiting"] == SESSION_LIMIT)
        with pytest.raises(grpc.RpcError) as refused:
            stub(request, timeout=TIMEOUT_S)
        hint = dict(refused.value.trailing_metadata())["grpc-retry-pushback-ms"]
        assert 1000 <= int(hint) <= 60_000
        for one in waiting:
            one.cancel()
        _wait_for(lambda: held_server.queue_figures()["waiting"] == 0)
        with pytest.raises(grpc.RpcError) as late:
            stub(request, timeout=0.2)
        assert late.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        _wait_for(lambda: held_server.queue_figures()["waiting"] == 0)
        figures = held_server.queue_figures()
        assert figures['visits_total{end="gave_up"}'] >= gave_up + SESSION_LIMIT + 1
        assert _held_bytes(held_server) == 0


def test_messages_that_are_none_and_methods_that_are_not_there(held_server: Server) -> None:
    """Bytes of another protocol, no message at all and unknown methods have their status."""
    channel = grpc.insecure_channel(f"127.0.0.1:{held_server.grpc_port}")
    service = "/inference.GRPCInferenceService/"
    statuses = {}
    for method, message in (("ModelInfer", b"\xff"), ("ModelReady", b"\xff"), ("Nothing", b"")):
        with pytest.raises(grpc.RpcError) as refused:
            channel.unary_unary(service + method)(message, timeout=TIMEOUT_S)
        statuses[method] = refused.value.code().name
    assert statuses == {
        "ModelInfer": "INVALID_ARGUMENT",
        "ModelReady": "INVALID_ARGUMENT",
        "Nothing": "UNIMPLEMENTED",
    }
    with pytest.raises(grpc.RpcError) as refused:
        channel.stream_unary(service + "ModelInfer")(iter(()), timeout=TIMEOUT_S)
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    channel.close()


def test_half_requests_keep_nobody_out(held_server: Server, hopper_file: bytes) -> None:
    """Messages of which the rest never comes cost little memory, and go with their connection."""
    assert held_server.grpc_port
    before = held_server.rss_bytes()
    hanging = []
    for _ in range(20):
        connection = socket.create_connection(("127.0.0.1", held_server.grpc_port))
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _frame(4, 0, 0))
        # Not even one client's share of uploads, so that this one gets in as well.
        half = b"\0" + (40_000_000).to_bytes(4, "big") + bytes(12_000)
        connection.sendall(_frame(1, 4, 1, _headers()) + _frame(0, 0, 1, half))
        hanging.append(connection)
    live = grpc.insecure_channel(f"127.0.0.1:{held_server.grpc_port}")
    ask = live.unary_unary("/inference.GRPCInferenceService/ServerLive")
    assert ask(b"", timeout=TIMEOUT_S) == b"\x08\x01"
    _wait_for(lambda: _held_bytes(held_server) > 0)
    assert held_server.rss_bytes() - before < 50_000_000
    for connection in hanging:
        connection.close()
    assert _ask(held_server, hopper_file) == 1
    _wait_for(lambda: _held_bytes(held_server) == 0)
    live.close()


def _frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """Return a frame of HTTP/2."""
    head = len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big")
    return head + payload


def _headers() -> bytes:
    """Return the headers of an inference, each written out."""
    headers = {
        ":method": "POST",
        ":scheme": "http",
        ":path": "/inference.GRPCInferenceService/ModelInfer",
        ":authority": "localhost",
        "content-type": "application/grpc",
        "te": "trailers",
    }
    texts = [text.encode() for pair in headers.items() for text in pair]
    sized = [bytes([len(text)]) + text for text in texts]
    return b"".join(
        b"\0" + name + value for name, value in zip(sized[::2], sized[1::2], strict=True)
    )


def _infer_stub(server: Server) -> Any:
    channel = grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}")
    return channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")


def _request(photo: bytes) -> bytes:
    """Return the message that asks for a photo's faces."""
    messages = triton_grpc.service_pb2
    tensor = messages.ModelInferRequest.InferInputTensor(name="image", datatype="BYTES", shape=[1])
    tensor.contents.bytes_contents.append(photo)
    request = messages.ModelInferRequest(model_name="article", inputs=[tensor])
    return bytes(request.SerializeToString())
