"""Which engine runs: one that is there, recent and agrees with OpenCV, else OpenCV."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from facecore import engines
from facecore.analysis import automatic
from facecore.analysis.analyzer import FaceAnalyzer
from facecore.analysis.automatic import settled
from facecore.engines.graph.conversion import Conversion
from facecore.engines.graph.session import GraphEngine, Passes
from facecore.errors import EngineError, ModelError
from facecore.machine.data_folder import DATA_DIR_VARIABLE
from facecore.models import files
from facecore.models.catalogue import network_spec, network_specs
from facecore.settings import MODELS_DIR_VARIABLE, RuntimeOptions


class Odd(GraphEngine):
    """An engine that is named like the package that it is told."""

    name = "odd"
    title = "Odd"
    below = "99"

    def __init__(self, package: str, oldest: str = "1") -> None:
        self.package = self.distribution = package
        self.oldest = oldest

    def load(self, conversion: Conversion, threads: int, knobs: dict[str, Any]) -> Passes:
        """Fail, as an engine that was not built for this processor."""
        raise OSError("illegal instruction\nin line two")


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing that was found out before is known."""
    monkeypatch.setenv(DATA_DIR_VARIABLE, str(tmp_path))
    automatic._can_be_used.cache_clear()
    yield
    engines._known().pop("odd", None)
    automatic._can_be_used.cache_clear()


def test_opencv_alone_needs_no_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing else is installed OpenCV is taken and nothing is tried."""
    monkeypatch.setattr(engines.engine("onnxruntime"), "available", lambda: False)
    monkeypatch.setattr(automatic, "_tried", None)
    assert settled(RuntimeOptions(threads=2)) == RuntimeOptions(engine="opencv", threads=2)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("package", "oldest", "words"),
    [
        ("no_such_package", "1", "Odd is not installed: run 'pip install"),
        ("numpy", "98", "is too old for these networks: run 'pip install"),
        ("numpy", "1", "There is no engine called odd"),  # as the trial's own process says
    ],
)
def test_opencv_goes_on_where_an_engine_cannot(
    package: str, oldest: str, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Not installed, too old, or not able to read the samples: one sentence, and OpenCV."""
    engines.register(Odd(package, oldest))
    with caplog.at_level(logging.WARNING):
        assert settled(RuntimeOptions(engine="odd", threads=2)) == RuntimeOptions(
            engine="opencv", threads=2
        )
    (record,) = caplog.records
    assert words in record.getMessage()
    assert record.getMessage().endswith("OpenCV DNN reads instead.")


def test_a_trial_that_does_not_end_says_nothing_for_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """OpenCV goes on where the time was up, and the next process tries again."""
    if not engines.engine("onnxruntime").available():
        pytest.skip("ONNX Runtime is not installed")
    monkeypatch.setattr(automatic, "_TIMEOUT_S", 0.001)
    assert settled(RuntimeOptions(engine="onnxruntime")).engine == "opencv"
    assert "was not found out (it took more than 0.001 s)" in caplog.text
    assert list(tmp_path.glob("agreement-*")) == []


@pytest.mark.slow
def test_an_engine_that_cannot_run_a_set_says_why(
    modern: FaceAnalyzer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What it refuses is told, not that its answers were others."""
    with monkeypatch.context() as as_before:
        as_before.delenv(DATA_DIR_VARIABLE)
        file = modern.networks[0].spec.path("onnx")
    monkeypatch.setenv(MODELS_DIR_VARIABLE, str(file.parent))
    if not engines.engine("litert").available():
        pytest.skip("LiteRT is not installed")
    options = RuntimeOptions(engine="litert", model_set="modern")
    assert settled(options).engine == "opencv"
    assert "does not agree" not in caplog.text
    assert "ONNX" in caplog.text


@pytest.mark.parametrize("content", [None, b"another network"], ids=["missing", "wrong"])
def test_of_networks_that_cannot_be_read_nothing_is_found_out(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    content: bytes | None,
) -> None:
    """An engine is not held to differ because a file was not there yet, or was another."""
    monkeypatch.setattr(files, "REPOSITORY_MODELS_DIR", tmp_path / "none")
    spec = network_spec("gender", "modern")
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setenv(MODELS_DIR_VARIABLE, str(folder))
    for file in (f for one in network_specs("modern") for f in one.files if content):
        (folder / file.name).write_bytes(content or b"")
    with pytest.raises(ModelError):
        spec.path("onnx")
    options = RuntimeOptions(engine="onnxruntime", model_set="modern")
    assert settled(options) == options
    assert caplog.records == []
    assert list(tmp_path.glob("agreement-*")) == []


def test_an_engine_that_cannot_load_says_so_in_a_sentence() -> None:
    """Whoever asks for it in the code gets the engine's first line and what to do."""
    with pytest.raises(EngineError, match=r"Odd .* could not load .*\(illegal instruction\): run"):
        Odd("numpy").build(network_spec("gender"), RuntimeOptions(engine="odd"))


@pytest.mark.slow
def test_what_was_found_out_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """ONNX Runtime reads the samples as OpenCV does; the second time nothing is tried."""
    if not engines.engine("onnxruntime").available():
        pytest.skip("ONNX Runtime is not installed")
    options = RuntimeOptions(engine="onnxruntime")
    assert settled(options) == options
    assert caplog.records == []
    automatic._can_be_used.cache_clear()
    monkeypatch.setattr(automatic, "_tried", None)
    assert settled(options) == options
    assert len(list(tmp_path.glob("agreement-onnxruntime-*.txt"))) == 1
