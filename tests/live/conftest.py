"""Live frames over a real websocket of this process, read by the tests' own networks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.http.connections import ConnectionLimits, Connections
from facecore.http.site_guard import SiteGuard
from facecore.live.run import LiveSetting
from facecore.live.sessions import LiveSession, LiveSessions
from facecore.live.socket import live_route
from facecore.profiles.configuration import Configuration
from facecore.serving.history import RunHistory
from facecore.serving.service import FaceService
from facecore.settings import AnalysisSettings, RuntimeOptions
from tests.http.conftest import served
from tests.live.camera import PATIENCE_S, Camera, connected

SETTING = LiveSetting(AnalysisSettings(), RuntimeOptions())


class ServedLive(NamedTuple):
    """A server of live frames, with what is behind it."""

    port: int
    sessions: LiveSessions
    service: FaceService
    account: Connections
    history: RunHistory

    def open(self, owner: str = "me", is_open: Callable[[], bool] = lambda: True) -> LiveSession:
        """Return a new session, which the caller has to hold."""
        return self.sessions.open(owner, SETTING, self.history, is_open)

    @contextmanager
    def camera(self, key: str, **how: Any) -> Iterator[Camera]:
        """Connect a camera until the block ends."""
        with connected(f"ws://127.0.0.1:{self.port}", key, **how) as camera:
            yield camera


@pytest.fixture
def service(analyzer: FaceAnalyzer, monkeypatch: pytest.MonkeyPatch) -> FaceService:
    """A service that takes the tests' own networks instead of loading some."""
    monkeypatch.setattr(FaceAnalyzer, "load", lambda *_, **__: analyzer)
    return FaceService(Configuration())


@pytest.fixture
def live(service: FaceService) -> Iterator[ServedLive]:
    """A server of live frames behind the site's guard."""
    sessions = LiveSessions(lambda: service)
    app = Starlette(routes=[live_route("", sessions)], middleware=[Middleware(SiteGuard)])
    with served(app, ConnectionLimits()) as (account, port):
        yield ServedLive(port, sessions, service, account, RunHistory())


def until(true: Callable[[], bool]) -> None:
    """Wait for another thread to get somewhere."""
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)
