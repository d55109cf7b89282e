"""The Compare page in a real browser: it measures, survives faults, stops, and disturbs nobody."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, Page, expect

from facecore.experiment.record import Experiment, Plan
from facecore.experiment.storage import experiment_from_json, experiment_to_json
from tests.browser.server import opened_tab, wait_until_idle
from tests.experiment.conftest import made_trial, two_variants
from tests.server import Server

pytestmark = pytest.mark.browser

WAIT_S = 300
# Two variants of one photo: both warm-up passes, and what a look at the trials needs.
FIRST_TRIALS = 2 * Plan(variants=two_variants()).warm_up + 3


def test_other_pages_stay_undisturbed_a_killed_worker_is_told_of_and_stop_keeps_the_rest(
    page: Page, held_server: Server, browser: Browser, tmp_path: Path
) -> None:
    """Analyze reads as ever meanwhile; kill -9 of one worker costs that variant alone.

    What was measured is taken away as a file, and a file like that is brought back.
    """
    with opened_tab(browser) as other:
        other.goto(held_server.address)
        wait_until_idle(other)
        before = _faces(other)
        assert len(before) == 1
        with held_server.held("trials", after=FIRST_TRIALS):
            _open(page, held_server.address)
            _measure(page, repeats=500)
            expect(page.get_by_text(" of 1000 trials").first).to_be_visible()
            other.get_by_role("button", name="Run again").click()
            expect(other.get_by_text("Run 2 of this session")).to_be_visible()
            wait_until_idle(other)
            assert _faces(other) == before
            os.kill(_workers()[-1].pid, signal.SIGKILL)
    expect(page.get_by_text("SIGKILL").first).to_be_visible()
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text("It was stopped before its end")).to_be_visible()
    expect(page.get_by_text("This could not be measured:")).to_be_visible()
    wait_until_idle(page)
    assert _workers() == []
    saved = tmp_path / "saved.json"
    with page.expect_download() as download:
        page.get_by_role("button", name="Save the experiment").click()
    download.value.save_as(saved)
    experiment = experiment_from_json(saved.read_bytes())
    assert experiment.stopped
    saved.write_bytes(experiment_to_json(_clearly_faster(experiment)))
    page.locator('input[type="file"]').last.set_input_files(saved)
    expect(page.get_by_text("8 trials;")).to_have_count(2)
    expect(page.get_by_text("Take optimised on: 1.9").first).to_be_visible()


def _open(page: Page, address: str) -> None:
    page.goto(f"{address}/compare")
    wait_until_idle(page)


def _measure(page: Page, repeats: int) -> None:
    field = page.get_by_role("spinbutton", name="Repeats")
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


def _clearly_faster(experiment: Experiment) -> Experiment:
    """Return the same to its end: the second variant gives the first's answers in half the time."""
    trials = [
        made_trial(place, experiment.photos[0].name, repeat, 200.0 / (1 + place) + repeat)
        for repeat in range(8)
        for place in range(2)
    ]
    plan = replace(experiment.plan, repeats=8)
    return replace(
        experiment,
        plan=plan,
        trials=tuple(trials),
        answers=experiment.answers[:1] * 2,
        failures=(),
        stopped=False,
    )


def _faces(page: Page) -> list[str]:
    return (
        page.locator('[data-testid="stMarkdownContainer"]')
        .filter(has_text="Expected age")
        .all_inner_texts()
    )
