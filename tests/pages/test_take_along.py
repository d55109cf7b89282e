"""Settings on their way: a link that names a preset, a profile that is dropped, or taken along."""

from __future__ import annotations

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from facecore.experiment.storage import experiment_to_json
from facecore.serving.service import process_service
from facecore.settings import AnalysisSettings, RuntimeOptions
from facecore.settings.presets import PRESETS
from tests.experiment.conftest import MadeExperiment
from tests.pages.conftest import expect_no_error, forget_service, go_to, visit

LOBBY = """
name = "Lobby"
preset = "Crowd"
confidence = 0.555
max_side_px = 700
engine = "opencv"
[runtime]
threads = 1
[server]
queue_limit = 5
"""


def _settings(app: AppTest) -> AnalysisSettings:
    kept: AnalysisSettings = app.session_state["facecore.settings"][0]
    return kept


def _drop(app: AppTest, text: str) -> AppTest:
    uploader = app.file_uploader(key="profile_file")
    return uploader.set_value([("lobby.toml", text.encode(), "application/toml")]).run()


def _link(app: AppTest) -> dict[str, str]:
    return {
        name: text if isinstance(text, str) else text[-1] for name, text in app.query_params.items()
    }


@pytest.mark.parametrize("linked", ["Crowd", "crowd"])
def test_a_link_names_a_preset(linked: str) -> None:
    """The preset fills the controls, what the link says beside it counts, and both stay in it."""
    app = visit("batch", preset=linked, input_size="300", confidence="0.6", profile="Lobby")
    assert _settings(app) == replace(PRESETS["Crowd"], input_size_px=300, confidence=0.6)
    go_to(app, "Tune")
    assert _settings(app) == replace(PRESETS["Crowd"], input_size_px=300, confidence=0.6)
    assert _link(app) == {
        "preset": "Crowd",
        "input_size": "300",
        "confidence": "0.6",
        "profile": "Lobby",
    }
    app.sidebar.selectbox(key="preset").set_value("Recommended").run()
    assert _link(app) == {"profile": "Lobby"}
    expect_no_error(app)


def test_an_unknown_value_of_a_link_is_told() -> None:
    """Each has a sentence of its own on the page, once; the others count."""
    app = visit("batch", preset="best", confidence="7", engine="x", careful="true")
    assert _settings(app) == AnalysisSettings(careful=True)
    told = [text.replace("\\", "") for text in app.main.warning.values]
    assert told[0] == "The link: There is no preset 'best': use one of " + ", ".join(PRESETS) + "."
    assert told[1] == (
        "The link's confidence is passed over. "
        'The setting "confidence" must be a number from 0 to 1, not 7.0.'
    )
    assert len(told) == 3
    assert told[2].startswith("The link's engine is passed over. The engine must be one of auto, ")
    app.run()
    assert list(app.main.warning.values) == []


def test_a_dropped_profile_fills_the_sidebar() -> None:
    """All that controls show is the profile's; what is wrong with a file is told with its line."""
    app = _drop(visit("batch", careful="true"), LOBBY)
    crowd = replace(PRESETS["Crowd"], confidence=0.555, max_side_px=700)
    assert app.session_state["facecore.settings"] == (
        crowd,
        RuntimeOptions(engine="opencv", threads=1),
    )
    assert app.sidebar.text_input(key="profile").value == "Lobby"
    assert _link(app)["preset"] == "Crowd"
    _drop(app, "preset = 'Careful'\nconfidence = 2")
    assert [text.replace("\\", "") for text in app.main.warning.values] == [
        'lobby.toml, line 2: The setting "confidence" must be a number from 0 to 1, not 2.'
    ]
    assert _settings(app) == crowd
    _drop(app, "engine = 'opencv'\n[runtime]\nwinograd = false")
    (note,) = app.main.warning.values
    assert "would act on all visitors" in note
    assert _settings(app) == AnalysisSettings()
    expect_no_error(app)


def test_pages_begin_with_the_server_s_profile(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its settings are what a visitor finds, and what reset goes back to; no link tells them."""
    path = tmp_path_factory.mktemp("profile") / "lobby.toml"
    path.write_text(LOBBY)
    monkeypatch.setenv("FACECORE_SETTINGS", str(path))
    forget_service()
    try:
        begins = process_service().begins
        app = visit("batch")
        assert app.session_state["facecore.settings"] == (begins.settings, begins.options)
        assert begins.settings.confidence == 0.555
        assert _link(app) == {}
        app.sidebar.selectbox(key="preset").set_value("Careful").run()
        assert _settings(app) == PRESETS["Careful"]
        (reset,) = [button for button in app.sidebar.button if button.label == "Reset to defaults"]
        reset.click().run()
        assert app.session_state["facecore.settings"] == (begins.settings, begins.options)
        assert _link(app) == {}
        expect_no_error(app)
    finally:
        forget_service()


def test_a_variant_fills_the_sidebar(made: MadeExperiment) -> None:
    """What was measured is used with a click, or downloaded; what no control holds is told."""
    app = visit("compare")
    file = ("a.json", experiment_to_json(made()), "application/json")
    app.file_uploader(key="experiment_files").set_value([file]).run()
    app.main.selectbox(key="taken_variant").set_value("schnell é").run()
    assert "Download as a profile" in [one.label for one in app.main.download_button]
    (use,) = [button for button in app.main.button if button.label == "Use this variant"]
    use.click().run()
    options = RuntimeOptions(engine="opencv", threads=1)
    assert app.session_state["facecore.settings"] == (AnalysisSettings(), options)
    assert app.sidebar.text_input(key="profile").value == "schnell é"
    knobs, process = app.main.warning.values
    assert "fusion would act on all visitors" in knobs
    assert "are left out" in process
    assert app.exception.values == []


def test_the_command_says_what_the_sidebar_says() -> None:
    """The command to copy has the preset and what differs from it, and the file's name."""
    app = visit("batch", preset="Crowd", confidence="0.55", profile="Lobby 1/2")
    (code,) = app.sidebar.code.values
    assert code.splitlines() == [
        "facecore serve --settings Lobby-1-2.toml",
        "facecore analyze PHOTO --preset Crowd --confidence 0.55",
    ]
    assert "Download as a profile" in [one.label for one in app.sidebar.download_button]
