"""The presets in the sidebar: what they fill in, what differs from them, the way back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.results import AgeGroupPrediction, GenderPrediction
from facecore.settings import AnalysisSettings
from facecore.settings.presets import PRESETS, RECOMMENDED, preset_options
from facecore.sources.samples import figures_photo
from tests.pages.conftest import expect_no_error, metrics, visit


def _settings(app: AppTest) -> AnalysisSettings:
    kept: AnalysisSettings = app.session_state["facecore.settings"][0]
    return kept


def _choose(app: AppTest, name: str) -> AppTest:
    return app.sidebar.selectbox(key="preset").set_value(name).run()


def _differs(app: AppTest) -> list[str]:
    return [text for text in app.sidebar.caption.values if text.startswith("Differs from ")]


def test_a_preset_fills_in_all_settings() -> None:
    """After choosing a preset every setting is the preset's, whatever it was, and says so."""
    app = visit(
        "batch",
        engine="opencv",
        confidence="0.9",
        crop_shape="box",
        max_side="none",
        careful="true",
    )
    # The recommended one is chosen at first, so it comes last.
    for name in sorted(PRESETS, key=RECOMMENDED.__eq__):
        _choose(app, name)
        assert _settings(app) == PRESETS[name]
        assert app.session_state["facecore.settings"][1] == preset_options(name)
        assert _differs(app) == []
        expect_no_error(app)
    assert app.query_params == {}


def test_what_differs_from_the_preset_is_said() -> None:
    """A setting that was moved is named with its value and the preset's."""
    app = visit("batch")
    assert _differs(app) == []
    _choose(app, "Crowd")
    app.sidebar.slider(key="confidence").set_value(0.9).run()
    assert _settings(app) == replace(PRESETS["Crowd"], confidence=0.9)
    assert _differs(app) == ["Differs from Crowd: confidence 0.9 (not 0.7)."]
    app.sidebar.select_slider(key="max_side").set_value("640").run()
    assert _differs(app) == [
        "Differs from Crowd: confidence 0.9 (not 0.7), "
        "longest side for detection 640 px (not none)."
    ]


def test_settings_of_a_link_are_told_against_the_recommended_ones() -> None:
    """A link carries the settings themselves, and what they change is said."""
    app = visit("batch", input_size="600", rescue="false")
    assert _differs(app) == [
        "Differs from Recommended: detector input size 600 (not 300), close-up rescue off (not on)."
    ]


def test_reset_goes_back_to_the_recommended_preset() -> None:
    """The reset button takes the preset back as well."""
    app = _choose(visit("batch"), "Article")
    (reset,) = [button for button in app.sidebar.button if button.label == "Reset to defaults"]
    reset.click().run()
    assert _settings(app) == AnalysisSettings()
    assert app.sidebar.selectbox(key="preset").value == RECOMMENDED
    assert app.query_params == {}
    expect_no_error(app)


def test_the_first_sample_is_read_with_each_preset() -> None:
    """Each preset reads the first sample without an error; Crowd finds the small faces too."""
    app = visit()
    for name in PRESETS:
        _choose(app, name)
        assert metrics(app)["Faces"] == ("13" if name == "Crowd" else "8")
        expect_no_error(app)


@pytest.mark.parametrize("limit", ["0.0", "0.6", "0.95"])
def test_unsure_answers_are_marked(analyzer: FaceAnalyzer, limit: str) -> None:
    """Table and card mark the answers that are less probable than asked for, and tell an age."""
    app = visit(unsure_below=limit)
    faces = analyzer.analyze(figures_photo(), annotate=False).faces
    marked = [
        {"gender": face.gender.probability, "age": face.age_group.probability} for face in faces
    ]
    assert app.dataframe[0].value["unsure"].tolist() == [
        ", ".join(name for name, probability in one.items() if probability < float(limit))
        for one in marked
    ]
    (card,) = [text for text in app.markdown.values if text.startswith("**Face ")]
    answers: tuple[GenderPrediction | AgeGroupPrediction, ...]
    answers = (faces[0].gender, faces[0].age_group)
    lines = [line for line in card.splitlines() if "%" in line][:2]
    for line, answer in zip(lines, answers, strict=True):
        assert f"{answer.label}, {answer.probability:.0%}" in line
        assert ("unsure" in line) == (answer.probability < float(limit))
    assert f"Expected age {faces[0].age_group.expected_age:.0f}" in card
    expect_no_error(app)


def test_moving_the_unsure_mark_runs_no_network() -> None:
    """Another threshold for the marks takes everything over and classifies nothing."""
    app = visit()
    app.sidebar.slider(key="unsure_below").set_value(0.9).run()
    assert "Taken over from an earlier run: decode, resize, detect." in app.caption.values
    assert app.session_state["facecore.history"].records()[-1].timings.detect_ms == 0.0
    expect_no_error(app)
