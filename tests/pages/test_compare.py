"""The Compare page: choosing variants, measuring, showing, saving and loading."""

from __future__ import annotations

import re
import time
from dataclasses import replace

from streamlit.testing.v1 import AppTest

from facecore.experiment.background import BackgroundExperiment
from facecore.experiment.claims import claims
from facecore.experiment.record import Plan
from facecore.experiment.storage import experiment_to_json
from facecore.experiment.variants import Variant
from facecore.sources.samples import samples
from facecore.ui.compare.state import MAX_EXPERIMENTS
from tests.experiment.conftest import MadeExperiment
from tests.pages.conftest import expect_no_error, go_to, visit

WAIT_S = 300
PORTRAIT = samples()[2].title
"""One face, where how many there are proves nothing."""


def _variants(app: AppTest) -> list[str]:
    kept: tuple[Variant, ...] = app.session_state["facecore.variants"]
    return [variant.name for variant in kept]


def _button(app: AppTest, label: str) -> None:
    next(button for button in app.button if button.label == label).click().run()


def _texts(app: AppTest) -> str:
    parts = (app.text, app.markdown, app.caption, app.info, app.warning, app.error, app.header)
    return "\n".join(str(value) for part in parts for value in part.values)


def _start(app: AppTest, repeats: int) -> BackgroundExperiment:
    app.number_input(key="compare_repeats").set_value(repeats).run()
    _button(app, "Measure 2 variants on 1 photo")
    running: BackgroundExperiment = app.session_state["facecore.running"]
    return running


def _load(app: AppTest, files: dict[str, bytes]) -> AppTest:
    chosen = [(name, data, "application/json") for name, data in files.items()]
    app.file_uploader(key="experiment_files").set_value(chosen)
    return app.run()


def _tables(app: AppTest) -> list[str]:
    return [frame.value.to_csv() for frame in app.dataframe]


def test_nothing_is_measured_before_somebody_asks() -> None:
    """A first visit offers two variants, and says that nothing was measured."""
    app = visit("compare")
    expect_no_error(app)
    assert app.title.values == ["Compare"]
    assert len(_variants(app)) == 2
    assert "Nothing yet." in app.caption.values
    assert app.session_state["facecore.running"] is None


def test_each_comparison_brings_its_variants() -> None:
    """Each ready-made comparison can be chosen, and shows what differs and what is known of it."""
    app = visit("compare")
    # The first one is chosen when the page is opened.
    for claim in reversed(claims()):
        app.selectbox(key="comparison").set_value(claim.key).run()
        expect_no_error(app)
        assert _variants(app) == [one.name for one in claim.variants]
        known = [text for text in app.markdown.values if "facecore compare" in text]
        assert known == ([claim.measured_before()] if claim.says else [])


def test_variants_are_added_and_removed_within_bounds() -> None:
    """Two to eight, each with a name of its own; then the comparison is one's own."""
    app = visit("compare", confidence="0.5")
    _button(app, "Add the settings of the sidebar")
    _button(app, "Add a copy of the baseline")
    assert _variants(app) == ["optimised off", "optimised on", "sidebar", "copy of optimised off"]
    assert app.selectbox(key="comparison").value == "own"
    assert "confidence 0.5 (not 0.7)" in _texts(app)
    labels = ("Add the settings of the sidebar", "Add a copy of the baseline")
    for _ in range(4):
        _button(app, labels[0])
    assert all(button.disabled for button in app.button if button.label in labels)
    for place in (7, 6, 5, 4, 1, 0):
        app.button(key=f"remove_{place}").click().run()
    assert _variants(app) == ["sidebar", "copy of optimised off"]
    assert app.button(key="remove_0").disabled
    expect_no_error(app)


def test_the_form_remembers_itself_while_another_page_is_open() -> None:
    """How long is measured and by which seed is as it was when one comes back."""
    app = visit("compare")
    app.segmented_control(key="compare_how_long").set_value("seconds").run()
    app.number_input(key="compare_seconds").set_value(45).run()
    app.number_input(key="compare_seed").set_value(7).run()
    app.selectbox(key="comparison").set_value("winograd").run()
    go_to(app, "Models")
    go_to(app, "Compare")
    expect_no_error(app)
    assert app.segmented_control(key="compare_how_long").value == "seconds"
    assert app.number_input(key="compare_seconds").value == 45
    assert app.number_input(key="compare_seed").value == 7
    assert _variants(app) == ["Winograd off", "Winograd on"]


def test_labels_are_a_column_and_stay(made: MadeExperiment) -> None:
    """With a table of labels each variant has its right answers, on another visit as well."""
    app = _load(visit("compare"), {"a.json": experiment_to_json(made())})
    table = b"file,gender\na.jpg,Female\nb.jpg,x\n"
    app.file_uploader(key="compare_labels").set_value([("l.csv", table, "text/csv")]).run()
    assert app.exception.values == []
    assert app.caption.values.count("Gender right: 1 of 1, 100 %.") == 2
    assert any("neither Male nor Female" in text for text in app.text.values)
    go_to(app, "Models")
    go_to(app, "Compare")
    assert app.caption.values.count("Gender right: 1 of 1, 100 %.") == 2
    _button(app, "Remove them")
    assert not any("Gender right" in text for text in app.caption.values)


def test_a_variant_is_given_a_preset_and_other_networks() -> None:
    """The form of a variant starts from a preset, explains each setting, and is taken over."""

    def form() -> None:
        import streamlit as st

        from facecore.experiment.variants import Variant
        from facecore.ui.compare.form import variant_form

        changed = variant_form(Variant(name="mine"), 0)
        if changed:
            st.text(f"{changed.options.model_set} {changed.settings.careful}")

    app = AppTest.from_function(form).run()
    app.selectbox(key="start_0").set_value("Careful").run()
    assert all(one.help for one in (*app.toggle, *app.radio, *app.selectbox, *app.number_input))
    networks = app.radio(key="model_set_0_Careful")
    assert networks.options == ["Article 2015", "Modern"]
    networks.set_value("Modern")
    _button(app, "Use these settings")
    expect_no_error(app)
    assert app.text.values == ["modern True"]


def test_an_experiment_is_measured_shown_saved_and_loaded_the_same() -> None:
    """What a saved experiment shows in another session is what it showed when it was measured."""
    app = visit("compare", sample=PORTRAIT)
    running = _start(app, repeats=2)
    assert app.session_state["facecore.running"] is running
    assert any(button.label == "Stop" for button in app.button)
    assert running.wait(WAIT_S)
    app.run()
    expect_no_error(app)
    assert app.session_state["facecore.running"] is None
    assert "Baseline" in _texts(app)
    assert "The article says that optimised code" in app.info.values[0]
    assert len(app.get("plotly_chart")) == 5
    assert app.caption.values.count("1 face.") == 2
    assert running.result is not None
    other = _load(visit("compare"), {"saved.json": experiment_to_json(running.result)})
    expect_no_error(other)
    assert _tables(other) == _tables(app)
    assert other.info.values == app.info.values
    charts = [[chart.proto.spec for chart in one.get("plotly_chart")] for one in (app, other)]
    assert charts[0] == charts[1]
    # The loaded one goes on there, as its photo is a sample.
    next(one for one in other.number_input if one.label == "More repeats").set_value(1).run()
    _button(other, "Measure 1 more pair")
    more: BackgroundExperiment = other.session_state["facecore.running"]
    assert more.wait(WAIT_S)
    other.run()
    expect_no_error(other)
    (shown,) = other.session_state["facecore.experiments"].items()
    assert (shown[0], len(shown[1].experiment.trials)) == ("saved.json", 6)


def test_an_experiment_goes_on_while_another_page_is_open_and_can_be_stopped() -> None:
    """The sidebar tells of it on other pages, answers there stay, and Stop keeps what there is."""
    app = visit("compare", sample=PORTRAIT)
    running = _start(app, repeats=500)
    go_to(app, "Analyze")
    expect_no_error(app)
    assert any("Compare: " in text for text in app.sidebar.caption.values)
    deadline = time.monotonic() + WAIT_S
    while not running.progress.trials and time.monotonic() < deadline:
        time.sleep(0.1)
    go_to(app, "Compare")
    assert re.search(r"trials, about \d+:", app.get("progress")[0].proto.text)
    _button(app, "Stop")
    assert running.wait(WAIT_S)
    app.run()
    expect_no_error(app)
    assert any("stopped before its end" in text for text in app.warning.values)
    assert running.result is not None
    assert running.result.trials


def test_a_file_that_is_no_experiment_costs_only_itself(made: MadeExperiment) -> None:
    """It is named with a sentence; the good file beside it is shown."""
    good = experiment_to_json(made())
    files = {"<b>bad</b>.json": b"{}", "cut.json": good[:500], "good.json": good}
    app = _load(visit("compare"), files)
    assert app.exception.values == []
    assert [text for text in app.text.values if "no saved experiment" in text] == [
        text for text in app.text.values if text.startswith(("<b>bad</b>.json: ", "cut.json: "))
    ]
    assert len(app.error.values) >= 2
    assert app.selectbox(key="shown_experiment").value == "good.json"


def test_experiments_from_elsewhere_stand_in_one_table(made: MadeExperiment) -> None:
    """Several loaded experiments are compared in a table that says where each was measured."""
    files = {
        f"{number}.json": experiment_to_json(made(measured_s=1.0 + number)) for number in (1, 2)
    }
    app = _load(visit("compare"), files)
    table = app.dataframe[-1].value
    assert sorted(set(table["experiment"])) == ["1.json", "2.json"]
    assert set(table["processor"]) == {"Processor of the tests"}


def test_a_session_keeps_the_newest_experiments(made: MadeExperiment) -> None:
    """More than a session keeps are loaded: the first make room."""
    files = {
        f"{number}.json": experiment_to_json(made(measured_s=1.0 + number))
        for number in range(MAX_EXPERIMENTS + 2)
    }
    app = _load(visit("compare"), files)
    kept = list(app.session_state["facecore.experiments"])
    assert kept == [f"{number}.json" for number in range(2, MAX_EXPERIMENTS + 2)]


def test_names_from_a_file_are_text(made: MadeExperiment) -> None:
    """A variant whose name is HTML and Markdown is shown as it is, and nowhere as markup."""
    name = "<img src=x onerror=alert(1)> **b**"
    plan = made().plan
    variants = (Variant(name=name), plan.variants[1])
    app = _load(
        visit("compare"),
        {"evil.json": experiment_to_json(made(plan=type(plan)(variants=variants)))},
    )
    assert name in app.text.values
    markup = [*app.markdown.values, *app.caption.values, *app.info.values]
    assert not any("<img" in str(text) for text in markup)
    specs = "".join(chart.proto.spec for chart in app.get("plotly_chart"))
    assert "<img" not in specs


def test_sentences_with_words_from_a_file_are_text(made: MadeExperiment) -> None:
    """Neither a claim's sentence nor that about the machine makes Markdown of a file's words."""
    picture = "![x](http://elsewhere.example/x.png)"
    claim = next(claim for claim in claims() if claim.key == "optimised")
    variants = (replace(claim.variants[0], name=picture), claim.variants[1])
    experiment = made(
        plan=Plan(variants=variants), environment=replace(made().environment, processor=picture)
    )
    app = _load(visit("compare"), {"evil.json": experiment_to_json(experiment)})
    (sentence,) = app.info.values
    assert "The article says" in sentence
    assert r"\!\[x\]\(http" in sentence
    assert any(r"on \!\[x\]\(http" in text for text in app.caption.values)
    assert not any(picture in text for text in (*app.info.values, *app.caption.values))
