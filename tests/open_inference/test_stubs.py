"""The generated module says what the .proto file does."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REPOSITORY

PROTO = Path("facecore/open_inference/open_inference.proto")


def _described(generated: Path) -> object:
    """Return the description of messages that a generated module has in it.

    It is not imported: one process cannot have two descriptions of a file.
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


def test_messages_are_those_of_a_client_in_the_same_process() -> None:
    """Each message has the name of a public client's, and its fields the numbers and types."""
    pytest.importorskip("grpc", reason="needs requirements-grpc.txt")
    triton = pytest.importorskip("tritonclient.grpc", reason="needs tritonclient")
    ours = importlib.import_module("facecore.open_inference.open_inference_pb2").DESCRIPTOR
    theirs = triton.service_pb2.DESCRIPTOR.message_types_by_name
    for name, message in ours.message_types_by_name.items():
        assert _fields(message) <= _fields(theirs[name])


def _fields(message: Any) -> set[tuple[object, ...]]:
    """Return the path, name, number and type of each field of a message, and of those in it."""
    found: set[tuple[object, ...]] = set()
    for field in message.fields:
        found.add((field.name, field.number, field.type, field.is_repeated))
        if field.message_type:
            found |= {(field.name, *inner) for inner in _fields(field.message_type)}
    return found
