"""What was chosen on a page answers elsewhere: command, HTTP API, and a container's environment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Page, expect

from facecore.profiles.configuration import configuration
from facecore.profiles.profile import read_profile
from facecore.sources.samples import samples
from tests.browser.server import wait_until_idle
from tests.cli.conftest import in_process, json_lines
from tests.server import server_process

pytestmark = pytest.mark.browser


def _download(page: Page, label: str, path: Path) -> Path:
    with page.expect_download() as download:
        page.get_by_role("button", name=label).click()
    download.value.save_as(path)
    return path


def _choose_preset(page: Page, name: str) -> None:
    box = page.get_by_test_id("stSidebar").get_by_test_id("stSelectbox").filter(has_text="Preset")
    box.locator("input").click()
    page.get_by_role("option", name=name).click()
    wait_until_idle(page)


def test_what_tune_chose_is_what_server_and_command_answer(
    page: Page, server: str, tmp_path: Path
) -> None:
    """Preset and threshold go by file to ``serve`` and ``analyze``, which answer as the page."""
    page.goto(f"{server}/tune?profile=Door")
    wait_until_idle(page)
    _choose_preset(page, "Crowd")
    slider = (
        page.get_by_test_id("stSlider").filter(has_text="Threshold to try").get_by_role("slider")
    )
    for _ in range(10):
        slider.press("ArrowRight")
    wait_until_idle(page)
    page.get_by_role("button", name="Use this threshold").click()
    wait_until_idle(page)
    page.get_by_text("Take these settings along").click()
    profile = _download(page, "Download as a profile", tmp_path / "Door.toml")
    given = configuration(profile=read_profile(profile), environment={})
    assert (given.name, given.preset, given.settings.confidence) == ("Door", "Crowd", 0.8)

    page.keyboard.press("Escape")
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Analyze").click()
    expect(page.get_by_role("heading", name="Analyze", level=1)).to_be_visible()
    wait_until_idle(page)
    query = {"preset=Crowd", "confidence=0.8", "profile=Door"}
    assert query <= set(page.url.partition("?")[2].split("&"))
    answer = json.loads(_download(page, "JSON", tmp_path / "page.json").read_text())
    assert answer["faces"]

    photo = tmp_path / samples()[0].name
    photo.write_bytes(samples()[0].read())
    (read,) = json_lines(in_process("analyze", photo, "--json", "--settings", profile).stdout)
    assert read["faces"] == answer["faces"]
    container = {"FACECORE_SETTINGS": str(profile)}
    assert configuration(environment=container).settings == given.settings
    files = {"image": (photo.name, photo.read_bytes())}
    with server_process(tmp_path / "server.log", environment=container) as serving:
        sent = requests.post(f"{serving.address}/predict", files=files, timeout=120).json()
    keys = ("bbox", "confidence", "gender")
    assert [[face[key] for key in keys] for face in sent["results"]] == [
        [face["box_xyxy"], round(face["confidence"], 4), face["gender"]] for face in answer["faces"]
    ]
