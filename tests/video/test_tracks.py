"""Tracks of the faces in a video's rows."""

from __future__ import annotations

import msgspec
import pytest

from facecore.video.tracks import FRAMES, films
from tests.batch.conftest import row


@pytest.mark.parametrize(
    ("settings", "tracks"), [({}, [(1,), (1,)]), ({FRAMES: "scene"}, [(1,), (2,)])]
)
def test_nobody_is_known_again_in_another_scene(
    settings: dict[str, str], tracks: list[tuple[int, ...]]
) -> None:
    """A face at the same place keeps its number, but where each frame is another scene."""
    rows = [
        msgspec.structs.replace(row(f"clip.mp4#t={frame}.000"), time_s=float(frame), frame=frame)
        for frame in range(2)
    ]
    (film,) = films(rows, settings)
    assert [moment.tracks for moment in film.moments] == tracks
