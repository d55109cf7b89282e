"""The Optimise page: what is wished for, a search in the background, and what it found."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from facecore.optimise.record import Result
from facecore.optimise.search import BackgroundSearch
from tests.optimise.conftest import made_result
from tests.pages.conftest import expect_no_error, go_to, visit

WAIT_S = 120


def _show(result: Result) -> AppTest:
    app = visit("optimise")
    app.session_state["facecore.optimise_found"] = result
    return app.run()


def test_what_was_found_is_shown_and_fills_the_sidebar() -> None:
    """The sentence, the picture, each table; a point goes into the sidebar, and as a profile."""
    result = made_result()
    app = _show(result)
    expect_no_error(app)
    assert any("2\\.25× faster than your baseline" in said for said in app.success.values)
    assert len(app.get("plotly_chart")) == 1
    last, points, mattered, violated, facts = (one.value for one in app.dataframe)
    assert last["candidate 2"][0] == "2.30 (2.10 to 2.50)"
    assert list(points["point"]) == [one.name for one in result.points]
    assert list(mattered["setting"]) == ["engine", "threads"]
    assert list(violated["constraint"]) == ["agreement"]
    assert len(facts)
    assert [one.label for one in app.main.download_button] == [
        "Download as a profile",
        "Optimise Report",
        "Optimise JSON",
    ]
    app.button(key="optimise_use").click().run()
    expect_no_error(app)
    _, options = app.session_state["facecore.settings"]
    assert (options.engine, options.threads) == ("onnxruntime", 1)


@pytest.mark.parametrize("recommended", [0, None])
def test_nothing_better_is_said_as_well(recommended: int | None) -> None:
    """Where the baseline stays, or nothing keeps to the constraints, the page is whole."""
    app = _show(
        made_result(
            recommended=recommended,
            points=made_result().points[:1],
            confirmations=(),
            importance=(),
            sentence="Keep it.",
            stopped=True,
        )
    )
    expect_no_error(app)
    said = app.warning if recommended is None else app.success
    assert "Keep it\\." in said.values
    assert "It was stopped: this is as far as it came." in app.info.values


def test_a_search_runs_while_other_pages_are_open_and_can_be_stopped() -> None:
    """The form says what is searched for; the sidebar of another page tells of it; Stop ends it."""
    app = visit("optimise")
    app.number_input(key="optimise_latency").set_value(500.0)
    app.pills(key="optimise_vary_12").set_value(["threads", "rescue"])
    app.button(key="optimise_start").click().run()
    job: BackgroundSearch = app.session_state["facecore.optimise"]
    assert job.task.vary == ("threads", "rescue")
    assert job.task.constraints.max_latency_ms == 500
    assert job.task.constraints.min_agreement_percent == 99
    assert "--max-latency-ms 500 --min-agreement 99 --vary threads,rescue" in job.task.command
    assert app.button(key="optimise_start").disabled
    go_to(app, "Monitor")
    assert any("Optimise: " in text for text in app.sidebar.caption.values)
    go_to(app, "Optimise")
    app.button(key="optimise_stop").click().run()
    assert job.wait(WAIT_S)
    app.run()
    assert not app.button(key="optimise_start").disabled
    assert job.result is not None
    assert "It was stopped: this is as far as it came." in app.info.values
