"""The Monitor page: the runs of the session, and what happens now."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from facecore.serving.service import process_service
from facecore.serving.store import ServerStore
from tests.pages.conftest import expect_no_error, go_to, metrics, upload, visit
from tests.ui.test_charts import RUN

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
    """After two analyses there are charts, and a row for each run, in the reader's words."""
    app = _two_sources(astronaut_file)
    table = app.dataframe[0].value
    assert table["run"].tolist() == [2, 1]
    assert table["photo"].tolist() == ["mine.png", "figures.png"]
    assert table["source"].tolist() == ["upload", "sample"]
    assert table["faces"].tolist() == [1, 8]
    assert len(app.get("plotly_chart")) == 3
    assert [button.label for button in app.main.download_button] == ["Runs CSV"]
    app.button_group(key="language").set_value("zh").run()
    assert app.dataframe[0].value["来源"].tolist() == ["上传", "示例"]
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


def _of_the_server(store: ServerStore, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """Open the page of a server with this history, and look at its runs."""
    monkeypatch.setattr(process_service(), "store", store)
    app = visit("monitor")
    return app.segmented_control(key="whose").set_value("This server").run()


def test_a_server_without_a_history_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is switched off there is nothing to choose."""
    app = _of_the_server(ServerStore(None), monkeypatch)
    assert [text for text in app.info.values if "FACECORE_HISTORY" in text]
    assert len(app.selectbox) == len(visit("monitor").selectbox)
    expect_no_error(app)


def test_the_servers_runs_have_a_time_range(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs of any session are shown over time, those of the last day first, without names."""
    with closing(ServerStore(tmp_path / "a.sqlite3")) as store:
        for days in (3, 0):
            began = datetime.now(UTC) - timedelta(days=days, minutes=5)
            store.add_run(replace(RUN, used=replace(RUN.used, started_at=began), source="http"))
        app = _of_the_server(store, monkeypatch)
        assert app.dataframe[0].value["run"].tolist() == [2]
        app.selectbox(key="run_range").set_value("Last 7 days").run()
        table = app.dataframe[0].value
    assert table["run"].tolist() == [2, 1]
    assert "photo" not in table
    assert app.pills(key="run_source").options == ["all", "http"]
    assert any(text.startswith("2 runs of all visitors") for text in app.caption.values)
    assert len(app.get("plotly_chart")) == 3
    expect_no_error(app)


def test_a_history_that_cannot_be_used_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A damaged file is one sentence on the page, without the server's path."""
    (tmp_path / "a.sqlite3").write_bytes(b"no database" * 100)
    with closing(ServerStore(tmp_path / "a.sqlite3")) as store:
        app = _of_the_server(store, monkeypatch)
    (sentence,) = app.warning.values
    assert "it is damaged" in sentence
    assert str(tmp_path) not in sentence
    expect_no_error(app)
