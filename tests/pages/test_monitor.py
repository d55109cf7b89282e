"""The Monitor page: the runs of the session, and what happens now."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.conftest import expect_no_error, go_to, metrics, upload, visit

NO_RUNS = "No runs yet: open Analyze and come back."
LIVE = ["Process CPU", "Process memory", "System CPU", "System memory"]


def _button(app: AppTest, label: str) -> None:
    (button,) = [button for button in app.button if button.label == label]
    button.click().run()


def _two_sources(photo: bytes) -> AppTest:
    """Make a run of a sample and one of an upload, and go to the Monitor."""
    return go_to(upload(visit(), {"mine.png": photo}), "Monitor")


def test_session_without_runs_says_so() -> None:
    """Opened first, the page has the live strip and says where runs come from."""
    app = visit("monitor")
    assert app.info.values == [NO_RUNS]
    assert list(metrics(app)) == LIVE
    assert metrics(app)["Process CPU"] == "…"
    assert len(app.get("plotly_chart")) == 0
    expect_no_error(app)


def test_second_look_knows_the_cpu_use() -> None:
    """From the second sample on, the strip shows percentages."""
    app = visit("monitor")
    shown = metrics(app.run())
    assert shown["Process CPU"].endswith(" %")
    assert shown["Process memory"].endswith(" MB")


def test_runs_are_listed_newest_first(astronaut_file: bytes) -> None:
    """After two analyses there are charts, and a row for each run."""
    app = _two_sources(astronaut_file)
    table = app.dataframe[0].value
    assert table["run"].tolist() == [2, 1]
    assert table["photo"].tolist() == ["mine.png", "figures.png"]
    assert table["source"].tolist() == ["upload", "sample"]
    assert table["faces"].tolist() == [1, 8]
    assert len(app.get("plotly_chart")) == 3
    assert [button.label for button in app.download_button] == ["Runs CSV"]
    expect_no_error(app)


@pytest.mark.parametrize(("source", "runs"), [("all", [2, 1]), ("upload", [2]), ("sample", [1])])
def test_source_narrows_the_runs(astronaut_file: bytes, source: str, runs: list[int]) -> None:
    """Choosing a source leaves its runs only."""
    app = _two_sources(astronaut_file)
    assert app.pills(key="run_source").options == ["all", "sample", "upload"]
    app.pills(key="run_source").select(source).run()
    assert app.dataframe[0].value["run"].tolist() == runs
    expect_no_error(app)


def test_percentiles_count_full_runs_only(astronaut_file: bytes) -> None:
    """The median appears with the second full run; a run that took a detection over is no more."""
    app = visit()
    app.sidebar.slider(key="confidence").set_value(0.9).run()
    go_to(app, "Monitor")
    assert len(app.dataframe[0].value) == 2
    assert any(
        ": 1 run that took nothing over from an earlier one. Latency: too few to say" in text
        for text in app.caption.values
    )
    upload(go_to(app, "Analyze"), {"mine.png": astronaut_file})
    go_to(app, "Monitor")
    assert any(": 2 runs that took " in text for text in app.caption.values)
    assert any("Latency: p50 " in text for text in app.caption.values)


def test_cleared_runs_are_gone(astronaut_file: bytes) -> None:
    """Clearing empties the page, and later runs count on, the photo's own anew as the first."""
    app = _two_sources(astronaut_file)
    app.pills(key="run_source").select("upload").run()
    _button(app, "Clear runs")
    assert app.info.values == [NO_RUNS]
    expect_no_error(app)
    app = go_to(app, "Analyze")
    app.sidebar.slider(key="confidence").set_value(0.9).run()
    assert go_to(app, "Monitor").dataframe[0].value["run"].tolist() == [4, 3]
    expect_no_error(app)
