"""Videos that were made to do harm: a sentence each, and nothing is opened."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from facecore.errors import ImageError
from facecore.imaging.decoding import decode_image
from facecore.sources.folders import find_photos
from facecore.video.frames import FrameReader
from facecore.video.sampling import Sampling
from tests.video.clips import CODECS, hostile, write_clip

pytestmark = pytest.mark.slow


def test_hostile_videos(tmp_path: Path) -> None:
    """None ends this process; each gives frames or says in a sentence why not; nobody is called."""
    clips = {s: write_clip(tmp_path / f"clip{s}", frames=12).read_bytes() for s in CODECS}
    folder = tmp_path / "hostile"
    folder.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        for name, data in hostile(clips, listener.getsockname()[1], 26):
            (folder / name).write_bytes(data)
        paths = sorted(folder.iterdir())
        assert len(paths) == 26
        reader = FrameReader(sampling=Sampling.parse("1/1"), most_frames=40)
        told = {path.name: _told(reader, path) for path in paths}
        listener.settimeout(0)
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert all(len(one) < 500 for one in told.values())
    # Harmless after all: what is damaged gives the frames that it has, and what the file says
    # beside the pictures of other places, sizes and times is not followed.
    harmless = ("flipped", "header", "absurd", "timescale", "reference", "huge.mp4")
    assert not [name for name, one in told.items() if not one and not name.startswith(harmless)]


def _told(reader: FrameReader, path: Path) -> str:
    told = ""
    for photo in reader.read(find_photos([path], videos=True)):
        assert not told  # the sentence comes last
        try:
            decode_image(photo.read())
        except ImageError as error:
            told = str(error)
    return told
