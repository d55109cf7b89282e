"""The photos of a batch's uploads, within what a session may hold."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from facecore.errors import FacecoreError
from facecore.sources.photo import Photo
from facecore.ui.batch import inputs as batch_inputs
from facecore.ui.batch.inputs import MAX_BATCH_PHOTOS, photos_of
from tests.sources.crafted import STORED, Entry, archive


@dataclass
class Uploaded:
    """A file as Streamlit hands it over."""

    name: str
    data: bytes = b"photo"

    def __post_init__(self) -> None:
        self.file_id = f"number of {self.name}"
        self.size = len(self.data)

    def getvalue(self) -> bytes:
        """Return its bytes."""
        return self.data


def _names(uploads: list[Uploaded]) -> list[str]:
    return [photo.name for photo in photos_of(uploads).photos]


def _sentence(photo: Photo) -> str:
    with pytest.raises(FacecoreError) as caught:
        photo.read()
    return str(caught.value)


def test_no_upload_is_no_photo() -> None:
    """Without files there is nothing to read and nothing to say."""
    chosen = photos_of([])
    assert (chosen.photos, chosen.notes) == ((), ())


def test_files_and_archives_are_read_alike() -> None:
    """A ZIP file's photos stand where it stands, each with its own bytes."""
    packed = archive([Entry(name="x/b.jpg", data=b"two"), Entry(name="notes.txt")])
    uploads = [Uploaded("a.jpg", b"one"), Uploaded("More.ZIP", packed), Uploaded("c.png", b"three")]
    photos = photos_of(uploads).photos
    assert [photo.name for photo in photos] == ["a.jpg", "More.ZIP/x/b.jpg", "c.png"]
    assert [photo.read() for photo in photos] == [b"one", b"two", b"three"]


def test_photos_of_one_name_can_be_told_apart() -> None:
    """Names that occur again get a number, also those of archives of one name."""
    packed = archive([Entry(name="a.jpg")])
    uploads = [Uploaded("a.jpg"), Uploaded("a.jpg"), Uploaded("z.zip", packed)]
    assert _names([*uploads, Uploaded("z.zip", packed)]) == [
        "a.jpg",
        "a.jpg (2)",
        "z.zip/a.jpg",
        "z.zip/a.jpg (2)",
    ]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"no archive", "not a ZIP file"),
        (archive([Entry(name="../a.jpg")]), "made to do harm"),
        (archive([Entry(name="a.jpg", data=bytes(2_000_000))]), "is a bomb"),
        (archive([]), "no photos in it"),
    ],
)
def test_archive_that_is_refused_has_a_line_that_says_why(data: bytes, says: str) -> None:
    """It stands in the list for itself, among the photos of others."""
    first, photo, last = photos_of(
        [Uploaded("a.jpg"), Uploaded("bad.zip", data), Uploaded("c.jpg")]
    ).photos
    assert (first.name, photo.name, last.name) == ("a.jpg", "bad.zip", "c.jpg")
    assert says in _sentence(photo)


def test_entry_that_is_too_large_for_a_session_is_refused() -> None:
    """An entry of an archive may be no larger than a file that is uploaded by itself."""
    entry = Entry(name="a.bmp", data=bytes(60_000_000), method=STORED)
    (photo,) = photos_of([Uploaded("a.zip", archive([entry]))]).photos
    assert "more than the limit of 50.0 MB" in _sentence(photo)


def test_photos_beyond_the_limit_are_left_out() -> None:
    """Only so many photos are taken, and a sentence says so."""
    packed = archive([Entry(name=f"{n}.jpg", data=b"") for n in range(MAX_BATCH_PHOTOS)])
    chosen = photos_of([Uploaded("a.jpg"), Uploaded("z.zip", packed)])
    assert len(chosen.photos) == MAX_BATCH_PHOTOS
    (note,) = chosen.notes
    assert note.startswith(f"Only the first {MAX_BATCH_PHOTOS} photos are taken")
    assert photos_of([Uploaded("z.zip", packed)]).notes == ()


def test_bytes_beyond_the_limit_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that are too much together are taken as far as they fit."""
    monkeypatch.setattr(batch_inputs, "MAX_BATCH_BYTES", 2_000_000)
    uploads = [Uploaded(f"{n}.jpg", bytes(900_000)) for n in range(3)]
    chosen = photos_of(uploads)
    assert [photo.name for photo in chosen.photos] == ["0.jpg", "1.jpg"]
    assert chosen.file_ids == ("number of 0.jpg", "number of 1.jpg")
    (note,) = chosen.notes
    assert "more than 2 MB: only the first 2 are taken" in note
    assert photos_of(uploads[:2]).notes == ()


def test_what_is_no_photo_is_passed_over_and_told() -> None:
    """Content decides for uploads too, and the page says what it leaves out."""
    uploads = [
        Uploaded("no suffix", b"\xff\xd8\xff\xe0"),
        Uploaded("scan.pdf", b"%PDF-1.7"),
        Uploaded("notes.txt", b"hello"),
        Uploaded("._a.jpg", b"\0\5\x16\7\0\2\0\0"),
    ]
    chosen = photos_of(uploads)
    assert [(photo.name, photo.passed_over) for photo in chosen.photos] == [
        ("no suffix", ""),
        ("scan.pdf", "PDF"),
    ]
    assert chosen.notes == ("There is more than photos here; passed over: 1 PDF, 1 TXT.",)
