"""The Models page: the three networks, their files, and OpenCV's facts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest

from facecore.engines import engine
from facecore.models.catalogue import network_specs
from facecore.ui.models import measured
from tests.pages.conftest import expect_no_error, forget_service, visit

FILES = [file for spec in network_specs() for file in spec.files]


@pytest.fixture
def wrong_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Name a models folder in which one file is not the known one, with nothing loaded before."""
    monkeypatch.setenv("FACECORE_MODELS_DIR", str(tmp_path))
    (tmp_path / FILES[0].name).write_bytes(b"other")
    forget_service()
    measured.file_statuses.clear()
    yield tmp_path / FILES[0].name
    forget_service()
    measured.file_statuses.clear()


def test_each_set_says_what_it_took(monkeypatch: pytest.MonkeyPatch) -> None:
    """With several sets, each that is loaded has its time and memory, and the rest is announced."""
    monkeypatch.setenv("FACECORE_REPLICAS", "2")
    forget_service()
    try:
        app = visit("models")
        sets = [text for text in app.markdown.values if text.startswith("Set ")]
        assert [text.split(":")[0] for text in sets] == ["Set 1"]
        assert "the server's memory grew by " in sets[0]
        assert any(text.startswith("1 of 2 sets are loaded") for text in app.caption.values)
        expect_no_error(app)
    finally:
        forget_service()


def test_three_networks_are_shown() -> None:
    """Each network has its heading, its numbers and its chart of layers."""
    app = visit("models")
    titles = [spec.title for spec in network_specs()]
    assert app.main.header.values == ["Files", *titles, engine().title]
    labels = Counter(metric.label for metric in app.metric)
    assert len(labels) == 5
    assert set(labels.values()) == {3}
    assert len(app.get("plotly_chart")) == 3
    expect_no_error(app)


def test_every_file_is_listed_and_right() -> None:
    """The table has each file with its place, its size and its known hash."""
    table = visit("models").dataframe[0].value
    assert table["file"].tolist() == [file.name for file in FILES]
    assert table["hash"].tolist() == ["ok"] * len(FILES)
    assert table["bytes"].tolist() == [file.size_bytes for file in FILES]
    assert table["SHA-256"].tolist() == [file.sha256 for file in FILES]


def test_each_network_is_cited_with_its_licence() -> None:
    """Whose work a network is, and under which terms, stands with it."""
    texts = visit("models").markdown.values
    for spec in network_specs():
        assert any(spec.citation in text and spec.licence in text for text in texts)


def test_opencv_is_described() -> None:
    """The version and the switches that bear on speed are named, of the engine that a link says."""
    app = visit("models", engine="opencv")
    assert app.main.header.values[-1] == "OpenCV DNN"
    (facts,) = [text for text in app.markdown.values if text.startswith("Version ")]
    assert f"Version {cv2.__version__}, " in facts
    assert "optimised code on" in facts


def test_facts_are_those_of_the_chosen_options() -> None:
    """With one thread, the page says so."""
    app = visit("models", threads="1")
    (facts,) = [text for text in app.markdown.values if text.startswith("Version ")]
    assert ", 1 threads" in facts
    expect_no_error(app)


def test_wrong_file_is_told_in_table_and_sentence(wrong_file: Path) -> None:
    """A file that is not the known one is found by name, and the page says what to do."""
    app = visit("models")
    table = app.dataframe[0].value
    assert table["hash"].tolist() == ["wrong"] + ["ok"] * (len(FILES) - 1)
    (sentence,) = set(app.error.values)
    assert sentence.startswith(f"{wrong_file} is not the {FILES[0].name} we know")
    assert app.exception.values == []
