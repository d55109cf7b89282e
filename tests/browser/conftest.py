"""One server and one browser for the browser tests, or a reason to skip them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("playwright", reason="playwright is not installed (requirements-dev.txt)")

from playwright.sync_api import Browser, Page

from tests.browser.server import chromium_path, opened_tab, running_browser
from tests.server import Server


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real Chromium."""
    path = chromium_path()
    if path is None:
        pytest.skip("no Chromium is installed, and CHROMIUM names none")
    with running_browser(path) as running:
        yield running


@pytest.fixture(scope="session")
def server_log(held_server: Server) -> Path:
    """Where the shared server writes."""
    return held_server.log


@pytest.fixture(scope="session")
def server(held_server: Server) -> str:
    """The address of a server that the tests share."""
    return held_server.address


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh tab, closed afterwards."""
    with opened_tab(browser) as tab:
        yield tab
