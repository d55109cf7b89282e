"""Drawn copies of photos: where they go, and what a stop leaves of them."""

from __future__ import annotations

import errno
import os
from contextlib import closing
from pathlib import Path

import msgspec
import numpy as np
import pytest

from facecore.batch.journal import Journal
from facecore.cli import copies
from facecore.cli.copies import BatchCopies, write_copy, write_films
from facecore.errors import BatchError, FacecoreError
from facecore.export import Row
from facecore.imaging.decoding import decode_image
from facecore.sources.photo import Photo
from tests.batch.conftest import row
from tests.cli.batches import rows_of
from tests.cli.conftest import Argument, in_process
from tests.video.clips import write_clip

IMAGE = np.full((8, 8, 3), 77, np.uint8)


def test_what_a_killed_process_left_is_replaced(tmp_path: Path) -> None:
    """A half copy of a process that had this one's number costs nothing, and is gone."""
    (tmp_path / f".a.annotated.png.{os.getpid()}.part").write_bytes(b"half a picture")
    write_copy(tmp_path, "a.jpg", IMAGE)
    (written,) = tmp_path.iterdir()
    assert written.name == "a.annotated.png"
    np.testing.assert_array_equal(decode_image(written.read_bytes()), IMAGE)


def test_frames_of_one_second_are_told_apart_by_their_copies(tmp_path: Path) -> None:
    """The copy of a video's frame has its whole moment in its name."""
    for time_s in (12, 12.5):
        write_copy(tmp_path, f"folder/clip.mp4#t={time_s:.3f}", IMAGE)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "clip.mp4#t=12.000.annotated.png",
        "clip.mp4#t=12.500.annotated.png",
    ]


def _frame(name: str) -> Row:
    return msgspec.structs.replace(row(f"{name}#t=0.000"), time_s=0.0, frame=0)


def test_videos_of_one_name_are_each_drawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two folders' videos have films of their own, again and again; one that is gone is told."""
    clip = write_clip(tmp_path / "clip.mp4", frames=3).read_bytes()
    videos = [Photo(name=f"{one}/clip.mp4", read=lambda: clip, is_video=True) for one in "ac"]
    rows = [_frame(f"{one}/clip.mp4") for one in "abc"]
    films = tmp_path / "films"
    films.mkdir()
    for _ in range(2):
        write_films(films, videos, rows, {}, 1_000_000)
        assert sorted(path.name for path in films.iterdir()) == [
            "clip.mp4.annotated-3.webm",
            "clip.mp4.annotated.webm",
        ]
        assert "b/clip.mp4 is not there any more" in capsys.readouterr().err


def test_ctrl_c_leaves_no_half_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the writing itself is interrupted, nothing is left in the folder."""

    def interrupted(_: object) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(copies, "encode_png", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_copy(tmp_path, "a.jpg", IMAGE)
    assert list(tmp_path.iterdir()) == []


def _journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal", {})


def test_photo_that_is_read_again_after_a_kill_has_one_copy(tmp_path: Path) -> None:
    """A copy whose row was never written is replaced; all other files keep their place."""
    folder = tmp_path / "copies"
    folder.mkdir()
    mine = folder / "a.annotated.png"
    mine.write_text("mine")
    with _journal(tmp_path) as journal:
        journal.add("first", row("first"))
        BatchCopies(folder, journal).write("one/a.jpg", IMAGE)
    left = folder / ".a.annotated-2.png.1.part"
    left.write_bytes(b"of a process that was killed")
    with _journal(tmp_path) as journal:
        BatchCopies(folder, journal).write("one/a.jpg", IMAGE // 2)
        BatchCopies(folder, journal).write("two/a.jpg", IMAGE)
    numbered = [folder / f"a.annotated-{number}.png" for number in (2, 3)]
    assert sorted(folder.iterdir()) == sorted([mine, *numbered])
    assert [decode_image(path.read_bytes())[0, 0, 0] for path in numbered] == [38, 77]
    assert mine.read_text() == "mine"


def test_copies_may_go_to_another_folder_after_a_stop(tmp_path: Path) -> None:
    """What was noted of the one folder replaces nothing in the other."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    mine = tmp_path / "two" / "a.annotated.png"
    mine.write_text("mine")
    with _journal(tmp_path) as journal:
        BatchCopies(tmp_path / "one", journal).write("a.jpg", IMAGE)
        BatchCopies(tmp_path / "two", journal).write("a.jpg", IMAGE)
    assert mine.read_text() == "mine"
    assert (tmp_path / "two" / "a.annotated-2.png").exists()


@pytest.mark.parametrize(("number", "ends"), [(errno.ENOSPC, True), (errno.EACCES, False)])
def test_disk_that_is_full_ends_the_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, ends: bool
) -> None:
    """A full disk is no fault of each photo that follows; what concerns one copy is."""

    def failing(_: object) -> bytes:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(copies, "encode_png", failing)
    with _journal(tmp_path) as journal, pytest.raises(FacecoreError, match="written") as told:
        BatchCopies(tmp_path, journal).write("a.jpg", IMAGE)
    assert isinstance(told.value, BatchError) is ends


def test_killed_between_copy_and_row_nothing_is_there_twice(
    tmp_path: Path, folder: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The photo that was under way has one copy and one row when the batch is done."""
    faces = sorted(folder.glob("face*"))
    copies = tmp_path / "copies"
    command: list[Argument] = ["analyze", *faces, "--out", out, "--annotate", copies]
    add = Journal.add

    def add_or_stop(journal: Journal, name: str, row: Row, key: str) -> None:
        if len(journal) == 2:
            raise KeyboardInterrupt
        add(journal, name, row, key)

    monkeypatch.setattr(Journal, "add", add_or_stop)
    assert in_process(*command).returncode == 130
    assert len(list(copies.iterdir())) == 3
    monkeypatch.setattr(Journal, "add", add)
    done = in_process(*command)
    assert (done.returncode, done.stderr) == (0, "Going on: 2 photos were done before.\n")
    assert sorted(path.name for path in copies.iterdir()) == [
        f"{face.stem}.annotated.png" for face in faces
    ]
    assert [row["path"] for row in rows_of(out)] == list(map(str, faces))


@pytest.mark.parametrize(
    ("place", "options"),
    [
        (".", ("--annotate",)),
        ("below/deep", ("--recursive", "--annotate-videos")),
        ("../link", ("--annotate",)),
    ],
)
def test_copies_among_what_is_read_are_refused(
    folder: Path, out: Path, place: str, options: tuple[str, ...]
) -> None:
    """After a stop they would be new photos; nothing is read, written or made."""
    (folder.parent / "link").symlink_to(folder)
    before = sorted(folder.iterdir())
    done = in_process("analyze", folder, "--out", out, *options, folder / place)
    (line,) = done.stderr.splitlines()
    assert "read themselves after a stop: name a folder" in line
    assert (done.returncode, done.stdout) == (2, "")
    assert sorted(folder.iterdir()) == before
    assert list(out.parent.iterdir()) == []


def test_copies_below_what_is_read_are_fine_where_nobody_looks(folder: Path, out: Path) -> None:
    """Without ``--recursive`` a folder below is not read, and a photo's own folder neither."""
    for path in folder.glob("0*.png"):
        path.unlink()
    done = in_process("analyze", folder, "--out", out, "--annotate", folder / "drawn")
    assert done.stdout.startswith(f"{out}: 4 photos, ")
    other = out.with_suffix(".csv")
    face = folder / "face0.jpg"
    assert in_process("analyze", face, "--out", other, "--annotate", folder).returncode == 0
    assert (folder / "face0.annotated.png").exists()


@pytest.mark.parametrize("name", [b"\xff\xfe.jpg", b".hidden.jpg", b"...jpg", b".jpg", b"\xff"])
def test_copy_is_never_hidden(tmp_path: Path, name: bytes) -> None:
    """Whatever a photo is called, its copy is there to be seen, and a second one beside it."""
    write_copy(tmp_path, os.fsdecode(name), IMAGE)
    write_copy(tmp_path, os.fsdecode(name), IMAGE)
    written = [path.name for path in tmp_path.iterdir()]
    assert len(written) == 2
    assert not any(name.startswith(".") or "?" in name for name in written)


def test_name_of_a_link_to_nowhere_is_taken(tmp_path: Path) -> None:
    """A copy, alone or of a batch, goes beside such a link, and does not try for ever."""
    place = tmp_path / "a.annotated.png"
    place.symlink_to(tmp_path / "nowhere")
    write_copy(tmp_path, "a.jpg", IMAGE)
    with closing(Journal(tmp_path / "journal", {})) as journal:
        BatchCopies(tmp_path, journal).write("a.jpg", IMAGE)
    assert place.is_symlink()
    assert not (tmp_path / "nowhere").exists()
    assert (tmp_path / "a.annotated-2.png").exists()
    assert (tmp_path / "a.annotated-3.png").exists()
