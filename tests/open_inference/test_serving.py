"""The gRPC port of ``facecore serve``: asked for, refused, and how it ends."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from facecore.ui import server as ui_server
from tests.conftest import REPOSITORY
from tests.server import server_process

_APPLICATION = """
import sys
from pathlib import Path
from facecore.ui.server import application
application(Path("streamlit_app.py").resolve(), with_api=True)
print("facecore.open_inference.grpc_server" in sys.modules, "grpc" in sys.modules)
"""


@pytest.mark.slow
def test_nothing_of_grpc_is_imported_unless_asked_for() -> None:
    """A server without the port needs no gRPC, also where that is installed."""
    done = subprocess.run(
        [sys.executable, "-c", _APPLICATION],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.stdout.split() == ["False", "False"], done.stderr


def test_where_it_cannot_listen_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A port that is taken, or gRPC that is missing, ends the start with one sentence."""
    monkeypatch.setattr(ui_server, "configure", lambda *_: None)
    arguments = ["streamlit_app.py", "--with-api", "--host=127.0.0.1", "--port=0"]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr("importlib.util.find_spec", lambda _: object())
        assert ui_server.main([*arguments, f"--grpc-port={port}"]) == 2
        assert f"port {port} (Address already in use)" in (told := capsys.readouterr().err)
        assert "--grpc-port" in told
        monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
        assert ui_server.main([*arguments, f"--grpc-port={port}"]) == 2
        assert "facecore-dashboard[grpc]" in capsys.readouterr().err


@pytest.mark.slow
def test_what_runs_is_answered_before_the_end(tmp_path: Path, hopper_file: bytes) -> None:
    """A photo that has waited for its turn when the signal comes is still read."""
    grpc = pytest.importorskip("grpc", reason="needs requirements-grpc.txt")
    triton = pytest.importorskip("tritonclient.grpc", reason="needs tritonclient")
    messages = triton.service_pb2
    tensor = messages.ModelInferRequest.InferInputTensor(name="image", datatype="BYTES", shape=[1])
    tensor.contents.bytes_contents.append(hopper_file)
    request = messages.ModelInferRequest(model_name="article", inputs=[tensor])
    throttle = {"FACECORE_MIN_INTERVAL_MS": "3000", "FACECORE_OVERRIDES": "confidence"}
    with (
        server_process(tmp_path / "server.log", environment=throttle) as server,
        grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel,
    ):
        infer = channel.unary_unary(
            "/inference.GRPCInferenceService/ModelInfer",
            response_deserializer=messages.ModelInferResponse.FromString,
        )
        request.parameters["confidence"].double_param = 1.0
        none = infer(bytes(request.SerializeToString()), timeout=60)
        assert list(none.outputs[0].shape) == [0, 4]
        request.parameters["confidence"].double_param = 0.5
        late: Any = infer.future(bytes(request.SerializeToString()), timeout=60)
        while not server.queue_figures()["waiting"]:
            assert not late.done()
        psutil.Process(server.pid).send_signal(signal.SIGTERM)
        assert list(late.result().outputs[0].shape) == [1, 4]
    assert "Traceback" not in server.log.read_text()
