"""``python -m facecore analyze``: answers, options, folders, annotated copies."""

from __future__ import annotations

import shutil
from dataclasses import asdict, replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.imaging.decoding import BgrImage, decode_image, encode_png
from facecore.settings import AnalysisSettings
from facecore.settings.presets import PRESETS
from tests.cli.conftest import facecore, in_process, json_lines
from tests.conftest import SAMPLES

ASTRONAUT = SAMPLES / "astronaut.png"
HOPPER = SAMPLES / "grace_hopper.jpg"

SQUARE = AnalysisSettings(input_shape="square", input_size_px=450)
CAPPED = AnalysisSettings(crop_source="capped", careful=True)


def _png(path: Path) -> Path:
    """Write a small grey photo without a face."""
    written, data = cv2.imencode(".png", np.full((40, 60, 3), 128, np.uint8))
    assert written
    path.write_bytes(data.tobytes())
    return path


def test_photo_without_faces_has_an_empty_list(tmp_path: Path) -> None:
    """No face is an answer, not an error."""
    done = in_process("analyze", "--json", _png(tmp_path / "grey.png"))
    (entry,) = json_lines(done.stdout)
    assert (entry["faces"], entry["size_wh"]) == ([], [60, 40])
    assert (done.returncode, done.stderr) == (0, "")


def test_json_gives_a_line_per_file_in_order(analyzer: FaceAnalyzer) -> None:
    """Each file's line says what the library says, with times and resources."""
    done = facecore("analyze", "--json", ASTRONAUT, HOPPER)
    entries = json_lines(done.stdout)
    assert [entry["path"] for entry in entries] == [str(ASTRONAUT), str(HOPPER)]
    for entry in entries:
        (face,) = entry["faces"]
        (known,) = analyzer.analyze(Path(entry["path"]).read_bytes()).faces
        assert face["box_xyxy"] == list(known.box.xyxy)
        assert face["gender_probabilities"] == pytest.approx(known.gender.as_dict(), abs=1e-4)
        assert face["age_group_probabilities"] == pytest.approx(known.age_group.as_dict(), abs=1e-4)
        assert entry["timings_ms"]["total"] > entry["timings_ms"]["detect"] > 0
        assert entry["resources"]["peak_rss_mb"] >= entry["resources"]["rss_mb"] > 0
    assert (done.returncode, done.stderr) == (0, "")


def test_text_says_the_same_in_words() -> None:
    """Without ``--json`` there is a line per photo, and one per face below it."""
    done = in_process("analyze", ASTRONAUT)
    photo, face = done.stdout.splitlines()
    assert photo.startswith(f"{ASTRONAUT}: 512×512, 1 face, ")
    assert face.startswith("  1: Male ")
    assert (done.returncode, done.stderr) == (0, "")


def test_folder_stands_for_the_photos_right_in_it(tmp_path: Path) -> None:
    """A folder gives its photos by name, whatever the case of the suffix, and nothing below it."""
    for name in ("b.PNG", "a.png"):
        _png(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no photo")
    (tmp_path / "below").mkdir()
    _png(tmp_path / "below" / "c.png")
    done = in_process("analyze", "--json", tmp_path, HOPPER)
    paths = [Path(entry["path"]) for entry in json_lines(done.stdout)]
    assert paths == [tmp_path / "a.png", tmp_path / "b.PNG", HOPPER]
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        (["--max-side", "none"], AnalysisSettings(max_side_px=None)),
        (
            ["--max-side", "NONE", "--confidence", "0.9"],
            AnalysisSettings(max_side_px=None, confidence=0.9),
        ),
        (["--max-side", "400", "--max-faces", "1"], AnalysisSettings(max_side_px=400, max_faces=1)),
        (
            ["--crop-shape", "box", "--crop-margin", "0.3"],
            AnalysisSettings(crop_shape="box", crop_margin_ratio=0.3),
        ),
        (["--input-shape", "square", "--input-size", "450"], SQUARE),
        (["--crop-source", "capped", "--careful"], CAPPED),
        (["--preset", "article"], PRESETS["Article"]),
        (
            ["--preset", "CROWD", "--max-side", "1000", "--confidence", "0.9", "--no-rescue"],
            replace(PRESETS["Crowd"], max_side_px=1000, confidence=0.9, rescue=False),
        ),
        (
            ["--reduced-decode", "--no-batch-faces"],
            AnalysisSettings(reduced_decode=True, batch_faces=False),
        ),
        (["--threads", "1", "--no-fusion", "--no-winograd", "--no-optimised"], AnalysisSettings()),
    ],
)
def test_options_reach_the_networks(
    analyzer: FaceAnalyzer,
    couple: BgrImage,
    tmp_path: Path,
    options: list[str],
    settings: AnalysisSettings,
) -> None:
    """Each option changes the answer as the same setting of the library does."""
    photo = tmp_path / "couple.png"
    photo.write_bytes(encode_png(couple))
    (entry,) = json_lines(in_process("analyze", "--json", *options, photo).stdout)
    known = analyzer.analyze(couple, settings, annotate=False).faces
    assert [face["gender"] for face in entry["faces"]] == [face.gender.label for face in known]
    boxes = np.array([face["box_xyxy"] for face in entry["faces"]])
    np.testing.assert_allclose(boxes, [face.box.xyxy for face in known], atol=2)
    ages = np.array([list(face["age_group_probabilities"].values()) for face in entry["faces"]])
    np.testing.assert_allclose(ages, [face.age_group.probabilities for face in known], atol=0.02)
    assert entry["settings"] == asdict(settings)


def test_annotate_writes_a_png_of_the_photos_size(analyzer: FaceAnalyzer, tmp_path: Path) -> None:
    """The folder is made, and gets the photo with its faces drawn, whole and alone."""
    done = in_process("analyze", "--annotate", tmp_path / "new" / "out", HOPPER)
    (written,) = (tmp_path / "new" / "out").iterdir()
    assert written.name == "grace_hopper.annotated.png"
    data = written.read_bytes()
    assert data.startswith(b"\x89PNG")
    known = analyzer.analyze(HOPPER.read_bytes()).annotated
    assert known is not None
    np.testing.assert_array_equal(decode_image(data), known)
    assert (done.returncode, done.stderr) == (0, "")


def test_annotate_never_overwrites(tmp_path: Path) -> None:
    """Photos of the same name, a second run, and a file that lies there keep their own place."""
    (tmp_path / "other").mkdir()
    twin = shutil.copy(HOPPER, tmp_path / "other" / "astronaut.jpg")
    out = tmp_path / "out"
    out.mkdir()
    mine = out / "astronaut.annotated.png"
    mine.write_text("mine")
    for _ in range(2):
        assert in_process("analyze", "--annotate", out, ASTRONAUT, twin).returncode == 0
    numbered = [f"astronaut.annotated-{number}.png" for number in (2, 3, 4, 5)]
    assert sorted(path.name for path in out.iterdir()) == sorted([mine.name, *numbered])
    sizes = [decode_image((out / name).read_bytes()).shape[:2] for name in numbered]
    assert sizes == [(512, 512), (600, 512)] * 2
    assert mine.read_text() == "mine"


def test_writing_aside_overwrites_nothing_either(tmp_path: Path) -> None:
    """A file that has the name of the unfinished copy is left as it was."""
    mine = tmp_path / "astronaut.annotated.part"
    mine.write_text("mine")
    assert in_process("analyze", "--annotate", tmp_path, ASTRONAUT).returncode == 0
    assert mine.exists()
    assert mine.read_text() == "mine"


def test_annotated_copy_may_be_read_by_whoever_may_read_other_files(tmp_path: Path) -> None:
    """A copy has the access rights that this user's new files have."""
    assert in_process("analyze", "--annotate", tmp_path, ASTRONAUT).returncode == 0
    (written,) = tmp_path.iterdir()
    (tmp_path / "other").touch()
    assert oct(written.stat().st_mode) == oct((tmp_path / "other").stat().st_mode)


def test_annotate_into_a_file_is_refused(tmp_path: Path) -> None:
    """Where the folder cannot be made, one sentence says so before anything is read."""
    (tmp_path / "out").touch()
    done = in_process("analyze", "--annotate", tmp_path / "out", ASTRONAUT)
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: {tmp_path / 'out'} cannot be made a folder")
    assert (done.returncode, done.stdout) == (2, "")
