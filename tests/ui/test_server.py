"""The HTTP API as a part of Streamlit's server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
import streamlit as st
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from facecore.errors import SettingsError
from facecore.serving.service import process_service
from facecore.settings import RuntimeOptions
from facecore.ui import networks, server
from facecore.ui.server import ALLOWED_HOSTS_VARIABLE, _site_guard, make_api, running, upload_limits
from tests.conftest import REPOSITORY
from tests.http.conftest import in_a_loop
from tests.pages.conftest import forget_service


@pytest.fixture
def options() -> Iterator[None]:
    """Put Streamlit's options back after a test that sets them."""
    names = ("server.maxUploadSize", "server.baseUrlPath")
    before = {name: st.get_option(name) for name in names}
    yield
    for name, value in before.items():
        st.config.set_option(name, value)


@pytest.fixture
def fresh_service() -> Iterator[None]:
    """Make the process's service anew, and let it go afterwards."""
    forget_service()
    yield
    forget_service()


def _paths(routes: object) -> list[str]:
    assert isinstance(routes, list)
    return [route.path for route in routes if isinstance(route, Route)]


def test_the_api_is_no_page() -> None:
    """No path of the api is the address of a page or one of Streamlit's own."""
    pages = {f"/{path.stem}" for path in (REPOSITORY / "pages").glob("*.py")}
    paths = _paths(make_api().routes())
    assert len(paths) == 5
    assert not pages & set(paths)
    assert not [path for path in paths if path.startswith(("/_stcore", "/media", "/component"))]


@pytest.mark.usefixtures("options")
def test_limits_and_paths_are_those_of_the_page() -> None:
    """The largest file is the page's, and where the page has a prefix, so has the api."""
    st.config.set_option("server.maxUploadSize", 7)
    st.config.set_option("server.baseUrlPath", "/faces/")
    api = make_api()
    assert "/faces/predict" in _paths(api.routes())
    client = TestClient(Starlette(routes=api.routes()))
    response = client.post("/faces/predict", files={"image": bytes(7 * 1024 * 1024 + 1)})
    assert response.status_code == 413
    assert "larger than 7 MB" in response.json()["error"]


@pytest.mark.usefixtures("fresh_service")
def test_pages_and_api_share_one_service() -> None:
    """Networks that the start of the server loads are those that a session then finds."""

    async def live() -> None:
        async with running(make_api(), None):
            pass

    in_a_loop(live())
    (analyzer,) = process_service().loaded(RuntimeOptions())
    assert networks.analyzer(RuntimeOptions()) is analyzer


def test_the_machine_itself_may_always_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    """With names given, a container's health check is still answered, and a stranger is not."""
    monkeypatch.setenv(ALLOWED_HOSTS_VARIABLE, "faces.example, *.lab.example")
    guard = _site_guard(())
    client = TestClient(Starlette(middleware=[guard]))
    asked = ("127.0.0.1:8501", "localhost", "faces.example", "a.lab.example", "evil.example")
    answers = [client.get("/", headers={"Host": host}).status_code for host in asked]
    assert answers == [404, 404, 404, 404, 421]


@pytest.mark.usefixtures("fresh_service")
def test_a_wrong_environment_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that cannot know its limits does not begin to serve."""
    monkeypatch.setenv("FACECORE_CONCURRENCY", "no number")
    with pytest.raises(SettingsError, match="FACECORE_CONCURRENCY"):
        make_api()


@pytest.mark.parametrize(
    ("memory_mb", "max_mb", "photos", "share"),
    [(20, 20, 1, 1.0), (50, 50, 1, 1.0), (134, 50, 2, 0.5), (10_000, 50, 4, 0.5)],
)
def test_api_holds_what_the_memory_has_room_for(
    memory_mb: int, max_mb: int, photos: int, share: float
) -> None:
    """Fewer photos are held where there is less memory, and none that could never be."""
    limits = upload_limits(50 * 10**6, memory_mb * 10**6)
    assert (limits.max_bytes, limits.held_photos) == (max_mb * 10**6, photos)
    assert limits.client_share == share


def test_a_sweep_that_fails_is_not_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever Streamlit raises where a session is closed, the clock goes on."""
    swept: list[float] = []

    def sweep(lost_for_s: float) -> None:
        swept.append(lost_for_s)
        raise KeyError("a session")

    async def until_again() -> None:
        async with asyncio.timeout(60), running(None, None):
            while len(swept) < 3:
                await asyncio.sleep(0.01)

    monkeypatch.setattr(server, "_SWEEP_S", 0.01)
    monkeypatch.setattr(server, "close_lost_sessions", sweep)
    in_a_loop(until_again())
    assert set(swept) == {server.LOST_FOR_S}
