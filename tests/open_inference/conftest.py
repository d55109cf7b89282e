"""The protocol's REST form in this process, over the tests' own networks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.http.api import HttpApi
from facecore.open_inference.rest import OpenInference
from facecore.profiles.configuration import Configuration
from facecore.serving.service import FaceService
from facecore.settings.server import ServerSettings
from tests.http.conftest import LIMITS


@pytest.fixture
def service(
    analyzer: FaceAnalyzer, monkeypatch: pytest.MonkeyPatch, remembered_passes: None
) -> FaceService:
    """A service of which a request may set the confidence, and where nobody waits."""
    monkeypatch.setattr(FaceAnalyzer, "load", lambda *_, **__: analyzer)
    server = ServerSettings(queue_limit=0, overrides=("confidence", "careful"))
    return FaceService(Configuration(server=server))


@pytest.fixture
def client(service: FaceService) -> Iterator[TestClient]:
    """A client of the whole HTTP API."""
    api = HttpApi(service, limits=LIMITS)
    with TestClient(Starlette(routes=[*api.routes(), *OpenInference(api).routes()])) as client:
        yield client
