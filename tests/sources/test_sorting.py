"""What is a photo: the content decides, and what is passed over is counted by its kind."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path, PurePosixPath

import pillow_heif
import pytest
from PIL import Image

from facecore.errors import FacecoreError
from facecore.imaging import heif
from facecore.imaging.kinds import kind_of
from facecore.sources.folders import find_photos
from facecore.sources.sorting import PassedOver, in_words, is_companion, other_kind

PICTURE = Image.new("RGB", (64, 64), (90, 120, 200))


def _saved(image_format: str) -> bytes:
    buffer = io.BytesIO()
    PICTURE.save(buffer, image_format)
    return buffer.getvalue()


def _heic() -> bytes:
    buffer = io.BytesIO()
    pillow_heif.from_pillow(PICTURE).save(buffer)
    return buffer.getvalue()


PHOTOS = {kind: _saved(kind) for kind in ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "AVIF", "GIF")}
PHOTOS["HEIC"] = _heic()
OTHERS = {
    "PDF": b"%PDF-1.7\n",
    "SVG": b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>',
    "PSD": b"8BPS\0\1" + bytes(20),
    "RAW": b"II*\0\x10\0\0\0CR\2\0",
    "JPEG XL": b"\xff\x0a\0\0",
    "JPEG 2000": b"\0\0\0\x0cjP  \r\n\x87\n",
    "EPS": b"%!PS-Adobe-3.0",
    "video": b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom",
    "ZIP": b"PK\3\4",
    "archive": b"Rar!\x1a\7\1\0",
    "web page": b"<!DOCTYPE html><html>",
    "Mac's companion": b"\0\5\x16\7\0\2\0\0",
}


@pytest.mark.parametrize("kind", [*PHOTOS, *OTHERS])
def test_content_tells_the_kind(kind: str) -> None:
    """A few bytes are enough, whatever the file is called."""
    assert kind_of({**PHOTOS, **OTHERS}[kind]) == kind


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff", b"BM", b"text", b"P", b"RIFF", b"The wide field", b"Our moovie", bytes(4096)],
)
def test_what_is_nothing_known_has_no_kind(data: bytes) -> None:
    """The empty, the cut and the unknown are not guessed at."""
    assert kind_of(data) == ""


@pytest.mark.parametrize(
    "name", ["a.jfif", "a.jpe", "a", "a.heic", "a.txt", "a.JPG.bak", ".hidden"]
)
@pytest.mark.parametrize("kind", PHOTOS)
def test_photo_is_one_by_any_name(kind: str, name: str) -> None:
    """Chrome's .jfif, no suffix and a wrong one: what is inside counts."""
    assert other_kind(name, lambda: PHOTOS[kind]) == ""


def test_name_of_a_photo_is_believed_unread() -> None:
    """What is called a photo is never opened for it, and a broken one is told of as such."""
    assert other_kind("a.JPG", lambda: pytest.fail("opened")) == ""
    assert other_kind("a.heic", lambda: b"no picture") == ""


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("a.pdf", OTHERS["PDF"], "PDF"),
        ("scan", OTHERS["PDF"], "PDF"),
        ("IMG.CR2", OTHERS["RAW"], "RAW"),
        ("IMG.NEF", PHOTOS["TIFF"], "RAW"),
        ("IMG.mov", OTHERS["video"], "video"),
        ("a.docx", OTHERS["ZIP"], "DOCX"),
        ("notes.txt", b"hello", "TXT"),
        ("notes", b"hello", "other"),
        ("a.\x1b[2J", b"hello", "other"),
    ],
)
def test_other_files_are_named(name: str, data: bytes, kind: str) -> None:
    """By what they are, or else by their suffix where it is one."""
    assert other_kind(name, lambda: data) == kind


def test_heic_is_passed_over_where_nothing_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the library a folder tells of it, and no photo fails."""
    monkeypatch.setattr(heif, "is_there", lambda: False)
    assert other_kind("a.HEIC", lambda: PHOTOS["HEIC"]) == "HEIC"
    assert other_kind("a.HEIC", lambda: PHOTOS["JPEG"]) == ""


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        ("._a.jpg", True),
        ("a/Thumbs.db", True),
        (".DS_Store", True),
        ("@eaDir/a.jpg/SYNOPHOTO_THUMB_M.jpg", True),
        ("b/__MACOSX/a.jpg", True),
        (".a.jpg", False),
        ("a._b.jpg", False),
        ("eaDir/a.jpg", False),
    ],
)
def test_companions_are_known(path: str, is_one: bool) -> None:
    """What systems put beside photos is none, and what people hide is."""
    assert is_companion(PurePosixPath(path)) is is_one


def test_counts_are_words() -> None:
    """The most frequent come first; a crowd of kinds is not told one by one."""
    assert in_words(PassedOver()) == ""
    assert in_words(PassedOver(HEIC=12, PDF=1)) == "passed over: 12 HEIC, 1 PDF"
    assert in_words(PassedOver(map(str, range(20)))).endswith(", 12 of other kinds")


def _fill(folder: Path) -> None:
    for name, data in {
        "IMG_1.JPG": PHOTOS["JPEG"],
        "chrome.jfif": PHOTOS["JPEG"],
        "no suffix": PHOTOS["WEBP"],
        "phone.heic": PHOTOS["HEIC"],
        "scan.pdf": OTHERS["PDF"],
        "labels.csv": b"file,gender",
        "._IMG_1.JPG": OTHERS["Mac's companion"],
        ".DS_Store": b"\0\0\0\1Bud1",
        "@eaDir/IMG_1.JPG": PHOTOS["JPEG"],
    }.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "ZIP"])
def test_folder_and_zip_file_give_the_same(tmp_path: Path, packed: bool) -> None:
    """The same files are photos, passed over or not there, however they come."""
    place = tmp_path / "all"
    place.mkdir()
    _fill(place)
    if packed:
        archive = tmp_path / "all.zip"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as writer:
            for path in sorted(place.rglob("*")):
                writer.write(path, path.relative_to(place))
        place = archive
    passed_over = PassedOver()
    found = list(find_photos([place], recursive=True, passed_over=passed_over))
    read = [photo for photo in found if not photo.passed_over]
    names = ["IMG_1.JPG", "chrome.jfif", "no suffix", "phone.heic"]
    assert [photo.name for photo in read] == [f"{place}/{name}" for name in names]
    assert [photo.read() for photo in read][2:] == [PHOTOS["WEBP"], PHOTOS["HEIC"]]
    assert passed_over == {"PDF": 1, "CSV": 1}
    (other,) = [photo for photo in found if photo.passed_over]
    assert (other.name, other.passed_over, other.problem) == (f"{place}/scan.pdf", "PDF", True)
    with pytest.raises(FacecoreError, match="Passed over: This is a PDF"):
        other.read()


def test_folder_of_nothing_else_says_what_it_has(tmp_path: Path) -> None:
    """That there are no photos is no riddle where there is something."""
    (tmp_path / "a.pdf").write_bytes(OTHERS["PDF"])
    *_, problem = find_photos([tmp_path])
    with pytest.raises(FacecoreError, match=r"no photos right in it \(passed over: 1 PDF\)"):
        problem.read()


def test_zip_file_without_its_suffix_is_one(tmp_path: Path) -> None:
    """A download without a name is opened as what it is."""
    path = tmp_path / "download"
    with zipfile.ZipFile(path, "w") as writer:
        writer.writestr("a.jpg", b"photo")
    assert [photo.read() for photo in find_photos([path])] == [b"photo"]
