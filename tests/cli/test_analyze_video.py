"""``facecore analyze clip.mp4``: rows of frames, through a kill, the same as those of photos."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from facecore.imaging.decoding import decode_image, encode_png
from facecore.sources.folders import find_photos
from facecore.video.frames import FrameReader
from facecore.video.sampling import Sampling
from tests.cli.batches import rows_of, start, wait_for_halt
from tests.cli.conftest import in_process
from tests.video.clips import write_clip

pytestmark = pytest.mark.slow


def _answers(row: dict[str, Any]) -> dict[str, Any]:
    faces = [{k: v for k, v in face.items() if k != "track"} for face in row["faces"]]
    return {"size": (row["width_px"], row["height_px"]), "faces": faces}


def _expect_drawn(film: Path, faces: list[dict[str, Any]]) -> None:
    """Half way between two frames that were read, boxes are half way between theirs."""
    video = cv2.VideoCapture(str(film))
    assert video.get(cv2.CAP_PROP_FPS) == 15
    assert video.get(cv2.CAP_PROP_FOURCC) == cv2.VideoWriter.fourcc(*"VP80")
    video.set(cv2.CAP_PROP_POS_MSEC, 1533)
    image = np.asarray(video.read()[1], np.int32)
    assert image.shape == (360, 640, 3)
    for track in (1, 2):
        (first, second) = (face["box_xyxy"] for face in faces if face["track"] == track)
        left = (first[0] + second[0]) / 2
        middle = (first[1] + first[3]) // 2
        beside = image[middle - 10 : middle + 10, round(left) - 3 : round(left) + 4].mean(axis=0)
        # The line is green: more so than blue and red.
        assert (beside[:, 1] - beside[:, (0, 2)].max(axis=1)).max() > 40


def test_a_video_is_read_like_its_frames_as_photos(tmp_path: Path) -> None:
    """Through a kill each frame has one row, in order, with tracks, as its picture would have."""
    clip = write_clip(tmp_path / "clip.webm", frames=42, fps=4, size_wh=(640, 360))
    out = tmp_path / "rows.parquet"
    process = start(clip, "--out", out, "--frames", "1/s", halts=[3])
    wait_for_halt(process).kill()
    process.communicate()
    films = tmp_path / "films"
    done = in_process(
        *("analyze", clip, "--out", out, "--frames", "1/s", "--annotate-videos", films)
    )
    assert done.returncode == 0
    assert "Going on: 3 photos were done before." in done.stderr
    rows = rows_of(out)
    assert [row["time_s"] for row in rows] == list(range(11))
    assert [row["frame"] for row in rows] == [4 * second for second in range(11)]
    assert [row["path"] for row in rows][-1] == f"{clip}#t=10.000"
    tracks = [[face["track"] for face in row["faces"]] for row in rows]
    assert {track for two in tracks for track in two} == {1, 2}

    (film,) = films.iterdir()
    assert film.name == "clip.webm.annotated.webm"
    _expect_drawn(film, rows[1]["faces"] + rows[2]["faces"])

    stills = tmp_path / "stills"
    stills.mkdir()
    reader = FrameReader(sampling=Sampling.parse("1/s"))
    for photo in reader.read(find_photos([clip], videos=True)):
        (stills / f"{photo.frame:03}.png").write_bytes(encode_png(decode_image(photo.read())))
    photos = tmp_path / "photos.parquet"
    assert in_process("analyze", stills, "--out", photos).returncode == 0
    assert [_answers(row) for row in rows_of(photos)] == [_answers(row) for row in rows]
    assert {row["time_s"] for row in rows_of(photos)} == {None}


def test_a_video_beside_photos(tmp_path: Path) -> None:
    """Workers read both; a video that is cut has a row with one sentence, and costs no other."""
    folder = tmp_path / "folder"
    folder.mkdir()
    write_clip(folder / "a.avi", frames=6, fps=4)
    cut = write_clip(folder / "b.mp4", frames=6)
    cut.write_bytes(cut.read_bytes()[:2000])
    out = tmp_path / "rows.csv"
    done = in_process("analyze", folder, folder / "a.avi", "--out", out, "--workers", "2")
    assert done.returncode == 1
    assert [Path(row["path"]).name for row in rows_of(out)] == [
        *("a.avi#t=0.000", "a.avi#t=0.500", "a.avi#t=1.000"),
        "b.mp4",
    ]
    assert "cut off before its index" in rows_of(out)[-1]["error"]
    refused = in_process("analyze", folder, "--frames", "fast")
    assert refused.returncode == 2 and "two per second" in refused.stderr
