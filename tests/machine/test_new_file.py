"""Files that appear whole or not at all, and never in another's place."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

import pytest

from facecore.machine.new_file import give_name, is_same, write_aside


def _hello(file: BinaryIO) -> None:
    file.write(b"hello")


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    """A link that waits under the name aside costs nobody's file."""
    others = tmp_path / "others.txt"
    others.write_text("mine")
    aside = tmp_path / ".out.part"
    aside.symlink_to(others)
    write_aside(aside, _hello)
    assert (others.read_text(), aside.read_text()) == ("mine", "hello")
    assert not aside.is_symlink()


def test_half_a_file_is_none(tmp_path: Path) -> None:
    """Where writing fails, nothing of it is left."""

    def fail(file: BinaryIO) -> None:
        file.write(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_aside(tmp_path / "x", fail)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize("there", ["file", "dangling link"])
def test_a_name_that_is_taken_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: str, links: bool
) -> None:
    """What appeared meanwhile keeps its name, also where there are no hard links."""
    aside, path = tmp_path / ".out.part", tmp_path / "out"
    write_aside(aside, _hello)
    if there == "file":
        path.write_text("mine")
    else:
        path.symlink_to(tmp_path / "nowhere")
    if not links:
        monkeypatch.setattr(os, "link", _no_links)
    with pytest.raises(FileExistsError):
        give_name(aside, path)
    assert path.is_symlink() or path.read_text() == "mine"


@pytest.mark.parametrize("links", [True, False])
def test_a_free_name_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    """The file is there; with hard links both names are of one file until one goes."""
    aside, path = tmp_path / ".out.part", tmp_path / "out"
    write_aside(aside, _hello)
    if not links:
        monkeypatch.setattr(os, "link", _no_links)
    give_name(aside, path)
    assert path.read_text() == "hello"
    assert is_same(aside, path) == links


def _no_links(*_: object, **__: object) -> None:
    raise OSError(1, "Operation not permitted")
