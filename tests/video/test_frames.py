"""Frames of videos as photos: which ones, their pixels, their times, and what goes wrong."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest

from facecore.errors import ImageError, SettingsError
from facecore.imaging.decoding import BgrImage, decode_image
from facecore.sources.folders import find_photos
from facecore.sources.photo import Photo
from facecore.video.frames import FrameReader
from facecore.video.sampling import Sampling
from tests.conftest import SAMPLES
from tests.video.clips import CODECS, at_times, scene, trimmed, turned, write_clip

pytestmark = pytest.mark.slow


def _read(path: Path, frames: str = "2/s", **more: object) -> list[Photo]:
    reader = FrameReader(sampling=Sampling.parse(frames), **more)  # type: ignore[arg-type]
    return list(reader.read(find_photos([path], videos=True)))


def _by_opencv(path: Path) -> Iterator[BgrImage]:
    video = cv2.VideoCapture(str(path))
    while (read := video.read())[0]:
        yield np.asarray(read[1], np.uint8)


@pytest.mark.parametrize("suffix", CODECS)
def test_each_container(tmp_path: Path, suffix: str) -> None:
    """Frames have their numbers and times, and the very pixels that a decoder of files gives."""
    path = write_clip(tmp_path / f"clip{suffix}", frames=21, fps=10)
    photos = _read(path)
    assert [photo.frame for photo in photos] == [0, 5, 10, 15, 20]
    assert [photo.time_s for photo in photos] == [0, 0.5, 1, 1.5, 2]
    assert [photo.name for photo in photos][1] == f"{path}#t=0.500"
    expected = list(_by_opencv(path))
    for photo in photos:
        assert np.array_equal(decode_image(photo.read()), expected[photo.frame or 0])


def test_opened_again(tmp_path: Path) -> None:
    """A frame that is decoded anew, by a jump to its time, has the pixels that were read."""
    path = write_clip(tmp_path / "clip.webm", frames=60, fps=10)
    (video,) = find_photos([path], videos=True)
    reader = FrameReader(sampling=Sampling.parse("1/29"))
    for photo in list(reader.read([video])):
        assert reader.anew(photo, {video.name: video}).read() == photo.read()


def test_turned_and_at_odd_times(tmp_path: Path) -> None:
    """Rotation is applied; times are those of the frames where their distances differ."""
    path = write_clip(tmp_path / "clip.mp4", frames=6, fps=10)
    deltas = [512, 2560, 512, 1024, 1024, 512]  # of 10,240 a second, as long together as before
    path.write_bytes(turned(at_times(path.read_bytes(), deltas)))
    photos = _read(path, "1/1")
    assert [photo.time_s for photo in photos] == pytest.approx([0, 0.05, 0.3, 0.35, 0.45, 0.55])
    assert decode_image(photos[0].read()).shape == (320, 180, 3)


def test_choice_of_frames(tmp_path: Path) -> None:
    """Every tenth, key frames, and one for each of three scenes; another word is no choice."""

    def three_scenes(number: int, count: int, size_wh: tuple[int, int]) -> BgrImage:
        frame = scene(number, count, size_wh)
        return np.ascontiguousarray(np.roll(frame, number // 8, 2) // (1 + number // 8))

    path = write_clip(tmp_path / "clip.webm", frames=24, draw=three_scenes)
    assert [photo.frame for photo in _read(path, "1/10")] == [0, 10, 20]
    assert [photo.frame for photo in _read(path, "scene")] == [0, 8, 16]
    assert [photo.frame for photo in _read(path, "key")][:1] == [0]
    assert len(_read(path, "key")) < 8
    with pytest.raises(SettingsError, match="two per second"):
        Sampling.parse("fast")


def test_what_is_a_photo_stays_one(tmp_path: Path) -> None:
    """A JPEG is a photo whatever its name says, and a video without its suffix is one."""
    photo = tmp_path / "photo.mp4"
    photo.write_bytes((SAMPLES / "bernie_sanders.jpg").read_bytes())
    (found,) = _read(photo)
    assert found.name == str(photo) and found.time_s is None
    video = write_clip(tmp_path / "clip.avi", frames=3).rename(tmp_path / "clip")
    assert [one.frame for one in _read(video)] == [0]


def test_cut_off(tmp_path: Path) -> None:
    """A video that is cut off gives the frames that it has, and then one sentence."""
    path = write_clip(tmp_path / "clip.avi", frames=20, fps=10)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 5])
    *frames, last = _read(path)
    assert [photo.frame for photo in frames] == [0, 5, 10]
    assert last.name == str(path) and last.problem
    with pytest.raises(ImageError, match=r"cut off or damaged: it ends after 1\d frames"):
        last.read()


def test_trimmed(tmp_path: Path) -> None:
    """What a list of edits leaves out is not missing; what is damaged beside that still is."""
    path = write_clip(tmp_path / "clip.mp4", frames=40, fps=10)
    whole = path.read_bytes()
    path.write_bytes(trimmed(whole, 2.0, 1.5))
    photos = _read(path, "1/1")
    assert len(photos) == 15 and not photos[-1].problem
    assert [photo.time_s for photo in photos][:2] == [0, 0.1]
    (video,) = find_photos([path], videos=True)
    anew = FrameReader(sampling=Sampling()).anew(photos[-1], {video.name: video})
    assert anew.read() == photos[-1].read()
    for data in (whole, path.read_bytes()):
        # The pictures of the second half are gone, their places are still there.
        middle, end = whole.index(b"mdat") + len(whole) // 3, whole.index(b"moov") - 4
        path.write_bytes(data[:middle] + bytes(end - middle) + data[end:])
        assert _read(path)[-1].problem


def test_limits(tmp_path: Path) -> None:
    """Pictures over the limit are refused by the header; so many frames are read and no more."""
    path = write_clip(tmp_path / "clip.webm", frames=5)
    (refused,) = _read(path, max_pixels=50_000)
    with pytest.raises(ImageError, match=r"320×180 pixels, and the limit is 0\.05 megapixels"):
        refused.read()
    *frames, last = _read(path, "1/1", most_frames=2)
    assert len(frames) == 2
    with pytest.raises(ImageError, match="Only 2 frames are read"):
        last.read()


@pytest.mark.skipif(not Path("/proc/self/limits").exists(), reason="not Linux")
def test_a_decoder_has_no_rights_and_may_die(tmp_path: Path) -> None:
    """While it decodes it can open no file; its end costs its video's rest, and tells it."""
    path = write_clip(tmp_path / "clip.webm", frames=10)
    rest = Photo(name="other.jpg", read=bytes)
    photos = FrameReader(sampling=Sampling.parse("1/1")).read(
        [*find_photos([path], videos=True), rest]
    )
    assert next(photos).frame == 0
    (child,) = (one for one in psutil.Process().children() if "facecore.video" in one.cmdline())
    limits = Path(f"/proc/{child.pid}/limits").read_text(encoding="ascii")
    (files,) = (line.split()[3] for line in limits.splitlines() if line.startswith("Max open"))
    opened = {int(one.name) for one in Path(f"/proc/{child.pid}/fd").iterdir()}
    assert opened >= set(range(int(files)))
    os.kill(child.pid, signal.SIGKILL)
    *_, ended, last = photos
    assert last is rest
    with pytest.raises(ImageError, match="ended its decoder after 0:00:00"):
        ended.read()
