"""``python -m facecore analyze`` where something is wrong: files, settings, networks, readers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.conftest import (
    facecore,
    in_process,
    json_lines,
)
from tests.conftest import SAMPLES

ASTRONAUT = SAMPLES / "astronaut.png"
HOPPER = SAMPLES / "grace_hopper.jpg"


def _broken(folder: Path) -> dict[Path, str]:
    """Make one file of each kind that cannot be read; with what its sentence says."""
    contents = {
        "empty.png": (b"", "empty"),
        "text.jpg": (b"just text", "not a picture"),
        "short.png": (ASTRONAUT.read_bytes()[:4000], "damaged"),
        "short.jpg": (HOPPER.read_bytes()[:30_000], "cut short"),
        "header.jpg": (HOPPER.read_bytes()[:200], "header is damaged"),
    }
    for name, (data, _) in contents.items():
        (folder / name).write_bytes(data)
    (folder / "no photos").mkdir()
    broken = {folder / name: says for name, (_, says) in contents.items()}
    broken |= {folder / "no photos": "no photos", folder / "missing.png": "no such file"}
    if hasattr(os, "mkfifo"):
        os.mkfifo(folder / "pipe.png")
        broken[folder / "pipe.png"] = "not a regular file"
    return broken


def test_broken_files_do_not_stop_the_others(tmp_path: Path) -> None:
    """Each file that cannot be read has its own line that says why, and no decoder complains."""
    broken = _broken(tmp_path)
    done = facecore("analyze", "--json", *broken, ASTRONAUT)
    *failed, good = json_lines(done.stdout)
    assert [Path(entry["path"]) for entry in failed] == list(broken)
    for entry, says in zip(failed, broken.values(), strict=True):
        assert list(entry) == ["path", "error"]
        assert says in entry["error"]
        assert entry["error"].endswith(".")
    assert len(good["faces"]) == 1
    assert (done.returncode, done.stderr) == (1, "")


def test_folder_of_broken_files_is_read_to_its_end(tmp_path: Path) -> None:
    """In words too, each photo of a folder has its error, and a pipe among them does not hang."""
    inside = [path for path in _broken(tmp_path) if path.suffix and path.exists()]
    done = in_process("analyze", tmp_path)
    starts = [line.split(": error: ")[0] for line in done.stderr.splitlines()]
    assert starts == sorted(map(str, inside))
    assert (done.returncode, done.stdout) == (1, "")


def test_name_that_is_too_long_does_not_stop_the_others() -> None:
    """A path that the system refuses to look at is one failed file."""
    done = in_process("analyze", "--json", f"{'a' * 300}.png", ASTRONAUT)
    assert "Traceback" not in done.stderr
    assert [("error" in entry) for entry in json_lines(done.stdout)] == [True, False]
    assert done.returncode == 1


@pytest.mark.parametrize("letter", ["a", "é", "🙂"])
def test_long_name_leaves_room_for_annotated(tmp_path: Path, letter: str) -> None:
    """The longest names can be annotated, twice, whatever their letters take."""
    photo = tmp_path / f"{letter * (240 // len(letter.encode()))}.png"
    photo.write_bytes(ASTRONAUT.read_bytes())
    done = in_process("analyze", "--annotate", tmp_path / "out", photo, photo)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_copy_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    """Where a copy does not fit, its file has an error, and no half of it lies about."""
    resource = pytest.importorskip("resource", reason="needs Unix's limits")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (9000, before[1]))
    try:
        done = in_process("analyze", "--annotate", tmp_path, ASTRONAUT)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"{ASTRONAUT}: error: ")
    assert "cannot be written" in line
    assert done.returncode == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name", [b"two\nlines.png", b"=cmd.png", b"\xff\xfe.png", "élève 東京.png".encode()]
)
def test_odd_name_does_not_break_its_line(tmp_path: Path, name: bytes) -> None:
    """Whatever the file is called, there is one line of JSON, and no traceback."""
    photo = os.path.join(os.fsencode(tmp_path), name)  # noqa: PTH118 - no Path holds such bytes
    try:
        with open(photo, "wb") as file:  # noqa: PTH123
            file.write(b"no picture")
    except OSError:
        pytest.skip("this file system does not take such a name")
    done = in_process("analyze", "--json", photo)
    (entry,) = json_lines(done.stdout)
    shown = name.decode("utf-8", "backslashreplace")
    assert entry["path"] == str(tmp_path / shown)
    assert (done.returncode, done.stderr) == (1, "")


def test_output_that_cannot_hold_a_letter_does_not_stop_it(tmp_path: Path) -> None:
    """With an output encoding other than UTF-8, names and signs are written as well as they can."""
    photo = tmp_path / "фото.png"
    photo.write_bytes(ASTRONAUT.read_bytes())
    done = facecore("analyze", photo, env={"PYTHONIOENCODING": "ascii"})
    assert "Traceback" not in done.stderr
    assert "512" in done.stdout
    assert done.returncode == 0


@pytest.mark.parametrize(
    "options",
    [
        ["--confidence", "1.5"],
        ["--confidence", "nan"],
        ["--max-side", "31"],
        ["--crop-margin", "-0.1"],
        ["--max-faces", "0"],
        ["--preset", "crowd", "--unsure-below", "1.5"],
        ["--threads", "0"],
        ["--max-megapixels", "0"],
    ],
)
def test_setting_out_of_range_is_one_line(options: list[str]) -> None:
    """A setting outside its range stops the command with one sentence; the status is 2."""
    done = in_process("analyze", *options, ASTRONAUT)
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: The ")
    assert " from " in line
    assert (done.returncode, done.stdout) == (2, "")


def test_unknown_preset_is_one_line() -> None:
    """A preset that there is not stops the command with those that there are; the status is 2."""
    done = in_process("analyze", "--preset", "best", ASTRONAUT)
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: There is no preset 'best': use one of Recommended, Article,")
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize(
    "options", [["--max-side", "wide"], ["--crop-shape", "round"], ["--input-size", "301"]]
)
def test_setting_of_the_wrong_kind_shows_the_usage(options: list[str]) -> None:
    """A setting that is no number or no choice is refused by its name; the status is 2."""
    done = in_process("analyze", *options, ASTRONAUT)
    assert f"error: argument {options[0]}" in done.stderr.splitlines()[-1]
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize(
    ("env", "options"),
    [({"FACECORE_MAX_MEGAPIXELS": "0.1"}, []), ({}, ["--max-megapixels", "0.1"])],
    ids=["variable", "option"],
)
def test_photo_above_the_limit_is_refused(env: dict[str, str], options: list[str]) -> None:
    """Both ways of setting the limit in megapixels refuse a larger photo."""
    done = in_process("analyze", "--json", *options, ASTRONAUT, env=env)
    (entry,) = json_lines(done.stdout)
    assert "0.1 megapixels" in entry["error"]
    assert done.returncode == 1


@pytest.mark.parametrize(
    ("variable", "says"),
    [
        ("FACECORE_MODELS_DIR", "which is not a folder"),
        ("FACECORE_MAX_MEGAPIXELS", "must be a number"),
    ],
)
def test_wrong_variable_is_one_line(tmp_path: Path, variable: str, says: str) -> None:
    """A variable that makes no sense stops the command with one sentence that names it."""
    done = in_process("analyze", ASTRONAUT, env={variable: str(tmp_path / "nothing")})
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: {variable}")
    assert says in line
    assert (done.returncode, done.stdout) == (2, "")


def test_wrong_network_file_is_one_line(tmp_path: Path) -> None:
    """A network's file that is not the known one is never loaded; the status is 2."""
    (tmp_path / "age_net.caffemodel").write_bytes(b"other weights")
    done = in_process("analyze", ASTRONAUT, env={"FACECORE_MODELS_DIR": str(tmp_path)})
    (line,) = done.stderr.splitlines()
    assert "is not the age_net.caffemodel we know (its SHA-256 differs)" in line
    assert (done.returncode, done.stdout) == (2, "")


def test_reader_that_left_causes_no_complaint() -> None:
    """Where nobody reads the answers any more, the command ends without a word."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = facecore("analyze", "--json", ASTRONAUT, HOPPER, stdout=writing)
    finally:
        os.close(writing)
    assert done.stderr == ""
    assert done.returncode == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_full_disk_is_one_line() -> None:
    """Output that cannot be written is told in a sentence, not in a traceback."""
    with Path("/dev/full").open("wb") as full:
        done = facecore("analyze", "--json", ASTRONAUT, stdout=full.fileno())
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("error: ")
    assert done.returncode in (1, 2)


@pytest.mark.parametrize(("photos", "shown"), [(4, True), (3, False)])
def test_bar_is_shown_for_several_files_on_a_terminal(photos: int, shown: bool) -> None:
    """Progress is drawn on a terminal, where somebody waits there for a while."""
    pty = pytest.importorskip("pty", reason="needs pseudo terminals")
    reader, writer = pty.openpty()
    with open(writer, "w", encoding="utf-8") as terminal:  # noqa: PTH123 - it has no path
        done = in_process("analyze", "--json", *[HOPPER] * photos, terminal=terminal)
    told = _read_to_end(reader)
    assert len(json_lines(done.stdout)) == photos
    assert (b"Reading faces" in told) == shown
    assert (b"100%" in told) == shown
    assert done.returncode == 0


def _read_to_end(descriptor: int) -> bytes:
    """Read until the other side is closed, which a terminal tells as an error."""
    told = b""
    try:
        while chunk := os.read(descriptor, 4096):
            told += chunk
    except OSError:
        pass
    finally:
        os.close(descriptor)
    return told
