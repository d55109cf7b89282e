"""Drawn copies of photos: where they go, and what a stop leaves of them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from facecore.commands import annotated
from facecore.commands.annotated import write_annotated
from facecore.images import decode_image

IMAGE = np.full((8, 8, 3), 77, np.uint8)


def test_what_a_killed_process_left_is_replaced(tmp_path: Path) -> None:
    """A half copy of a process that had this one's number costs nothing, and is gone."""
    (tmp_path / f".a.annotated.png.{os.getpid()}.part").write_bytes(b"half a picture")
    write_annotated(tmp_path, "a.jpg", IMAGE)
    (written,) = tmp_path.iterdir()
    assert written.name == "a.annotated.png"
    np.testing.assert_array_equal(decode_image(written.read_bytes()), IMAGE)


def test_ctrl_c_leaves_no_half_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the writing itself is interrupted, nothing is left in the folder."""

    def interrupted(_: object) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(annotated, "encode_png", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_annotated(tmp_path, "a.jpg", IMAGE)
    assert list(tmp_path.iterdir()) == []
