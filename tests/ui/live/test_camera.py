"""The camera's script and its words, which come from here in the reader's language."""

from __future__ import annotations

import re

from facecore.settings import AnalysisSettings
from facecore.ui.live import camera


def test_frames_are_as_large_as_the_larger_of_two_ways_looks_at() -> None:
    """A second setting that looks closer gets what it looks at, within what is ever sent."""
    ways = [AnalysisSettings(max_side_px=side_px) for side_px in (640, 1000, None)]
    assert camera.longest_side_px(ways[:1]) == 640
    assert camera.longest_side_px(ways[:2]) == 1000
    assert camera.longest_side_px(ways) == 1280


def test_each_word_of_the_script_is_there_and_none_is_left_over() -> None:
    """A sentence that nobody wrote would be "undefined" on the page, at the worst moment."""
    script = "\n".join(
        (camera._FOLDER / name).read_text(encoding="utf-8") for name in camera._SCRIPTS
    )
    asked = set(re.findall(r'words\.(\w+)|button\("(\w+)"|, "(empty)"\]', script))
    refusals = script.partition("function refusal")[2].partition("\n}")[0]
    asked |= {(name,) for name in re.findall(r'(?:return|\?|:) "(\w+)"', refusals)}
    tiles = script.partition("const TILES")[2].partition("\n];")[0]
    asked |= {(name,) for name in re.findall(r'name: "(\w+)"', tiles)}
    sources = {f"{kind}_on" for kind in re.findall(r'start\("(\w+)"', script)}
    names = {name for found in asked for name in found if name} | sources
    assert names - {"figures", "scales"} == set(camera._WORDS)
    lines = set(re.findall(r"(\w+): \(s\)", tiles)) | {"rest"}
    stages = re.search(r"STAGES = \[(.*)\]", script)
    assert stages is not None
    assert lines | set(re.findall(r"\w+", stages[1])) == set(camera._FIGURES)
    assert set(re.findall(r'name: "(\w+)"', tiles)) == set(camera._SCALES)
