"""The HTTP API under schemathesis: what its OpenAPI document says, and what it is sent instead."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware

from facecore.http.api import HttpApi
from facecore.http.connections import ConnectionLimits
from facecore.http.site_guard import SiteGuard
from facecore.open_inference.rest import OpenInference
from facecore.serving.service import FaceService
from facecore.settings.server import ServerSettings
from tests.conftest import REPOSITORY
from tests.http.conftest import LIMITS, served

_HOOKS = """
import base64
import schemathesis
from pathlib import Path

PHOTO = Path({photo!r}).read_bytes()

@schemathesis.hook
def before_call(context, case, kwargs):
    # No schema says which model is there, nor what a picture is: who is right otherwise gets one.
    if not case.meta.generation.mode.is_positive:
        return
    if "model" in case.path_parameters:
        case.path_parameters["model"] = "article"
    if case.media_type == "multipart/form-data":
        kwargs["files"] = {{"image": ("photo.jpg", PHOTO)}}
    elif case.media_type == "application/octet-stream":
        case.body, case.headers["Inference-Header-Content-Length"] = PHOTO, "0"
    elif case.media_type == "application/json":
        case.body["inputs"][0]["data"] = [base64.b64encode(PHOTO).decode()]
"""


def _schemathesis(port: int, folder: Path) -> tuple[subprocess.CompletedProcess[str], Any]:
    """Send some dozen requests that are always the same; the run and its report."""
    photo = REPOSITORY / "facecore/sources/samples/grace_hopper.jpg"
    (folder / "photo_hooks.py").write_text(_HOOKS.format(photo=str(photo)))
    command = [sys.executable, "-m", "schemathesis.cli", "run"]
    command += [f"http://127.0.0.1:{port}/openapi.json", "--seed=10", "--max-examples=10"]
    command += ["--report=json", "--report-json-path=report.json", "--no-color", "--no-shrink"]
    command += [
        "--phases=coverage,fuzzing",
        "--exclude-path-regex=/versions/",
        "--request-timeout=60",
    ]
    hooks = {"SCHEMATHESIS_HOOKS": "photo_hooks", "PYTHONPATH": str(folder)}
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | hooks,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    return done, json.loads((folder / "report.json").read_text())


@pytest.mark.slow
def test_document_and_answers_agree(service: FaceService, tmp_path: Path) -> None:
    """Right requests are answered and wrong ones refused, each as the document says."""
    # Fields of every kind: numbers, whole ones, one of a few, on or off, and nothing at all.
    fields = ("confidence", "max_side_px", "input_size_px", "careful", "orientation", "max_faces")
    service.begins = replace(service.begins, server=ServerSettings(overrides=fields))
    api = HttpApi(service, limits=LIMITS)
    routes = [*api.routes(), *OpenInference(api).routes()]
    app = Starlette(routes=routes, middleware=[Middleware(SiteGuard)])
    with served(app, ConnectionLimits()) as (_, port):
        done, report = _schemathesis(port, tmp_path)
    assert done.returncode == 0, done.stdout[:5000] + done.stderr[-5000:]
    assert report["complete"] and not report["failures"] and not report["errors"]
    for reads in ("/predict", "/v2/models/{model}/infer"):
        assert report["valid_rates"][f"POST {reads}"]["coverage"]["accepted"] > 0
    assert service.queue.stats().admitted > 0
