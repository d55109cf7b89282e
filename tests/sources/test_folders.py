"""Finding the photos of a batch."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from facecore.errors import ArchiveError, FacecoreError, ImageError
from facecore.sources.archive_directory import ArchiveLimits
from facecore.sources.folders import find_photos, photos_of_archive, read_photo
from facecore.sources.photo import Photo
from tests.sources.crafted import Entry, archive

as_root = hasattr(os, "geteuid") and os.geteuid() == 0


def _names(photos: list[Photo], folder: Path) -> list[str]:
    return [str(Path(photo.name).relative_to(folder)) for photo in photos]


def _sentence(photo: Photo) -> str:
    with pytest.raises(FacecoreError) as caught:
        photo.read()
    return str(caught.value)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Photos on three levels, and other files."""
    for name in ("b.PNG", "a.jpg", "notes.txt", "one/d.webp", "one/two/c.tiff", "zero/e.bmp"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "empty").mkdir()
    return tmp_path


def test_no_name_finds_nothing() -> None:
    """Where nothing is named, there is nothing."""
    assert list(find_photos([])) == []


@pytest.mark.parametrize(("recursive", "where"), [(False, "right in it"), (True, "photos in it")])
def test_folder_without_photos_is_a_problem(tmp_path: Path, recursive: bool, where: str) -> None:
    """An empty folder stands for itself, and says what is wrong with it."""
    (photo,) = find_photos([tmp_path], recursive=recursive)
    assert photo.problem
    assert photo.name == str(tmp_path)
    assert where in _sentence(photo)


def test_folder_gives_the_photos_right_in_it(folder: Path) -> None:
    """They come by name, whatever the case of the suffix, and their bytes are the files'."""
    photos = list(find_photos([folder]))
    assert _names(photos, folder) == ["a.jpg", "b.PNG"]
    assert [photo.read() for photo in photos] == [b"a.jpg", b"b.PNG"]
    assert not any(photo.problem for photo in photos)


def test_recursive_looks_below(folder: Path) -> None:
    """All levels are looked into, each folder's own photos first."""
    photos = list(find_photos([folder], recursive=True))
    assert _names(photos, folder) == [
        "a.jpg",
        "b.PNG",
        "one/d.webp",
        "one/two/c.tiff",
        "zero/e.bmp",
    ]


def test_link_to_a_folder_is_not_followed(folder: Path) -> None:
    """A folder that holds a link to itself is walked once."""
    (folder / "one" / "loop").symlink_to(folder)
    (folder / "link.jpg").symlink_to(folder / "a.jpg")
    photos = list(find_photos([folder], recursive=True))
    assert len(photos) == 6
    assert photos[2].read() == b"a.jpg"


def test_files_come_as_they_are_named(folder: Path) -> None:
    """A file is taken whatever its suffix, in the order of the command."""
    photos = list(find_photos([folder / "notes.txt", folder / "a.jpg"]))
    assert _names(photos, folder) == ["notes.txt", "a.jpg"]
    assert not any(photo.problem for photo in photos)


def test_what_is_no_photo_is_a_problem(folder: Path) -> None:
    """A name that is none, one that is too long, and a pipe each say so, and do not hang."""
    os.mkfifo(folder / "pipe.png")
    (folder / "broken.png").symlink_to(folder / "nothing")
    paths = [folder / "missing.png", folder / ("a" * 300), folder / "pipe.png", Path("a\0b")]
    paths.append(folder / "broken.png")
    photos = list(find_photos(paths))
    assert all(photo.problem for photo in photos)
    says = ["no such file", "too long", "not a regular file", "no such file", "no such file"]
    for photo, part in zip(photos, says, strict=True):
        assert part in _sentence(photo)


@pytest.mark.skipif(as_root, reason="root may read everything")
def test_folder_that_cannot_be_read_is_a_problem(folder: Path) -> None:
    """What cannot be looked into is told of, and the rest is found."""
    (folder / "one").chmod(0)
    try:
        photos = list(find_photos([folder], recursive=True))
    finally:
        (folder / "one").chmod(0o755)
    assert _names([p for p in photos if not p.problem], folder) == ["a.jpg", "b.PNG", "zero/e.bmp"]
    (problem,) = [photo for photo in photos if photo.problem]
    assert "Permission denied" in _sentence(problem)


def test_name_that_is_no_text_is_kept(tmp_path: Path) -> None:
    """Two names that differ only in bytes that are no text stay two names."""
    names = [os.fsdecode(name) for name in (b"\xfe.png", b"\xff.png")]
    try:
        for name in names:
            (tmp_path / name).write_bytes(b"photo")
    except OSError:
        pytest.skip("this file system does not take such a name")
    assert _names(list(find_photos([tmp_path])), tmp_path) == names


def test_folder_is_no_photo(tmp_path: Path) -> None:
    """Reading a folder's bytes is refused in a sentence."""
    with pytest.raises(ImageError, match="This is a folder"):
        read_photo(tmp_path)


def test_file_at_the_limit_is_read(folder: Path) -> None:
    """As many bytes as the limit are taken, one more are not."""
    assert read_photo(folder / "a.jpg", max_bytes=5) == b"a.jpg"
    with pytest.raises(ImageError, match="more than the limit"):
        read_photo(folder / "a.jpg", max_bytes=4)


def test_huge_file_is_refused_unread(folder: Path) -> None:
    """A file that no memory holds is told of by its size, like the entry of a ZIP file."""
    with (folder / "huge.tif").open("wb") as file:
        file.truncate(1 << 40)  # takes no space, but reading it would
    (photo,) = [photo for photo in find_photos([folder]) if photo.name.endswith("huge.tif")]
    assert not photo.problem
    assert _sentence(photo) == (
        "This file has 1099.5 GB, more than the limit of 0.5 GB: make it smaller."
    )


def test_archive_without_photos_is_a_problem(tmp_path: Path) -> None:
    """A ZIP file that has no photo in it says so."""
    path = tmp_path / "a.ZIP"
    path.write_bytes(archive([Entry(name="notes.txt")]))
    (photo,) = find_photos([path])
    assert (photo.problem, photo.name) == (True, str(path))
    assert "no photos in it" in _sentence(photo)


def test_archive_that_is_named_gives_its_photos(tmp_path: Path) -> None:
    """Each entry is found as if the ZIP file were a folder, and its bytes are read."""
    path = tmp_path / "a.zip"
    path.write_bytes(
        archive([Entry(name="b/c.jpg", data=b"one"), Entry(name="d.zip"), Entry(name="e.txt")])
    )
    photo, nested = find_photos([path])
    assert (photo.name, photo.read()) == (f"{path}/b/c.jpg", b"one")
    assert "within an archive" in _sentence(nested)
    assert not photo.problem


def test_archive_in_a_folder_is_passed_over(folder: Path) -> None:
    """Only a ZIP file that is named is opened."""
    (folder / "more.zip").write_bytes(archive([Entry(name="x.jpg")]))
    found = list(find_photos([folder], recursive=True))
    assert [photo.passed_over for photo in found].count("ZIP") == 1
    assert len(found) == 6


@pytest.mark.parametrize(
    ("data", "says"),
    [(b"no archive", "not a ZIP file"), (archive([Entry(name="../a.jpg")]), "made to do harm")],
)
def test_archive_that_is_refused_is_a_problem(tmp_path: Path, data: bytes, says: str) -> None:
    """The ZIP file stands for itself, with the sentence."""
    path = tmp_path / "a.zip"
    path.write_bytes(data)
    (photo,) = find_photos([path])
    assert photo.problem
    assert says in _sentence(photo)


def test_limits_reach_the_archive(tmp_path: Path) -> None:
    """A caller may take less than the command line does."""
    path = tmp_path / "a.zip"
    path.write_bytes(archive([Entry(name="a.jpg"), Entry(name="b.jpg")]))
    (photo,) = photos_of_archive("a.zip", lambda: path.open("rb"), ArchiveLimits(max_entries=1))
    with pytest.raises(ArchiveError, match="2 entries"):
        photo.read()
