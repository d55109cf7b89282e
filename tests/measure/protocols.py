"""What a photo costs over gRPC, beside HTTP with a connection that is kept, interleaved.

``python -m tests.measure.protocols [ROUNDS]``: a server of its own, a JPEG in, faces out, asked in
turn by the protocol's gRPC and REST forms and by /predict; the order changes with each round.
Needs requirements-grpc.txt. Wall time, and CPU time of server and client together, which a busy
machine distorts less; both have the networks in them.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import grpc
import psutil
import requests

from facecore.open_inference import open_inference_pb2 as messages
from tests.conftest import SAMPLES
from tests.server import server_process

WARM_UP = 5


def main() -> None:
    """Print the median of each, and of gRPC's time as a part of the others', round by round."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    photo = (SAMPLES / "grace_hopper.jpg").read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "server.log"
        with server_process(log) as server, requests.Session() as session:
            target = f"127.0.0.1:{server.grpc_port}"
            with grpc.insecure_channel(target) as channel:
                ways = _ways(server.address, session, channel, photo)
                times_ms, cpu_ms = _interleaved(ways, rounds, server.pid)
    print(f"{rounds} rounds, a JPEG of {len(photo) / 1e3:.0f} kB")
    for name, own in times_ms.items():
        cpu_part = cpu_ms["gRPC"] / cpu_ms[name]
        parts = [a / b for a, b in zip(times_ms["gRPC"], own, strict=True)]
        low, middle, high = statistics.quantiles(parts, n=4)
        print(
            f"{name:10} median {statistics.median(own):7.2f} ms; gRPC takes {middle:.3f} of it "
            f"(middle half of the rounds {low:.3f} to {high:.3f}); "
            f"CPU {cpu_ms[name] / rounds:.1f} ms, gRPC takes {cpu_part:.3f} of it"
        )


def _ways(
    address: str, session: requests.Session, channel: grpc.Channel, photo: bytes
) -> dict[str, Callable[[], object]]:
    tensor = messages.ModelInferRequest.InferInputTensor(name="image", datatype="BYTES", shape=[1])
    infer = channel.unary_unary(
        "/inference.GRPCInferenceService/ModelInfer",
        request_serializer=messages.ModelInferRequest.SerializeToString,
        response_deserializer=messages.ModelInferResponse.FromString,
    )
    raw = len(photo).to_bytes(4, "little") + photo

    def over_grpc() -> object:
        request = messages.ModelInferRequest(
            model_name="article", inputs=[tensor], raw_input_contents=[raw]
        )
        return infer(request)

    def over_rest() -> object:
        answer = session.post(
            f"{address}/v2/models/article/infer",
            data=photo,
            headers={"Inference-Header-Content-Length": "0"},
        )
        answer.raise_for_status()
        return answer.json()

    def by_predict() -> object:
        answer = session.post(f"{address}/predict", files={"image": photo})
        answer.raise_for_status()
        return answer.json()

    return {"gRPC": over_grpc, "REST": over_rest, "/predict": by_predict}


def _interleaved(
    ways: dict[str, Callable[[], object]], rounds: int, server_pid: int
) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Return the wall times of each, and its CPU time in all, milliseconds."""
    times_ms: dict[str, list[float]] = {name: [] for name in ways}
    cpu_ms = dict.fromkeys(ways, 0.0)
    processes = psutil.Process(server_pid), psutil.Process()
    order = list(ways)
    chance = random.Random(0)
    for number in range(WARM_UP + rounds):
        chance.shuffle(order)
        for name in order:
            used_s, began = _cpu_s(processes), time.perf_counter()
            ways[name]()
            if number >= WARM_UP:
                times_ms[name].append((time.perf_counter() - began) * 1e3)
                cpu_ms[name] += (_cpu_s(processes) - used_s) * 1e3
    return times_ms, cpu_ms


def _cpu_s(processes: Iterable[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in processes)


if __name__ == "__main__":
    main()
