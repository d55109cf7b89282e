"""The shared server for the tests of this folder, started when a test first needs it."""

from __future__ import annotations

import pytest

from tests.server import Server


@pytest.fixture(scope="session")
def server(held_server: Server) -> Server:
    """The real server on a free port."""
    return held_server
