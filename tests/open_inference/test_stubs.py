"""The generated module says what the .proto file does."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

PROTO = Path("facecore/open_inference/open_inference.proto")


def _described(generated: Path) -> object:
    """Return the description of messages that a generated module has in it.

    It is not imported: a client's own has messages of the same names, which one process
    cannot have twice.
    """
    (described,) = (
        call.args[0].value
        for call in ast.walk(ast.parse(generated.read_text()))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "AddSerializedFile"
        and isinstance(call.args[0], ast.Constant)
    )
    return described


def test_the_generated_module_is_that_of_the_proto_file(tmp_path: Path) -> None:
    """What a compiler of today makes of the file describes what the module does, byte by byte."""
    pytest.importorskip("grpc_tools", reason="needs grpcio-tools")
    command = [sys.executable, "-m", "grpc_tools.protoc", "-I.", f"--python_out={tmp_path}"]
    subprocess.run([*command, str(PROTO)], cwd=REPOSITORY, check=True, timeout=60)
    ours = PROTO.with_name("open_inference_pb2.py")
    assert _described(REPOSITORY / ours) == _described(tmp_path / ours)
