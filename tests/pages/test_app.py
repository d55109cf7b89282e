"""The entry: every page opened first, settings in the link, errors as sentences."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from facecore.settings import AnalysisSettings, RuntimeOptions
from facecore.ui.monitor.live import LIVE_SAMPLES
from tests.pages.conftest import expect_no_error, go_to, metrics, visit

DEFAULTS = {
    "confidence": 0.7,
    "max_side": "800",
    "input_shape": "aspect",
    "input_size": "300",
    "drop_outside": True,
    "rescue": True,
    "max_faces": 200,
    "crop_margin": 0.2,
    "crop_shape": "square",
    "crop_source": "full",
    "careful": False,
    "unsure_below": 0.6,
    "reduced_decode": False,
    "batch_faces": True,
    "threads": "auto",
}
# By key: what a link says, and what the control then holds.
OTHERS: dict[str, tuple[str, object]] = {
    "confidence": ("0.9", 0.9),
    "max_side": ("none", "none"),
    "input_shape": ("square", "square"),
    "input_size": ("600", "600"),
    "drop_outside": ("false", False),
    "rescue": ("false", False),
    "max_faces": ("3", 3),
    "crop_margin": ("0.5", 0.5),
    "crop_shape": ("box", "box"),
    "crop_source": ("capped", "capped"),
    "careful": ("true", True),
    "unsure_below": ("0.8", 0.8),
    "reduced_decode": ("true", True),
    "batch_faces": ("false", False),
    "threads": ("1", "1"),
}
NONSENSE = {
    "confidence": ["", "abc", "nan", "7", "-1"],
    "max_side": ["9", "most"],
    "max_faces": ["-3", "0", "201", "many"],
    "crop_margin": ["inf", "9"],
    "crop_shape": ["round", "<b>", ""],
    "input_shape": ["round", ""],
    "input_size": ["301", "many"],
    "rescue": ["maybe"],
    "reduced_decode": ["2", ""],
    "crop_source": ["<b>", ""],
    "unsure_below": ["nan", "2"],
    "threads": ["999", "-1"],
    "model_set": ["ancient", ""],
}


def _controls(app: AppTest) -> dict[str, object]:
    """Return what the sidebar's controls hold."""
    return {key: app.session_state[key] for key in DEFAULTS}


def _settings(app: AppTest) -> tuple[AnalysisSettings, RuntimeOptions]:
    """Return what the page was drawn with."""
    kept: tuple[AnalysisSettings, RuntimeOptions] = app.session_state["facecore.settings"]
    return kept


def test_the_way_through_all_pages_has_no_error() -> None:
    """A visitor can go from page to page and back."""
    app = visit()
    for title in ("Monitor", "Models", "Analyze"):
        expect_no_error(go_to(app, title))


def test_settings_start_at_the_defaults() -> None:
    """Without a link's settings the sidebar shows the library's own defaults."""
    app = visit("batch")
    assert _controls(app) == DEFAULTS
    assert _settings(app) == (AnalysisSettings(), RuntimeOptions())
    assert app.query_params == {}
    (reset,) = [button for button in app.sidebar.button if button.label == "Reset to defaults"]
    assert reset.disabled


def test_link_sets_every_setting_and_reset_takes_them_back() -> None:
    """A link carries all settings; the reset button restores each and empties the link."""
    app = visit("batch", **{key: text for key, (text, _) in OTHERS.items()})
    assert _controls(app) == {key: value for key, (_, value) in OTHERS.items()}
    assert _settings(app) == (
        AnalysisSettings(
            confidence=0.9,
            max_side_px=None,
            input_shape="square",
            input_size_px=600,
            drop_outside=False,
            rescue=False,
            max_faces=3,
            crop_margin_ratio=0.5,
            crop_shape="box",
            crop_source="capped",
            careful=True,
            unsure_below=0.8,
            reduced_decode=True,
            batch_faces=False,
        ),
        RuntimeOptions(threads=1),
    )
    (reset,) = [button for button in app.sidebar.button if button.label == "Reset to defaults"]
    reset.click().run()
    assert _controls(app) == DEFAULTS
    assert app.query_params == {}
    expect_no_error(app)


@pytest.mark.parametrize("linked", ["modern", "MODERN", "Modern"])
def test_link_names_the_networks_in_any_case_and_is_written_with_their_key(linked: str) -> None:
    """The set stays chosen on the way to another page, and the article's is not in the link."""
    app = visit("batch", model_set=linked)
    assert app.sidebar.radio(key="model_set").value == "modern"
    assert app.query_params["model_set"] in ("modern", ["modern"])
    app.switch_page("pages/tune.py").run()
    assert app.sidebar.radio(key="model_set").value == "modern"
    app.sidebar.radio(key="model_set").set_value("article").run()
    assert "model_set" not in app.query_params
    expect_no_error(app)


def test_nonsense_in_a_link_is_passed_over() -> None:
    """Values that controls cannot hold leave them at their defaults, with a sentence each."""
    for number in range(max(map(len, NONSENSE.values()))):
        query = {key: texts[number] for key, texts in NONSENSE.items() if number < len(texts)}
        app = visit("batch", **query)
        assert _controls(app) == DEFAULTS, query
        assert len(app.main.warning.values) == len(query), query
        expect_no_error(app)


def test_settings_hold_from_page_to_page() -> None:
    """What was set on one page counts on the next, and the other way round."""
    app = visit("batch")
    app.sidebar.slider(key="confidence").set_value(0.99).run()
    # Which has no settings: nothing on it would change with them.
    go_to(app, "Monitor")
    assert len(app.sidebar.slider) == 0
    go_to(app, "Analyze")
    assert app.sidebar.slider(key="confidence").value == 0.99
    assert metrics(app)["Faces"] == "3"


@pytest.mark.parametrize("address", ["", "models"])
def test_unusable_networks_are_one_sentence(address: str, not_a_folder: Path) -> None:
    """Where no network can be loaded, the page says once why and what to do."""
    app = visit(address)
    assert app.error.values == [
        f"FACECORE_MODELS_DIR names {not_a_folder}, which is not a folder: correct it or unset it."
    ]
    assert app.exception.values == []
    assert app.sidebar.subheader.values == ["Settings"]


def test_monitor_needs_no_networks(not_a_folder: Path) -> None:
    """The Monitor works where no network can be loaded."""
    assert not not_a_folder.exists()
    expect_no_error(visit("monitor"))


def test_mended_networks_are_found_without_a_restart(
    not_a_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the cause is gone, running the page again is enough."""
    app = visit()
    assert str(not_a_folder) in app.error[0].value
    monkeypatch.delenv("FACECORE_MODELS_DIR")
    app.run()
    expect_no_error(app)
    assert metrics(app)["Faces"] == "8"


def test_live_strip_remembers_a_minute_at_most() -> None:
    """However long the page is open, the strip keeps a bounded number of samples."""
    app = visit("monitor")
    kept = app.session_state["facecore.live"]
    assert len(kept) == 1
    assert kept.maxlen == LIVE_SAMPLES == 60
