"""Real worker processes, and impostors that answer wrongly."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import psutil
import pytest

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.errors import ImageError
from facecore.executors.reading import Outcome
from facecore.settings import AnalysisSettings
from facecore.sources.photo import Photo
from tests.batch.conftest import grey_png
from tests.conftest import face_rows

TIMEOUT_S = 60
SETTINGS = AnalysisSettings()


def photo_of(name: str, data: bytes) -> Photo:
    """Return a photo that is in memory."""
    return Photo(name=name, read=lambda: data)


def grey_photos(count: int) -> list[Photo]:
    """Return so many photos without a face, no two alike."""
    return [photo_of(f"{number:03}.png", grey_png(level=number)) for number in range(count)]


def all_kinds(hopper_file: bytes) -> list[Photo]:
    """Return eight photos without a face, one with a face, a text, and what cannot be read."""

    def unreadable() -> bytes:
        raise ImageError("The file cannot be read.")

    gone = Photo(name="gone", read=unreadable)
    return [*grey_photos(8), photo_of("hopper", hopper_file), photo_of("text", b"text"), gone]


def expect_each_once(
    outcomes: Sequence[Outcome], photos: Sequence[Photo], analyzer: FaceAnalyzer
) -> dict[str, Outcome]:
    """Hold what became of `all_kinds`, and what may be beside them; return it by name."""
    by_name = {outcome.photo.name: outcome for outcome in outcomes}
    assert sorted(by_name) == sorted(photo.name for photo in photos)
    assert len(outcomes) == len(photos)
    hopper = by_name["hopper"]
    assert hopper.analysis is not None
    known = analyzer.analyze(hopper.photo.read(), SETTINGS)
    np.testing.assert_array_equal(face_rows(hopper.analysis.faces), face_rows(known.faces))
    assert "not a picture" in by_name["text"].error
    assert by_name["gone"].error == "The file cannot be read."
    return by_name


def is_gone(pid: int) -> bool:
    """Return whether a process has ended, waiting for it where it is about to."""
    try:
        psutil.Process(pid).wait(timeout=TIMEOUT_S)
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        return False
    return True


@pytest.fixture
def impostor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let workers be started as a script of ours, with ``link`` open to the parent."""
    python = sys.executable

    def put_in_place(script: str) -> None:
        path = tmp_path / "impostor"
        path.write_text(
            f"#!{python}\n"
            "import os, signal, sys\n"
            "from multiprocessing.connection import Connection\n"
            "link = Connection(int(sys.argv[4]))\n"
            f"{script}\n",
            encoding="utf-8",
        )
        path.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(path))

    return put_in_place
