"""What the command line says of files that it passes over, and of names that are hard to tell."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from facecore.imaging import heif
from facecore.sources.samples import samples
from tests.cli.conftest import in_process

PORTRAIT = samples()[3].read()


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A folder of a photo, what is none, and what is not read."""
    place = tmp_path / "mixed"
    place.mkdir()
    (place / "a.jfif").write_bytes(PORTRAIT)
    (place / "b.pdf").write_bytes(b"%PDF-1.7")
    (place / "c.txt").write_text("notes")
    (place / "._a.jfif").write_bytes(b"\0\5\x16\7")
    return place


def test_text_tells_in_one_line(mixed: Path) -> None:
    """The photo is read, the rest counted, and nothing has failed."""
    done = in_process("analyze", mixed)
    assert done.stdout.startswith(f"{mixed}/a.jfif: 512×600, 1 face")
    assert done.stderr == "passed over: 1 PDF, 1 TXT\n"
    assert done.returncode == 0


def test_json_has_a_line_for_what_might_be_a_photo(mixed: Path) -> None:
    """A program finds each by its name; what nobody takes for a photo is only counted."""
    done = in_process("analyze", mixed, "--json")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [Path(row["path"]).name for row in rows] == ["a.jfif", "b.pdf"]
    assert rows[1]["passed_over"] == "PDF"
    assert rows[1]["error"].startswith("Passed over: This is a PDF")
    assert "passed_over" not in rows[0]
    assert (done.returncode, done.stderr) == (0, "passed over: 1 PDF, 1 TXT\n")


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_rows_have_what_was_passed_over(mixed: Path, tmp_path: Path, suffix: str) -> None:
    """Each form has a row that says why; the summary does not count it as a photo."""
    out = tmp_path / f"out{suffix}"
    done = in_process("analyze", mixed, "--out", out)
    assert done.returncode == 0
    assert done.stdout.startswith(f"{out}: 1 photo; 1 face; ")
    assert done.stdout.endswith("; passed over: 1 PDF, 1 TXT\n")
    text = pq.read_table(out).to_pylist() if suffix == ".parquet" else out.read_text()
    assert "Passed over: This is a PDF" in str(text)


def test_folder_of_phone_photos_without_the_library(
    shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is read is read, and the HEIC is told of; both by folder and by ZIP file."""
    monkeypatch.setattr(heif, "is_there", lambda: False)
    for place in ("folder_mixed", "iphone_mixed.zip"):
        done = in_process("analyze", shared_data / "cases" / place)
        assert done.stdout.count("1 face") == 2
        assert (done.returncode, done.stderr) == (0, "passed over: 1 HEIC\n")


def test_folder_of_phone_photos(shared_data: Path) -> None:
    """With the library all three are read; the HEIC, which lies on its side, is turned once."""
    for place in ("folder_mixed", "iphone_mixed.zip"):
        done = in_process("analyze", shared_data / "cases" / place)
        assert done.stdout.count("512×600, 1 face") == 2
        assert "IMG_0002.HEIC: 600×512, " in done.stdout
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("file", ["rle_333.bmp", "animated.gif"])
def test_cases_are_read(shared_data: Path, file: str) -> None:
    """The known cases have their one face."""
    done = in_process("analyze", shared_data / "cases" / file)
    assert "1 face" in done.stdout


def test_named_file_that_is_no_photo_is_an_error(mixed: Path) -> None:
    """Who names a file wants it read: here nothing is passed over."""
    done = in_process("analyze", mixed / "b.pdf")
    assert done.returncode == 1
    assert "error: This is a PDF, not a photo: save its pages as JPEG or PNG" in done.stderr


def test_encoding_of_names_can_be_said(tmp_path: Path) -> None:
    """Where the guess is wrong somebody knows better; a name that is none is refused."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as writer:
        writer.writestr("X.jpg", PORTRAIT)
    data = path.read_bytes().replace(b"X.jpg", b"\x8e.jpg")
    path.write_bytes(data)
    assert f"{path}/О.jpg" in in_process("analyze", path, "--zip-encoding", "cp866").stdout
    assert f"{path}/Ä.jpg" in in_process("analyze", path, "--zip-encoding", "cp437").stdout
    refused = in_process("analyze", path, "--zip-encoding", "klingon")
    assert refused.returncode == 2
    assert "'klingon' is no encoding of names" in refused.stderr


def test_names_that_are_no_text_stay_apart(tmp_path: Path) -> None:
    """Two files whose names are no UTF-8 have two rows and two copies that can be seen."""
    place, copies = tmp_path / "photos", tmp_path / "copies"
    place.mkdir()
    for name in (b"\xff\xfe.jpg", b"\xff\xfd.jpg"):
        Path(os.fsdecode(os.fsencode(place) + b"/" + name)).write_bytes(PORTRAIT)
    done = in_process("analyze", place, "--json", "--annotate", copies)
    paths = [json.loads(line)["path"] for line in done.stdout.splitlines()]
    assert sorted(paths) == [rf"{place}/\xff\xfd.jpg", rf"{place}/\xff\xfe.jpg"]
    written = sorted(path.name for path in copies.iterdir())
    assert written == ["_xff_xfd.annotated.png", "_xff_xfe.annotated.png"]
