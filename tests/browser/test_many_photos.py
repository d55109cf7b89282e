"""Many photos in a real browser: a gallery that opens, files that are refused, the clipboard."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from facecore.sources.samples import samples
from tests.browser.server import wait_until_idle
from tests.sources.odd_files import read_files, refused_files

pytestmark = pytest.mark.browser

PORTRAIT = samples()[-1].read()
TOO_LARGE_BYTES = 50 * 2**20 + 1
PASTE = """(base64) => {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const clipboardData = new DataTransfer();
    clipboardData.items.add(new File([bytes], "image.jpg", {type: "image/jpeg"}));
    document.body.dispatchEvent(new ClipboardEvent("paste", {clipboardData, bubbles: true}));
}"""


def _drop(page: Page, files: dict[str, bytes]) -> None:
    payloads: list[Any] = [
        {"name": name, "mimeType": "application/octet-stream", "buffer": data}
        for name, data in files.items()
    ]
    page.locator('input[type="file"]').first.set_input_files(payloads)


def _faces(page: Page) -> Any:
    metric = page.get_by_test_id("stMetric").filter(has_text="Faces")
    return metric.get_by_test_id("stMetricValue").first


def test_a_thumbnail_opens_its_photo_and_the_clipboard_is_taken(
    page: Page, server: str, tmp_path: Path
) -> None:
    """The picture itself is what one clicks on; odd files around it each have their sentence.

    So has what the browser does not even send; a copied picture comes in by paste.
    """
    page.goto(server)
    wait_until_idle(page)
    refused = refused_files()
    odd = {name: data for name, (data, _) in refused.items()} | {"<b>bad</b>.png": b"no picture"}
    _drop(page, {"faces.png": samples()[0].read(), **odd, **read_files(), "one.jpg": PORTRAIT})
    expect(page.get_by_text("11 of 21 photos could be read")).to_be_visible()
    wait_until_idle(page)
    expect(_faces(page)).to_have_text("1")
    told = page.get_by_test_id("stAlertContentError")
    for name, (_, part) in refused.items():
        expect(told).to_contain_text(name)
        expect(told).to_contain_text(part)
    expect(told).to_contain_text("<b>bad</b>.png")
    # The picture's middle, over which the button lies.
    page.locator('[class*="st-key-tile_"]').first.click()
    expect(_faces(page)).to_have_text("8")
    expect(page.locator(".st-key-opened")).to_be_in_viewport()
    wait_until_idle(page)
    page.get_by_role("button", name="Remove my 21 photos").click()
    expect(page.get_by_text("photos could be read")).to_have_count(0)
    expect(page.get_by_test_id("stFileChip")).to_have_count(0)
    wait_until_idle(page)
    film = tmp_path / "film.jpg"
    film.touch()
    os.truncate(film, TOO_LARGE_BYTES)
    page.locator('input[type="file"]').first.set_input_files(film)
    said = page.get_by_text("film.jpg is larger than 50 MB, the most that one file may have")
    expect(said).to_be_visible()
    page.evaluate(PASTE, base64.b64encode(PORTRAIT).decode())
    expect(page.get_by_test_id("stFileChip").filter(has_text="image.jpg")).to_be_visible()
    expect(_faces(page)).to_have_text("1")
    wait_until_idle(page)
    page.get_by_role("button", name="Remove film.jpg").click()
    expect(said).to_have_count(0)
