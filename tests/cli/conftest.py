"""Running the real command line in a process of its own."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from functools import lru_cache
from pathlib import Path
from typing import Any, TextIO
from unittest.mock import patch

import pytest

from facecore.__main__ import main
from facecore.analysis.analyzer import FaceAnalyzer
from facecore.imaging.decoding import cap_longest_side, decode_image, encode_jpeg
from tests.batch.conftest import grey_png
from tests.conftest import REPOSITORY, SAMPLES

TIMEOUT_S = 120
_OUTPUT_VARIABLES = ("PYTHONUNBUFFERED", "PYTHONIOENCODING", "PYTHONUTF8")
COMMAND = (sys.executable, "-m", "facecore")

Argument = str | bytes | Path


def environment(changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this environment as a newcomer's would be: no settings of ours, default output."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("FACECORE_") and name not in _OUTPUT_VARIABLES
    }
    return kept | dict(changes or {})


def facecore(
    *arguments: Argument, env: Mapping[str, str] | None = None, stdout: int = subprocess.PIPE
) -> subprocess.CompletedProcess[str]:
    """Run the command line from the repository's root to its end."""
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=REPOSITORY,
        env=environment(env),
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        timeout=TIMEOUT_S,
        check=False,
    )


# A set of networks takes 0.3 GB.
_load = lru_cache(maxsize=2)(FaceAnalyzer.load)


def in_process(
    *arguments: Argument, env: Mapping[str, str] | None = None, terminal: TextIO | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command line in this process, which spares a start and, mostly, a load.

    For what a process of its own would not do otherwise; networks are those of an
    earlier call with the same options, unless the environment is to be another. What it says
    beside its answers goes to ``terminal``, if there is one.
    """
    stdout, stderr = io.StringIO(), io.StringIO()
    load = _load if env is None else FaceAnalyzer.load
    with (
        redirect_stdout(stdout),
        redirect_stderr(terminal or stderr),
        patch.dict(os.environ, environment(env), clear=True),
        patch.object(FaceAnalyzer, "load", load),
    ):
        try:
            status = main([os.fsdecode(argument) for argument in arguments])
        except SystemExit as end:  # argparse's way
            status = int(str(end.code))
    return subprocess.CompletedProcess(arguments, status, stdout.getvalue(), stderr.getvalue())


def json_lines(text: str) -> list[dict[str, Any]]:
    """Read output of ``--json``: one object per line, and nothing else."""
    assert text == "" or text.endswith("\n")
    return [json.loads(line) for line in text.split("\n")[:-1]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Most of these tests start a process or load networks, so they are none of the quick ones."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True)
def _passes_are_remembered(remembered_passes: None) -> None:
    """Commands that run in this process are given the same few photos."""


@pytest.fixture(scope="session")
def small_file() -> bytes:
    """A small photo of one person."""
    photo = cap_longest_side(decode_image((SAMPLES / "astronaut.png").read_bytes()), 200)
    return encode_jpeg(photo)


@pytest.fixture
def folder(tmp_path: Path, small_file: bytes) -> Path:
    """A folder of 8 small photos: 4 without a face, 3 with one, and one that is broken."""
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(4):
        (photos / f"{number:03}.png").write_bytes(grey_png(level=number))
    for number in range(3):
        (photos / f"face{number}.jpg").write_bytes(small_file)
    (photos / "broken.jpg").write_bytes(b"no picture")
    return photos


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where the answers go."""
    (tmp_path / "answers").mkdir()
    return tmp_path / "answers" / "out.parquet"
