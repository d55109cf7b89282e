"""The Compare page in a real browser: it measures, survives faults, stops, and disturbs nobody."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, Page, expect

from facecore.experiment.storage import experiment_from_json
from tests.browser.server import running_server, wait_until_idle

pytestmark = pytest.mark.browser

RESULT_TIMEOUT_MS = 120_000
WAIT_S = 60


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of its own: a server measures one experiment at a time."""
    with running_server(tmp_path_factory.mktemp("compare") / "server.log") as served:
        yield served


def test_optimised_code_is_found_faster_and_the_file_brings_it_back(
    page: Page, address: str, browser: Browser, tmp_path: Path
) -> None:
    """The verdict says faster, the answers stay; saved and loaded elsewhere it looks the same."""
    _open(page, address)
    _measure(page, repeats=8)
    expect(page.get_by_text("× faster").first).to_be_visible(timeout=RESULT_TIMEOUT_MS)
    wait_until_idle(page)
    expect(
        page.get_by_text("Answers: no change of answers in 6 faces.", exact=True)
    ).to_be_visible()
    expect(page.get_by_text("The article says that optimised code")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save the experiment").click()
    saved = tmp_path / "saved.json"
    download.value.save_as(saved)
    experiment = experiment_from_json(saved.read_bytes())
    assert len(experiment.trials) == 16
    assert _workers() == []
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    other = context.new_page()
    _open(other, address)
    other.locator('input[type="file"]').last.set_input_files(saved)
    expect(other.get_by_text("× faster").first).to_be_visible()
    wait_until_idle(other)
    assert _verdicts(other) == _verdicts(page)
    context.close()


def test_a_killed_worker_is_reported_and_the_other_variant_finishes(
    page: Page, address: str
) -> None:
    """Kill -9 of one worker costs that variant; the page says so and shows the rest."""
    _open(page, address)
    _measure(page, repeats=15)
    expect(page.get_by_text(" of 30 trials").first).to_be_visible(timeout=RESULT_TIMEOUT_MS)
    os.kill(_workers()[-1].pid, signal.SIGKILL)
    expect(page.get_by_text("SIGKILL").first).to_be_visible(timeout=RESULT_TIMEOUT_MS)
    expect(page.get_by_text("This could not be measured:")).to_be_visible(timeout=RESULT_TIMEOUT_MS)
    wait_until_idle(page)
    expect(page.get_by_text("15 trials;")).to_be_visible()
    assert _workers() == []


def test_stop_shows_what_there_is_and_other_pages_are_not_disturbed(
    page: Page, address: str, browser: Browser
) -> None:
    """Analyze reads as ever while an experiment runs; Stop ends it and keeps its trials."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    other = context.new_page()
    other.goto(address)
    wait_until_idle(other)
    before = _faces(other)
    assert len(before) == 6
    _open(page, address)
    _measure(page, repeats=500)
    expect(page.get_by_text(" of 1000 trials").first).to_be_visible(timeout=RESULT_TIMEOUT_MS)
    other.get_by_role("button", name="Run again").click()
    expect(other.get_by_text("Run 2 of this session")).to_be_visible(timeout=RESULT_TIMEOUT_MS)
    wait_until_idle(other)
    assert _faces(other) == before
    context.close()
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text("It was stopped before its end")).to_be_visible(timeout=30_000)
    wait_until_idle(page)
    assert _workers() == []


def test_no_worker_outlives_a_killed_server(browser: Browser, tmp_path: Path) -> None:
    """Kill -9 of the server in mid-experiment leaves none of its workers."""
    context = browser.new_context()
    page = context.new_page()
    with running_server(tmp_path / "server.log") as served:
        _open(page, served)
        _measure(page, repeats=500)
        expect(page.get_by_text(" of 1000 trials").first).to_be_visible(timeout=RESULT_TIMEOUT_MS)
        workers = _workers()
        assert len(workers) == 2
        server = workers[0].parent()
        assert server is not None
        server.kill()
        gone, alive = psutil.wait_procs(workers, timeout=WAIT_S)
        assert (len(gone), alive) == (2, [])
    context.close()


def _open(page: Page, address: str) -> None:
    page.goto(f"{address}/compare")
    wait_until_idle(page)


def _measure(page: Page, repeats: int) -> None:
    field = page.get_by_label("Repeats")
    field.fill(str(repeats))
    field.press("Enter")
    wait_until_idle(page)
    page.get_by_role("button", name="Measure 2 variants").click()


def _workers() -> list[psutil.Process]:
    """Return the worker processes of the servers that this test started, the first in front."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        try:
            found = [
                process
                for process in psutil.Process().children(recursive=True)
                if "facecore.executors" in process.cmdline()
            ]
            return sorted(found, key=lambda one: one.create_time())
        except psutil.Error:
            time.sleep(0.05)  # one ended while it was looked at
    raise AssertionError("the processes never stood still")


def _verdicts(page: Page) -> list[str]:
    return page.get_by_text("× faster").all_inner_texts()


def _faces(page: Page) -> list[str]:
    return (
        page.locator('[data-testid="stMarkdownContainer"]')
        .filter(has_text="Expected age")
        .all_inner_texts()
    )
