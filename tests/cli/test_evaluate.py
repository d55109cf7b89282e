"""``python -m facecore evaluate``: figures for labelled photos, and what is wrong with tables."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.evaluation.labels import BoxXyxy
from facecore.settings import AnalysisSettings
from facecore.sources.samples import group_photo
from tests.cli.conftest import in_process, json_lines
from tests.conftest import SAMPLES

ASTRONAUT = SAMPLES / "astronaut.png"
HOPPER = SAMPLES / "grace_hopper.jpg"
PORTRAITS = "file,age,gender\nastronaut.png,40,Female\ngrace_hopper.jpg,70+,f\n"


@pytest.fixture
def portraits(tmp_path: Path) -> Path:
    """A folder with both portraits and their labels."""
    folder = tmp_path / "portraits"
    folder.mkdir()
    for photo in (ASTRONAUT, HOPPER):
        shutil.copy(photo, folder)
    (folder / "labels.csv").write_text(PORTRAITS, encoding="utf-8")
    return folder


def _report(*arguments: str | Path, status: int = 0) -> dict[str, Any]:
    done = in_process("evaluate", "--json", *arguments)
    assert (done.returncode, done.stderr) == (status, "")
    (report,) = json_lines(done.stdout)
    return report


def _write_boxes(path: Path, boxes: dict[str, list[BoxXyxy]]) -> None:
    rows = [",".join(map(str, (name, *box))) for name, found in boxes.items() for box in found]
    path.write_text("\n".join(["file,x1,y1,x2,y2", *rows]), encoding="utf-8")


def test_folder_without_tables_is_refused(tmp_path: Path) -> None:
    """Where there is nothing to compare with, one sentence says what to name."""
    done = in_process("evaluate", tmp_path)
    assert done.stderr == (
        f"error: {tmp_path} has neither labels.csv nor boxes.csv: "
        "name a table with --labels or --boxes.\n"
    )
    assert (done.returncode, done.stdout) == (2, "")


def test_what_cannot_be_evaluated_at_all(tmp_path: Path) -> None:
    """The last line says why in one sentence, and the status is 2."""
    (tmp_path / "labels.csv").write_text("file,whatever\n")
    (tmp_path / "empty.csv").write_text("file,age,gender\n")
    (tmp_path / "good.csv").write_text("file,gender\nnone.png,f\n")
    cases = [
        (["missing"], "missing is no folder"),
        (["labels.csv"], "labels.csv is no folder"),
        ([".", "--labels", "none.csv"], "none.csv cannot be read"),
        ([".", "--boxes", "."], " cannot be read"),
        ([".", "--boxes", "labels.csv", "--labels", "labels.csv"], "needs a first row"),
        ([".", "--labels", "empty.csv"], "No row of the tables can be used."),
        ([".", "--labels", "good.csv", "--confidence", "2"], '"confidence" must be a number'),
        ([".", "--labels", "good.csv"], "None of the photos could be read"),
    ]
    for (folder, *options), says in cases:
        named = [str(tmp_path / n) if n.endswith((".csv", ".")) else n for n in options]
        done = in_process("evaluate", "--json", tmp_path / folder, *named)
        last = done.stderr.splitlines()[-1]
        assert last.startswith("error: ")
        assert says in last
        assert (done.returncode, done.stdout) == (2, ""), says


def test_labels_are_compared_with_the_library_s_answers(
    analyzer: FaceAnalyzer, portraits: Path
) -> None:
    """Figures of people are there, with settings and times; there are none of boxes."""
    report = _report(portraits)
    faces = [analyzer.analyze(photo.read_bytes()).faces[0] for photo in (ASTRONAUT, HOPPER)]
    women = sum(face.gender.label == "Female" for face in faces)
    people = report["attributes"]
    assert (report["photos"], people["photos"]) == (2, 2)
    assert (people["no_face"]["successes"], people["no_face_files"]) == (0, [])
    assert (people["gender"]["successes"], people["gender"]["n"]) == (women, 2)
    assert people["gender_answers"]["Female"] == {"Male": 2 - women, "Female": women}
    assert list(people["gender_by_age_range"]) == ["(38-43)", "70+"]
    errors = [
        abs(face.age_group.expected_age - age) for face, age in zip(faces, (40, 75), strict=True)
    ]
    assert people["age_error_years"]["value"] == pytest.approx(sum(errors) / 2, abs=0.01)
    assert report["detection"] is None
    assert report["settings"]["confidence"] == AnalysisSettings().confidence
    assert report["runtime"]["threads"] is None
    assert report["time_ms"]["median"]["value"] > 0
    assert report["skipped"] == []
    assert any("nearest to the photo's centre" in sentence for sentence in report["how"])


def test_own_boxes_are_all_right(analyzer: FaceAnalyzer, tmp_path: Path) -> None:
    """What the detector finds, taken for the truth, has a precision and a recall of 1."""
    (tmp_path / "group.png").write_bytes(group_photo())
    known = analyzer.analyze(group_photo()).faces
    _write_boxes(tmp_path / "boxes.csv", {"group.png": [face.box.xyxy for face in known]})
    report = _report(tmp_path)
    faces = report["detection"]
    assert report["attributes"] is None
    assert (faces["photos"], faces["faces"]) == (1, len(known))
    assert faces["precision"]["value"] == faces["recall"]["value"] == faces["f1"]["value"] == 1
    assert faces["false_faces_per_photo"] == {"value": 0, "interval": None, "n": 1}
    assert faces["average_precision"]["0.4"]["value"] == 1
    strict = _report(tmp_path, "--confidence", "1.0")["detection"]
    assert (strict["precision"]["n"], strict["recall"]["successes"]) == (0, 0)
    assert strict["average_precision"] == faces["average_precision"]


def test_tables_may_lie_elsewhere(portraits: Path, tmp_path: Path) -> None:
    """Tables that are named count, and the folder's own is not looked at."""
    (portraits / "labels.csv").write_text("no table")
    (tmp_path / "mine.csv").write_text(PORTRAITS, encoding="utf-16")
    _write_boxes(tmp_path / "theirs.csv", {"astronaut.png": [(0, 0, 9, 9)]})
    report = _report(
        portraits, "--labels", tmp_path / "mine.csv", "--boxes", tmp_path / "theirs.csv"
    )
    assert (report["photos"], report["attributes"]["photos"]) == (2, 2)
    assert (report["detection"]["photos"], report["detection"]["recall"]["successes"]) == (1, 0)


def test_words_are_aligned_and_complete(portraits: Path) -> None:
    """In words there is a line per figure with value, interval and n, and how it was made."""
    _write_boxes(portraits / "boxes.csv", {"astronaut.png": [(170, 60, 270, 200)]})
    done = in_process("evaluate", portraits)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == f"{portraits}: 2 of 2 photos read"
    assert lines[1].startswith("settings: confidence 0.7, ")
    headings = [line for line in lines if "95 % interval" in line and line.endswith(" n")]
    assert [line.split("  ")[0] for line in headings] == [
        "Labelled people",
        "Probability against truth",
        "Faces at confidence 0.7",
        "Faces at every confidence",
        "Time per photo",
    ]
    assert len({line.index("interval") for line in headings}) == 1
    for figure in ("gender right", "age group right or next to it", "precision", "recall"):
        (line,) = (line for line in lines if line.startswith(f"  {figure}  "))
        assert " to " in line
        assert line.split()[-2].isdecimal()
    text = " ".join(done.stdout.split())
    for said in ("nearest to the photo's centre", "70+ as 75", "IoU of 0.4", "PASCAL VOC"):
        assert said in text
    assert all(line == line.rstrip() for line in lines)


def _spoil(folder: Path) -> list[str]:
    """Add a bad file, rows and labels to the portraits; with what each sentence says."""
    (folder / "broken.png").write_bytes(ASTRONAUT.read_bytes()[:4000])
    (folder / "labels.csv").write_text(
        f"{PORTRAITS}broken.png,30,m\nmissing.png,30,m\n,30,m\n../portraits,30,m\n"
        "astronaut.png,50,m\n",
        encoding="utf-8",
    )
    (folder / "boxes.csv").write_text(
        "file,x1,y1,x2,y2\nastronaut.png,9,9,1,1\ngrace_hopper.jpg\n", encoding="utf-8"
    )
    return [
        "Row 6 of the labels names no file",
        "Row 8 of the labels ('astronaut.png'): the file has a label already",
        "Row 2 of the boxes ('astronaut.png'): x1, y1, x2, y2 must be numbers",
        "broken.png: ",
        "missing.png: There is no such file",
        "../portraits: ",
    ]


def test_bad_files_and_rows_are_named_and_nothing_else_is_lost(portraits: Path) -> None:
    """Each has one sentence, the good photos have their figures, and the status is 1."""
    says = _spoil(portraits)
    report = _report(portraits, status=1)
    assert len(report["skipped"]) == len(says)
    for sentence, said in zip(report["skipped"], says, strict=True):
        assert sentence.startswith(said)
        assert sentence.endswith(".")
    assert (report["photos"], report["attributes"]["gender"]["n"]) == (2, 2)
    assert (report["detection"]["photos"], report["detection"]["faces"]) == (1, 0)
    assert report["detection"]["average_precision"]["0.5"]["value"] is None


def test_words_name_what_is_bad_on_stderr(portraits: Path) -> None:
    """In words the sentences are errors of their own, beside the figures."""
    says = _spoil(portraits)
    done = in_process("evaluate", portraits)
    lines = done.stderr.splitlines()
    assert len(lines) == len(says)
    for line, said in zip(lines, says, strict=True):
        assert line.startswith(f"error: {said}")
    assert done.stdout.startswith(f"{portraits}: 2 of 5 photos read\n")
    assert done.returncode == 1


def test_odd_names_do_not_break_the_output(portraits: Path) -> None:
    """Names with line ends, escapes and other alphabets are one sentence each."""
    (portraits / "labels.csv").write_text(
        f"{PORTRAITS}\x1b[31m.png,3,m\nфото.png,3,m\na\x00b.png,3,m\n", encoding="utf-8"
    )
    done = in_process("evaluate", portraits)
    assert len(done.stderr.splitlines()) == 3
    assert "\x1b" not in done.stderr
    assert done.returncode == 1


@pytest.fixture
def many_portraits(shared_data: Path, tmp_path: Path) -> Path:
    """A folder with every fifteenth of the labelled portraits, 18 in all."""
    with (shared_data / "fairface" / "labels.csv").open(encoding="utf-8", newline="") as table:
        header, *rows = csv.reader(table)
    for name, *_ in rows[::15]:
        (tmp_path / name).symlink_to(shared_data / "fairface" / name)
    with (tmp_path / "labels.csv").open("w", encoding="utf-8", newline="") as table:
        csv.writer(table).writerows([header, *rows[::15]])
    return tmp_path


def test_shared_portraits_agree_with_counting_what_analyze_says(many_portraits: Path) -> None:
    """On many labelled photos, gender and misses are those of ``analyze``, counted one by one."""
    folder = many_portraits
    people = _report(folder)["attributes"]
    right = read = 0
    answers = {
        Path(entry["path"]).name: entry
        for entry in json_lines(in_process("analyze", "--json", folder).stdout)
    }
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            width, height = answers[row["file"]]["size_wh"]
            by_distance = {
                (x0 + x1 - width) ** 2 + (y0 + y1 - height) ** 2: face["gender"]
                for face in answers[row["file"]]["faces"]
                for x0, y0, x1, y1 in [face["box_xyxy"]]
            }
            if by_distance:
                read += 1
                right += by_distance[min(by_distance)] == row["gender"]
    assert (people["gender"]["successes"], people["gender"]["n"]) == (right, read)
    assert people["no_face"] == people["no_face"] | {"successes": 18 - read, "n": 18}
    assert people["gender"]["value"] > 0.5
    assert people["age_group_one_off"]["value"] > people["age_group_exact"]["value"]
    assert sum(sum(row.values()) for row in people["age_group_answers"].values()) == read


def test_shared_groups_are_mostly_found(shared_data: Path) -> None:
    """The group photos' faces are found well enough that the pixels must be the right ones."""
    report = _report(shared_data / "groups")
    faces = report["detection"]
    assert (faces["photos"], faces["faces"]) == (9, 43)
    assert faces["recall"]["value"] > 0.8
    assert faces["precision"]["value"] > 0.9
    assert 0.8 < faces["average_precision"]["0.5"]["value"] <= 1
    assert json.dumps(report, allow_nan=False)


@pytest.mark.slow
def test_card_reads_with_every_set(portraits: Path) -> None:
    """Each set and preset is a column; a photo that cannot be read is named once."""
    with (portraits / "labels.csv").open("a", encoding="utf-8") as table:
        table.write("missing.png,30,m\n")
    done = in_process("evaluate", "--card", portraits)
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error")]
    assert line.startswith("error: missing.png: ")
    ways = "Article | Recommended | Careful | Aligned | Modern"
    assert f"| Calibration error (ECE) | {ways} |" in done.stdout
    assert "| gender right | 0.0 % (0 to 66) | 0.0 % (0 to 66) |" in done.stdout
