"""The dashboard run without a browser, by Streamlit's own test runner."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from facecore.serving import service
from facecore.ui.models import measured
from tests.conftest import REPOSITORY
from tests.experiment.conftest import made

# A fixture, for the tests in here.
__all__ = ["made"]

ENTRY = REPOSITORY / "streamlit_app.py"
TIMEOUT_S = 120
# Each session of Streamlit's tester is a server that starts, and reads what is told of every
# installed package to look for components in it: most of the time that a page takes.
manifest_scanner.scan_component_manifests = cache(manifest_scanner.scan_component_manifests)
PAGES = {
    "": "Analyze",
    "live": "Live",
    "batch": "Batch",
    "tune": "Tune",
    "compare": "Compare",
    "optimise": "Optimise",
    "monitor": "Monitor",
    "models": "Models",
    "engines": "Engines",
}


def forget_service() -> None:
    """Let the server's networks go, wherever they are held."""
    service._only_service.cache_clear()


def visit(address: str = "", **query: str) -> AppTest:
    """Open a page in a session of its own, as a link that carries settings does."""
    app = AppTest.from_file(str(ENTRY), default_timeout=TIMEOUT_S)
    if address:
        # switch_page() works from the second run on; a link names its page at once.
        app._page_hash = calc_hash(address)
    for key, value in query.items():
        app.query_params[key] = value
    return app.run()


def go_to(app: AppTest, title: str) -> AppTest:
    """Go to another page within the session."""
    app.switch_page(f"pages/{title.lower()}.py").run()
    assert app.title.values == [title]
    return app


def upload(app: AppTest, files: dict[str, bytes]) -> AppTest:
    """Choose files in the file uploader."""
    chosen = [(name, data, "application/octet-stream") for name, data in files.items()]
    app.file_uploader(key="uploads").set_value(chosen)
    return app.run()


def metrics(app: AppTest) -> dict[str, str]:
    """Return what the page's metrics show, by label."""
    return {metric.label: metric.value for metric in app.metric}


def expect_no_error(app: AppTest) -> None:
    """Nothing on the page says that something went wrong."""
    assert app.exception.values == []
    assert app.error.values == []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each of these tests runs a page with the real networks, so it is none of the quick ones."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True)
def _passes_are_remembered(remembered_passes: None) -> None:
    """The same samples are on nearly every page."""


@pytest.fixture
def not_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Name a models folder that is none, with nothing loaded before."""
    folder = tmp_path / "missing"
    monkeypatch.setenv("FACECORE_MODELS_DIR", str(folder))
    forget_service()
    measured.file_statuses.clear()
    yield folder
    forget_service()
    measured.file_statuses.clear()


@pytest.fixture(autouse=True)
def navigation_has_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each run be one of a server that knows its pages, as all but the first are.

    Streamlit's tester is a fresh server in every run: a page then runs twice, through
    the entry, and a click is lost.
    """
    original = PagesManager.__init__

    def init(self: PagesManager, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        PagesManager.uses_pages_directory = False

    monkeypatch.setattr(PagesManager, "__init__", init)
