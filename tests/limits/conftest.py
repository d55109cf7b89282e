"""One real server for the tests of this folder, started when a test first needs it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.server import Server, server_process


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The real server on a free port."""
    with server_process(tmp_path_factory.mktemp("server") / "server.log") as running:
        yield running
