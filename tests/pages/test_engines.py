"""The Engines page: what is installed, measuring in the background, what it shows of it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from facecore.engines import engines
from facecore.experiment import engines as measuring
from facecore.experiment.background import BackgroundEngines
from tests.pages.conftest import expect_no_error, go_to, visit

# A page is run, with the real engines.
pytestmark = pytest.mark.slow

WAIT_S = 300

INSTALLED = [one.title for one in engines() if one.available()]


@pytest.fixture(autouse=True)
def _one_import_and_one_core_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """What more imports and all cores take is measured elsewhere: processes are started for it."""
    monkeypatch.setattr(measuring, "_IMPORTS", 1)
    monkeypatch.setattr(measuring, "usable_cores", lambda: 1)


def _job(app: AppTest) -> BackgroundEngines:
    job: BackgroundEngines = app.session_state["facecore.engines"]
    return job


def _start(app: AppTest) -> BackgroundEngines:
    app.number_input(key="engines_rounds").set_value(1).run()
    app.number_input(key="engines_faces").set_value(10).run()
    app.button(key="engines_measure").click().run()
    return _job(app)


def _shown(app: AppTest) -> list[str]:
    assert _job(app).wait(WAIT_S)
    app.run()
    expect_no_error(app)
    return [str(name) for name in app.dataframe[0].value]


def test_the_table_is_measured_while_other_pages_are_open() -> None:
    """Before, it says what is installed and how to install the rest; then all engines are there."""
    app = visit("engines")
    assert all(title in app.main.markdown.values[1] for title in INSTALLED)
    assert len(app.main.code) == len(engines()) - len(INSTALLED) - len(_without_a_command())
    assert len(app.dataframe) == 0
    _start(app)
    assert app.button(key="engines_measure").disabled
    go_to(app, "Monitor")
    assert any("Engines: " in text for text in app.sidebar.caption.values)
    go_to(app, "Engines")
    assert sorted(_shown(app)) == sorted(["", *INSTALLED])
    assert len(app.get("plotly_chart")) == 2
    assert [one.label for one in app.main.download_button] == [
        "Engines CSV",
        "Engines JSON",
        "Engines PNG",
    ]


def _without_a_command() -> list[Any]:
    return [one for one in engines() if not one.available() and not hasattr(one, "install")]


def test_it_can_be_stopped() -> None:
    """What is under way ends soon, and as much as was measured is shown."""
    app = visit("engines")
    job = _start(app)
    time.sleep(1)
    app.button(key="engines_stop").click().run()
    assert job.wait(60)
    app.run()
    assert "It was stopped: this is as far as it came." in app.info.values
    assert json.dumps(job.result)
    assert not app.button(key="engines_measure").disabled
