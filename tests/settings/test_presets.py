"""Named settings and what they are."""

from __future__ import annotations

import pytest

from facecore.errors import SettingsError
from facecore.settings import AnalysisSettings
from facecore.settings.presets import PRESETS, RECOMMENDED, preset

EXPECTED = {
    "Recommended": AnalysisSettings(),
    "Article": AnalysisSettings(
        confidence=0.7,
        max_side_px=800,
        input_shape="square",
        input_size_px=300,
        drop_outside=False,
        rescue=False,
        closer_look="never",
        orientation="never",
        crop_margin_ratio=0.0,
        crop_shape="box",
        crop_source="capped",
        careful=False,
        calibrated=False,
        reduced_decode=False,
        batch_faces=False,
    ),
    "Crowd": AnalysisSettings(max_side_px=None, input_size_px=900),
    "Careful": AnalysisSettings(careful=True),
    "Aligned": AnalysisSettings(aligned=True),
}


def test_presets_are_the_documented_ones() -> None:
    """Each preset has its name, its place and its settings."""
    assert PRESETS == EXPECTED
    assert list(PRESETS) == list(EXPECTED)
    assert len(set(PRESETS.values())) == len(PRESETS)


def test_recommended_is_the_default() -> None:
    """Whoever chooses nothing gets what is recommended."""
    assert preset(RECOMMENDED) == AnalysisSettings()
    assert next(iter(PRESETS)) == RECOMMENDED


@pytest.mark.parametrize("name", ["Article", "article", "ARTICLE"])
def test_a_presets_name_may_be_written_in_any_case(name: str) -> None:
    """Upper and lower case are the same."""
    assert preset(name) == EXPECTED["Article"]


@pytest.mark.parametrize("name", ["", "none", "Recommended ", "art"])
def test_an_unknown_preset_is_refused_with_those_there_are(name: str) -> None:
    """A name that is no preset's is quoted in one line, with those to choose from."""
    with pytest.raises(SettingsError) as caught:
        preset(name)
    message = str(caught.value)
    assert repr(name) in message
    assert all(known in message for known in PRESETS)
    assert "\n" not in message
