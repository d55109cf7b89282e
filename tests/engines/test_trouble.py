"""Converted networks that are broken or cannot be kept: the answers are the same."""

from __future__ import annotations

import logging
import resource
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from facecore.engines import engine, engines
from facecore.engines.base import Blob, Session
from facecore.engines.opencv import OpenCvSession
from facecore.machine import data_folder
from facecore.machine.data_folder import DATA_DIR_VARIABLE
from facecore.models.catalogue import network_spec
from facecore.settings import RuntimeOptions

GENDER = network_spec("gender")
# PyTorch takes the graph itself and keeps no file.
KEEPING = [
    one.name
    for one in engines()
    if one.available() and one.name not in ("opencv", "opencv5", "torch")
]
each_engine = pytest.mark.parametrize("name", KEEPING)


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATA_DIR_VARIABLE, str(tmp_path / "data"))
    data_folder._tell_once.cache_clear()


@pytest.fixture
def full_disk() -> Iterator[None]:
    """No file can grow beyond a megabyte."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def _session(name: str) -> Session:
    return engine(name).build(GENDER, RuntimeOptions(engine=name, threads=1))


@cache
def _blob_and_opencvs_answer() -> tuple[Blob, Blob]:
    blob = np.random.default_rng(3).normal(0, 40, (1, 3, 227, 227)).astype(np.float32)
    (expected,) = _session("opencv").run(blob)
    return blob, expected


def _expect_opencvs_answer(session: Session) -> None:
    assert not isinstance(session, OpenCvSession)
    blob, expected = _blob_and_opencvs_answer()
    np.testing.assert_allclose(session.run(blob)[0], expected, atol=1e-3)


def _fallen_over(content: bytes) -> bytes:
    return content[:5000] + bytes([content[5000] ^ 1]) + content[5001:]


def _half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _kept(tmp_path: Path) -> list[Path]:
    return sorted(path for path in (tmp_path / "data").iterdir() if path.stat().st_size > 1_000_000)


@pytest.mark.slow
@each_engine
def test_a_harmed_file_is_made_anew(name: str, tmp_path: Path) -> None:
    """A bit that fell over, or an end that is missing: nobody loads them."""
    _session(name)
    for harm in (_fallen_over, _half):
        harmed = {path: harm(path.read_bytes()) for path in _kept(tmp_path)}
        assert harmed
        for path, content in harmed.items():
            path.write_bytes(content)
        _expect_opencvs_answer(_session(name))
        for path, content in harmed.items():
            # MNN's converter gives other bytes each time, and a file is called by its bytes.
            assert not path.exists() or path.read_bytes() != content


@each_engine
@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_is_told_once_and_all_goes_on_in_memory(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One sentence says what to do, nothing half-written is left, and the engine runs."""
    if name == "mnn":
        pytest.skip("MNN's own converter writes files of its own")
    with caplog.at_level(logging.WARNING):
        _expect_opencvs_answer(_session(name))
        _session(name)
    (record,) = caplog.records
    assert "cannot be kept (File too large)" in record.getMessage()
    assert f"set {DATA_DIR_VARIABLE} to a folder that can be written" in record.getMessage()
    assert list((tmp_path / "data").iterdir()) == []


@each_engine
def test_a_folder_that_is_none_is_told_once(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A file where the folder should be, as an example of what cannot be written."""
    (tmp_path / "data").write_text("not a folder")
    with caplog.at_level(logging.WARNING):
        _expect_opencvs_answer(_session(name))
    (record,) = caplog.records
    assert "Converted networks cannot be kept" in record.getMessage()
