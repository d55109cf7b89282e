"""A real Chromium to look at the real dashboard."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from tests.server import running_server

__all__ = ["chromium_path", "opened_tab", "running_browser", "running_server", "wait_until_idle"]

DESKTOP_PX: ViewportSize = {"width": 1400, "height": 1000}
PAGE_TIMEOUT_MS = 120_000
"""How long a test waits for what must come; only a failure takes so long."""

expect.set_options(timeout=PAGE_TIMEOUT_MS)

_CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Without these Chromium looks for its maker's hosts; as root it needs no-sandbox.
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)


def chromium_path() -> str | None:
    """Return the path of an installed Chromium; ``CHROMIUM`` in the environment goes first."""
    named = os.environ.get("CHROMIUM")
    return named or next(filter(None, map(shutil.which, _CHROMIUM_NAMES)), None)


@contextmanager
def running_browser(executable_path: str, *flags: str) -> Iterator[Browser]:
    """Start Chromium without a window, with further flags of its command."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable_path, args=[*CHROMIUM_FLAGS, *flags]
        )
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened_tab(browser: Browser) -> Iterator[Page]:
    """Open a visitor's tab, with nothing of other visitors in it."""
    # Nothing that moves by itself: without a graphics card each frame of it is drawn by the CPU.
    context = browser.new_context(viewport=DESKTOP_PX, reduced_motion="reduce")
    context.set_default_timeout(PAGE_TIMEOUT_MS)
    try:
        yield context.new_page()
    finally:
        context.close()


def wait_until_idle(page: Page) -> None:
    """Wait until the page's script has run to its end and nothing on it is stale."""
    # Before its title is there, the script may not have begun.
    expect(page.locator("h1")).to_be_visible(timeout=PAGE_TIMEOUT_MS)
    app = page.locator(".stApp")
    expect(app).to_have_attribute("data-test-script-state", "notRunning")
    expect(page.locator('[data-testid="stSpinner"]')).to_have_count(0)
    expect(page.locator('[data-stale="true"]')).to_have_count(0)
