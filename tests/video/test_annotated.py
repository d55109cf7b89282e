"""Videos with their faces drawn: every frame at its time."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from facecore.imaging.decoding import BgrImage
from facecore.sources.photo import Photo
from facecore.video.annotated import write_annotated
from facecore.video.tracks import Film
from tests.video.clips import at_times, write_clip

pytestmark = pytest.mark.slow

_BITS, _BIT_PX = 5, 16


def _numbered(number: int, _: int, size_wh: tuple[int, int]) -> BgrImage:
    frame = np.zeros((size_wh[1], size_wh[0], 3), np.uint8)
    for bit in range(_BITS):
        frame[:, bit * _BIT_PX : (bit + 1) * _BIT_PX] = 255 * (number >> bit & 1)
    return frame


def _numbers(path: Path) -> list[int]:
    video, found = cv2.VideoCapture(str(path)), []
    while (read := video.read())[0]:
        middles = np.asarray(read[1])[8, _BIT_PX // 2 :: _BIT_PX, 0] > 128
        found.append(sum(int(one) << bit for bit, one in enumerate(middles)))
    return found


def test_every_frame_is_there_and_a_long_gap_is_cut_short(tmp_path: Path) -> None:
    """Frames at the film's own rate are all in it; days between two frames become a minute."""
    clip = write_clip(
        tmp_path / "clip.mp4", frames=20, fps=15, size_wh=(_BITS * _BIT_PX, 16), draw=_numbered
    ).read_bytes()
    # One that says no length of the whole may go on for a day.
    endless, tick = clip.replace(b"elst", b"skip"), 1024
    for name, data, expected in (
        ("even", clip, list(range(20))),
        (
            "gap",
            at_times(endless, [tick] * 9 + [tick * 15 * 100_000] + [tick] * 10),
            [*range(9), *[9] * 900, *range(10, 20)],
        ),
    ):
        film = tmp_path / f"{name}.webm"
        video = Photo(name="clip.mp4", read=lambda data=data: data, is_video=True)  # type: ignore[misc]
        write_annotated(video, Film(name="clip.mp4"), [], film, max_pixels=10_000)
        assert _numbers(film) == expected


def test_what_comes_too_late_is_left_out(tmp_path: Path) -> None:
    """A page makes so much of a video and no more, though only its beginning was read."""
    size_wh = (_BITS * _BIT_PX, 16)
    clip = write_clip(tmp_path / "clip.mp4", frames=20, fps=15, size_wh=size_wh, draw=_numbered)
    video = Photo(name="clip.mp4", read=clip.read_bytes, is_video=True)
    film = tmp_path / "film.webm"
    write_annotated(video, Film(name="clip.mp4"), [], film, max_pixels=10_000, most_s=0.5)
    assert _numbers(film) == list(range(8))
