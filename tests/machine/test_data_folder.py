"""Files that can be made anew: made once, checked, and never needed."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

import pytest

from facecore.machine import data_folder as module
from facecore.machine.data_folder import DATA_DIR_VARIABLE, data_folder, made_once


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is not there yet; what was told before is forgotten."""
    monkeypatch.setenv(DATA_DIR_VARIABLE, str(tmp_path / "data"))
    module._tell_once.cache_clear()
    return tmp_path / "data"


def _never() -> bytes:
    raise AssertionError("made a second time")


def test_it_is_made_once(folder: Path) -> None:
    """The second time the file is there, and nothing else lies beside it."""
    first = made_once("gender-1", ".onnx", lambda: b"network")
    assert isinstance(first, Path)
    assert first.read_bytes() == b"network"
    assert made_once("gender-1", ".onnx", _never) == first
    assert list(folder.iterdir()) == [first]


@pytest.mark.parametrize("damage", [b"", b"netw", b"something else"])
def test_what_is_broken_is_made_anew(damage: bytes) -> None:
    """An empty, cut off or foreign file is replaced."""
    path = made_once("gender-1", ".onnx", lambda: b"network")
    assert isinstance(path, Path)
    path.write_bytes(damage)
    again = made_once("gender-1", ".onnx", lambda: b"network")
    assert isinstance(again, Path)
    assert again.read_bytes() == b"network"


def test_other_names_are_other_files() -> None:
    """What depends on something else does not take its place."""
    made_once("gender-1", ".onnx", lambda: b"one")
    other = made_once("gender-2", ".onnx", lambda: b"two")
    assert isinstance(other, Path)
    assert other.read_bytes() == b"two"


def test_what_nobody_used_for_a_month_goes(folder: Path) -> None:
    """A file of an older version is deleted once another is written; one in use stays."""
    old = made_once("gender-1", ".onnx", lambda: b"old")
    used = made_once("gender-2", ".onnx", lambda: b"used")
    for path in (old, used):
        os.utime(path, (0, 0))
    made_once("gender-2", ".onnx", _never)
    made_once("gender-3", ".onnx", lambda: b"new")
    assert {path.name[:8] for path in folder.iterdir()} == {"gender-2", "gender-3"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux")
def test_a_folder_that_cannot_be_written_costs_only_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The contents are the answer, one sentence says why, and says it once."""
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv(DATA_DIR_VARIABLE, str(tmp_path / "file"))
    with caplog.at_level(logging.WARNING):
        assert made_once("gender-1", ".onnx", lambda: b"network") == b"network"
        assert made_once("age-1", ".onnx", lambda: b"age") == b"age"
    (record,) = caplog.records
    assert DATA_DIR_VARIABLE in record.getMessage()


@pytest.mark.skipif(sys.platform != "linux", reason="the rule of this platform")
def test_without_a_variable_it_is_the_platforms_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """XDG_CACHE_HOME where it is an absolute path, else .cache of the home."""
    monkeypatch.delenv(DATA_DIR_VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert data_folder() == Path("/somewhere/facecore")
    monkeypatch.setenv("XDG_CACHE_HOME", "not/absolute")
    monkeypatch.setenv("HOME", "/home/me")
    assert data_folder() == Path("/home/me/.cache/facecore")
