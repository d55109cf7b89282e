"""The article's table of engines, measured: what is in it, stopping, what cannot be measured."""

from __future__ import annotations

import io
import sys
from typing import Any

import pytest
from PIL import Image

from facecore import engines
from facecore.errors import SettingsError, WorkerError
from facecore.experiment import engine_probe
from facecore.experiment import engines as measuring
from facecore.experiment.engine_probe import EngineProcess, import_ms
from facecore.experiment.engine_rows import advice_in_words, engines_table, warnings
from facecore.experiment.engines import measure_engines
from facecore.ui.engines.charts import speed_and_memory, times
from facecore.ui.engines.picture import table_png
from facecore.ui.engines.views import FIGURES, shown_table

POSITIVE = ("import_ms", "load_ms", "first_ms", "rss_mb", "wheel_mb", "model_mb", "cpu_s")
TIMES = ("face_ms", "face_ms_of_8", "detector_ms")
INSTALLED = [one.name for one in engines.engines() if one.available()]


def _row(measured: dict[str, Any], name: str) -> dict[str, Any]:
    return next(row for row in measured["engines"] if row["name"] == name)


@pytest.fixture(scope="module")
def measured() -> dict[str, Any]:
    """Everything that is installed, measured as briefly as gives intervals."""
    return measure_engines(rounds=6, faces=20)


@pytest.mark.slow
def test_every_engine_that_is_installed_is_measured(measured: dict[str, Any]) -> None:
    """Each has all figures, intervals around its medians, and OpenCV's labels and boxes."""
    assert measured["engines"][0]["name"] == engines.reference().name
    assert {row["name"] for row in measured["engines"]} == {e.name for e in engines.engines()}
    for name in INSTALLED:
        row = _row(measured, name)
        assert row["problem"] == ""
        assert all(row[figure] > 0 for figure in (*POSITIVE, *TIMES))
        for figure in TIMES:
            low, high = row["intervals"][figure]
            assert low <= row[figure] <= high
        assert row["agreement"] == 1.0
        assert row["max_difference"] <= 1e-3
        assert row["box_difference_px"] < 1
    for row in measured["engines"]:
        assert row["installed"] or row["install"].startswith("pip install ")


@pytest.mark.slow
def test_a_measurement_can_be_shown_and_taken_away(measured: dict[str, Any]) -> None:
    """Table, charts and picture have each engine that was measured, the CSV all of them."""
    table = shown_table(measured)
    assert table[""].tolist() == [label for label, _ in FIGURES.values()]
    rows = [row for row in measured["engines"] if row["installed"]]
    assert list(table) == ["", *(row["title"] for row in rows)]
    assert [len(trace.y) for trace in times(rows).data] == [len(rows)] * 3
    assert len(speed_and_memory(rows).data) == len(rows)
    picture = Image.open(io.BytesIO(table_png(table)))
    assert picture.width > 100 * len(rows)
    everything = engines_table(measured["engines"])
    assert len(everything) == len(measured["engines"])
    assert {"face_ms_low", "detector_ms_all_high"} <= set(everything)
    assert advice_in_words(rows).endswith("was the fastest for one face.")


def test_a_measurement_stops_at_once_and_keeps_what_it_has() -> None:
    """Called off before its first step, it has the rows and no figures."""
    measured = measure_engines(cancelled=lambda: True)
    assert measured["machine"]["stopped"]
    assert all(row["face_ms"] is None and row["problem"] == "" for row in measured["engines"])
    assert advice_in_words(measured["engines"]) == ""


@pytest.mark.slow
def test_an_engine_that_breaks_costs_only_its_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its row says why; the others are measured."""
    ask = EngineProcess.ask

    def broken(process: EngineProcess, **order: Any) -> dict[str, Any]:
        if process.name == "onnxruntime":
            process.stop()
        return ask(process, **order)

    monkeypatch.setattr(EngineProcess, "ask", broken)
    # Every further start of a process would say the same.
    monkeypatch.setattr(measuring, "_IMPORTS", 1)
    monkeypatch.setattr(measuring, "usable_cores", lambda: 1)
    measured = measure_engines(names=["onnxruntime"], rounds=1, faces=10)
    assert _row(measured, "onnxruntime")["problem"] == "The engine's process ended."
    assert _row(measured, engines.reference().name)["agreement"] == 1.0


def test_what_cannot_be_measured_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown engine, one that cannot be imported, and too little memory, each in a sentence."""
    with pytest.raises(SettingsError, match="no engine called nothing"):
        measure_engines(names=["nothing"])
    monkeypatch.setattr(engines.engine("openvino"), "package", "no_such_package", raising=False)
    with pytest.raises(WorkerError, match="cannot be imported: ModuleNotFoundError"):
        import_ms("openvino")
    with monkeypatch.context() as here:
        here.setattr(sys, "executable", "/no/such/program")
        with pytest.raises(WorkerError, match=r"can be started \(No such file"):
            EngineProcess("opencv", 1)
    with monkeypatch.context() as here:
        here.setattr(engine_probe, "ANSWER_TIMEOUT_S", 0.01)
        for call in (lambda: EngineProcess("opencv", 1), lambda: import_ms("opencv")):
            with pytest.raises(WorkerError, match="did not answer in time"):
                call()
    monkeypatch.setattr(measuring, "free_memory_bytes", lambda: 10**8)
    with pytest.raises(SettingsError, match="700 MB of memory must be free, and 100 MB are"):
        measure_engines()


def test_busy_machines_and_small_memories_are_warned_of() -> None:
    """Both are told where they bear on the figures, and only there."""
    rows = [{"installed": True}, {"installed": True}, {"installed": False}]
    quiet = {"other_load_percent": 3.0, "engines_at_once": 2}
    assert warnings({"machine": quiet, "engines": rows}) == []
    loud = {"other_load_percent": 55.0, "engines_at_once": 1}
    busy, small = warnings({"machine": loud, "engines": rows})
    assert "Others used 55 % of this machine" in busy
    assert "holds 1 of the engines at a time" in small
