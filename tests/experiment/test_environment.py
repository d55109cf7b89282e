"""Where an experiment runs: this machine as it is."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import cv2
import psutil
import pytest

from facecore.errors import ModelError
from facecore.experiment.environment import this_environment
from facecore.machine.container import read_limits, usable_cores
from facecore.models.catalogue import network_specs, set_specs
from facecore.settings import MODELS_DIR_VARIABLE


def test_environment_is_this_machine() -> None:
    """Processors, memory, system and packages are what the system itself says."""
    here = this_environment()
    assert here == this_environment()
    assert here.cores == usable_cores() >= 1
    assert here.cpu_quota == read_limits().cpu_quota
    assert here.memory_bytes == psutil.virtual_memory().total
    assert here.system.split()[0] == platform.system()
    assert here.python == platform.python_version()
    assert here.packages["numpy"] == version("numpy")
    assert "unknown" not in here.packages.values()
    assert cv2.__version__ in here.opencv_build
    assert here.processor == here.processor.strip() != ""


def test_environment_is_plain_values() -> None:
    """It can be written as JSON as it is, and read back equal."""
    here = asdict(this_environment())
    assert json.loads(json.dumps(here, allow_nan=False)) == here


@pytest.mark.usefixtures("modern")
def test_hashes_are_those_of_the_known_files() -> None:
    """Each file of each network of each set is there with the hash that it must have."""
    specs = [spec for name in set_specs() for spec in network_specs(name)]
    known = {file.name: file.sha256 for spec in specs for file in spec.files}
    assert len(known) == 9
    assert this_environment().model_sha256 == known


def test_other_file_has_no_hash(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file that is not the known one is not passed off as it."""
    weights = network_specs()[0].file("weights")
    (tmp_path / weights.name).write_bytes(b"other")
    monkeypatch.setenv(MODELS_DIR_VARIABLE, str(tmp_path))
    article = {file.name for spec in network_specs() for file in spec.files}
    assert article - set(this_environment().model_sha256) == {weights.name}


def test_folder_that_is_none_is_told_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where the named folder of networks is missing, that is an error before anything runs."""
    monkeypatch.setenv(MODELS_DIR_VARIABLE, str(tmp_path / "none"))
    with pytest.raises(ModelError, match="not a folder"):
        this_environment()
