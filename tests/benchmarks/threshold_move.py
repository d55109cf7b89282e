"""How long after a key press on the confidence slider the page is up to date.

``python -m tests.benchmarks.threshold_move [MOVES]`` starts the dashboard and a
Chromium, moves the slider of the first sample back and forth, and prints the
median and the slowest time from the key press to the new run's number, photo and
cards on the page with its script at rest.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

from tests.browser.server import chromium_path, running_browser, running_server, wait_until_idle

_UNTIL_NEW_RUN = """(before) => new Promise((resolve) => {
    const started = performance.now();
    const look = () => {
        const app = document.querySelector('.stApp');
        const caption = [...document.querySelectorAll('[data-testid="stCaptionContainer"]')]
            .map((element) => element.textContent).find((text) => text.startsWith('Run '));
        const rests = app.getAttribute('data-test-script-state') === 'notRunning';
        const stale = document.querySelector('[data-stale="true"]');
        if (caption && caption !== before && rests && !stale) {
            resolve(performance.now() - started);
        } else {
            requestAnimationFrame(look);
        }
    };
    look();
})"""


def main() -> None:
    """Print what was measured."""
    moves = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    chromium = chromium_path()
    if chromium is None:
        sys.exit("error: Chromium was not found: install it or name it in CHROMIUM.")
    with (
        tempfile.TemporaryDirectory() as scratch,
        running_server(Path(scratch) / "server.log") as address,
        running_browser(chromium) as browser,
    ):
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.goto(address)
        wait_until_idle(page)
        slider = page.get_by_test_id("stSlider").filter(has_text="Confidence").get_by_role("slider")
        slider.focus()
        times_ms = []
        for move in range(moves):
            caption = page.get_by_text("of this session").inner_text()
            key = "ArrowRight" if move % 20 < 10 else "ArrowLeft"
            slider.evaluate(
                "(e, key) => setTimeout(() => e.dispatchEvent(new KeyboardEvent("
                "'keydown', {key, code: key, bubbles: true})), 0)",
                key,
            )
            times_ms.append(page.evaluate(_UNTIL_NEW_RUN, caption))
        print(
            f"n = {moves}, median {statistics.median(times_ms):.0f} ms, "
            f"slowest {max(times_ms):.0f} ms"
        )


if __name__ == "__main__":
    main()
