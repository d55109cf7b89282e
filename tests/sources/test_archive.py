"""Photos out of ZIP files: good ones, broken ones, and ones that were made to do harm."""

from __future__ import annotations

import io
import random
import stat
import threading
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest

from facecore.errors import (
    ArchiveError,
    DamagedImageError,
    FacecoreError,
    ImageError,
    SettingsError,
    UnsupportedImageError,
)
from facecore.sources.archive import PhotoArchive
from facecore.sources.archive_directory import ArchiveLimits
from tests.sources.crafted import (
    STORED,
    Entry,
    archive,
    deflated,
    quoted_overlap,
    with_directory,
    zip64,
)

LIMITS = ArchiveLimits(
    max_entries=100, max_entry_bytes=5_000_000, max_total_bytes=20_000_000, max_ratio=100
)
SYMLINK = (stat.S_IFLNK | 0o777) << 16


def _opener(data: bytes) -> Callable[[], BinaryIO]:
    return lambda: io.BytesIO(data)


def _photos(data: bytes, limits: ArchiveLimits = LIMITS) -> PhotoArchive:
    return PhotoArchive(_opener(data), limits)


def _contents(data: bytes) -> dict[str, bytes | str]:
    """Return each entry's bytes, or the sentence that says why there are none."""
    photos = _photos(data)
    found: dict[str, bytes | str] = {}
    for entry in photos.entries:
        try:
            found[entry.name] = photos.read(entry)
        except ImageError as error:
            found[entry.name] = str(error)
    return found


def test_empty_archive_has_no_photos() -> None:
    """An archive without entries is one."""
    assert _contents(archive([])) == {}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_photos_come_as_they_went_in(method: int) -> None:
    """Files packed by Python's own zipfile are the same again, whatever folder they are in."""
    packed = {
        "b.jpg": bytes(range(256)) * 300,
        "below/ä.PNG": b"",
        "below/deep/c.webp": random.Random(1).randbytes(100_000),
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as writer:
        writer.mkdir("below")
        for name, data in packed.items():
            writer.writestr(name, data)
        writer.writestr("notes.txt", "no photo")
    assert _contents(file.getvalue()) == packed


def test_streamed_archive_is_read(tmp_path: Path) -> None:
    """An archive whose sizes stand behind the entries, as from a pipe, is read all the same."""

    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.data = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data: object) -> int:
            self.data += bytes(data)  # type: ignore[call-overload]
            return len(bytes(data))  # type: ignore[call-overload]

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as writer:
        writer.writestr("a.jpg", b"photo" * 1000)
    path = tmp_path / "streamed.zip"
    path.write_bytes(pipe.data)
    photos = PhotoArchive(lambda: path.open("rb"))
    assert [photos.read(entry) for entry in photos.entries] == [b"photo" * 1000]


def test_archive_behind_other_bytes_is_read() -> None:
    """A self-extracting archive has a program before it."""
    file = io.BytesIO(b"program" * 100)
    with zipfile.ZipFile(file, "a") as writer:
        writer.writestr("a.jpg", b"photo")
    assert _contents(file.getvalue()) == {"a.jpg": b"photo"}


def test_what_is_no_photo_is_passed_over() -> None:
    """Folders, other files and the companions that Macs add are no entries."""
    names = [
        "a/",
        "notes.txt",
        "__MACOSX/._a.jpg",
        "a/._b.jpg",
        "__MACOSX/a/c.jpg",
        "none",
        "b.jpg",
    ]
    assert list(_contents(archive([Entry(name=name) for name in names]))) == ["b.jpg"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK",
        b"no archive at all" * 100,
        b"PK\x05\x06" + b"\xff" * 18,
        b"\x89PNG\r\n\x1a\n" + bytes(1000),
        with_directory(b"", b"PK\x01\x02 cut short", 1),
        archive([Entry(name="a.jpg")])[:-30],
        archive([Entry(name="a.jpg", extra=b"\x01\x00\x18\x00\x00")]),
    ],
)
def test_what_is_no_archive_is_one_sentence(data: bytes) -> None:
    """Whatever is wrong with the directory, one sentence says that it cannot be read."""
    with pytest.raises(ArchiveError, match="not a ZIP file that can be read"):
        _photos(data)


def test_file_that_cannot_be_opened_is_one_sentence(tmp_path: Path) -> None:
    """A file that went away is told of, at the beginning and later."""
    path = tmp_path / "a.zip"
    with pytest.raises(ArchiveError, match="No such file or directory"):
        PhotoArchive(lambda: path.open("rb"))
    path.write_bytes(archive([Entry(name="a.jpg")]))
    photos = PhotoArchive(lambda: path.open("rb"))
    path.unlink()
    with pytest.raises(ArchiveError, match="No such file or directory"):
        photos.read(photos.entries[0])


@pytest.mark.parametrize(
    "name",
    [
        "../a.jpg",
        "a/../../b.jpg",
        "a/..",
        "..",
        "/etc/a.jpg",
        "\\server\\a.jpg",
        "C:\\a.jpg",
        "c:/a.jpg",
        "..\\a.jpg",
        "a\\..\\..\\b.jpg",
        "a.jpg\0../b",
        "../notes.txt",
    ],
)
def test_name_that_leads_out_refuses_all(name: str) -> None:
    """An absolute name, or one with .., is an attack: nothing of the archive is read."""
    with pytest.raises(ArchiveError, match="made to do harm"):
        _photos(archive([Entry(name="good.jpg"), Entry(name=name)]))


@pytest.mark.parametrize("name", ["a..jpg", "..a.jpg", "a/b..c/d.jpg", "...jpg/e.jpg", "C.jpg"])
def test_name_with_dots_is_no_attack(name: str) -> None:
    """Two dots that are not a whole name are a name like any other."""
    assert _contents(archive([Entry(name=name)])) == {name: b"photo"}


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        (Entry(name="b.jpg", flags=0x1), "encrypted"),
        (Entry(name="b.jpg", flags=0x41), "encrypted"),
        (Entry(name="b.jpg", data=b"/etc/passwd", attributes=SYMLINK), "a link to another file"),
        (Entry(name="b.jpg", method=99, stored=b"secret"), "method that is not read"),
        (Entry(name="b.jpg", method=12, stored=b"bz2"), "method that is not read"),
        (Entry(name="b.jpg", method=14, stored=b"lzma"), "method that is not read"),
        (Entry(name="b.jpg", crc=1), "checksum is wrong"),
        (Entry(name="b.jpg", method=STORED, crc=1), "checksum is wrong"),
        (Entry(name="b.jpg", size=6), "checksum is wrong"),
        (Entry(name="b.jpg", method=STORED, size=4), "sizes differ"),
        (Entry(name="b.jpg", stored=b"\xff" * 9), "damaged: pack it again"),
        (Entry(name="b.jpg", data=b"photo" * 99, stored=deflated(b"photo" * 99)[:-3]), "damaged"),
        (Entry(name="b.jpg", signature=b"PK\x07\x08"), "checksum is wrong"),
        (
            Entry(name="b.jpg", method=STORED, data=bytes(6_000_000)),
            "more than the limit of 5.0 MB",
        ),
        (Entry(name="b.zip"), "an archive within an archive"),
        (Entry(name="b.tar.GZ"), "an archive within an archive"),
        (Entry(name="a.jpg"), "an entry of this name already"),
    ],
)
def test_bad_entry_costs_only_itself(entry: Entry, says: str) -> None:
    """One entry that cannot be read is told of; those before and behind it are read."""
    found = _contents(archive([Entry(name="a.jpg"), entry, Entry(name="c.jpg")]))
    name = "a.jpg (2)" if entry.name == "a.jpg" else entry.name
    sentence = found.pop(name)
    assert isinstance(sentence, str)
    assert says in sentence
    assert found == {"a.jpg": b"photo", "c.jpg": b"photo"}


def test_duplicates_have_names_of_their_own() -> None:
    """However many entries share a name, and whatever else is called so, no two are the same."""
    names = ["a.jpg", "a.jpg", "a.jpg (2)", "a.jpg", "a.jpg (2).jpg"]
    found = [entry.name for entry in _photos(archive([Entry(name=name) for name in names])).entries]
    assert len(set(found)) == len(found) == 4
    assert found[0] == "a.jpg"


def test_ratio_of_no_photo_refuses_all() -> None:
    """An entry that says that it inflates a thousand times is a bomb."""
    with pytest.raises(ArchiveError, match=r"is a bomb: an entry would inflate to \d+ times"):
        _photos(archive([Entry(name="a.jpg"), Entry(name="b.jpg", data=bytes(2_000_000))]))


def test_many_small_entries_that_are_hardly_there_refuse_all() -> None:
    """Each is too small to be a bomb by itself, and together they are one."""
    entries = [Entry(name=f"{n}.bmp", data=bytes(999_000)) for n in range(11)]
    with pytest.raises(ArchiveError, match=r"is a bomb: all together would inflate to \d+ times"):
        _photos(archive(entries))
    assert len(_photos(archive(entries[:10])).entries) == 10


def test_small_plain_picture_is_no_bomb() -> None:
    """Less than a megabyte may be packed as well as it can."""
    data = bytes(900_000)
    assert _contents(archive([Entry(name="a.bmp", data=data)])) == {"a.bmp": data}


def test_too_much_in_all_refuses_all() -> None:
    """Many entries that are each within the limit may be too much together."""
    entries = [Entry(name=f"{n}.bmp", method=STORED, data=bytes(900_000)) for n in range(23)]
    with pytest.raises(ArchiveError, match=r"would take 20\.7 MB inflated, more than the limit"):
        _photos(archive(entries))
    assert len(_photos(archive(entries[:22])).entries) == 22


def test_too_many_entries_refuse_all() -> None:
    """The number of entries is bounded, whatever they are."""
    entries = [Entry(name=f"{n}.txt", data=b"") for n in range(101)]
    with pytest.raises(ArchiveError, match="has 101 entries, more than the limit of 100"):
        _photos(archive(entries))


def test_flood_of_entries_takes_no_memory() -> None:
    """A directory of half a million entries is refused before it is read."""
    entry = Entry(name="a", data=b"")
    data = with_directory(entry.local_header(), entry.directory_entry(0) * 500_000, 1)
    tracemalloc.start()
    try:
        with pytest.raises(ArchiveError, match="larger directory"):
            _photos(data)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 1_000_000


def test_entry_that_lies_about_its_size_refuses_all() -> None:
    """Real bytes are counted: where there are more than claimed, nothing more is read."""
    bomb = deflated(bytes(20_000_000))
    photos = _photos(
        archive(
            [
                Entry(name="a.jpg"),
                Entry(name="bomb.jpg", data=bytes(3000), stored=bomb),
                Entry(name="c.jpg"),
            ]
        )
    )
    good, lying, later = photos.entries
    assert photos.read(good) == b"photo"
    tracemalloc.start()
    try:
        with pytest.raises(ArchiveError, match="more than the 3000 bytes that it claims"):
            photos.read(lying)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 1_000_000
    for entry in (good, later):
        with pytest.raises(ArchiveError, match="is a bomb"):
            photos.read(entry)


def test_entries_that_share_bytes_refuse_all() -> None:
    """A bomb of entries that quote each other, or point to one place, is not read."""
    bomb = quoted_overlap(50, bytes(900_000))
    with zipfile.ZipFile(io.BytesIO(bomb)) as plain:
        assert sum(info.file_size for info in plain.infolist()) > 40_000_000
    with pytest.raises(ArchiveError, match="shares its bytes"):
        _photos(bomb)
    with pytest.raises(ArchiveError, match="shares its bytes"):
        _photos(archive([Entry(name="a.jpg"), Entry(name="b.jpg", offset=0)]))


@pytest.mark.parametrize(
    "entry",
    [
        Entry(name="b.jpg", stored_size=100_000),
        Entry(name="b.jpg", offset=1_000_000),
        zip64(Entry(name="b.jpg"), size=5, stored_size=1 << 62, offset=42),
        zip64(Entry(name="b.jpg"), size=5, stored_size=7, offset=1 << 62),
        zip64(Entry(name="b.jpg"), size=5, stored_size=7, offset=(1 << 64) - 1),
    ],
)
def test_entry_that_reaches_beyond_the_file_refuses_all(entry: Entry) -> None:
    """A place outside the file, also by 64-bit fields, is no place."""
    with pytest.raises(ArchiveError, match=r"shares its bytes|not a ZIP file"):
        _photos(archive([Entry(name="a.jpg"), entry]))


def test_size_of_64_bits_that_lies_refuses_all() -> None:
    """An entry that claims more bytes than any machine has is a bomb."""
    first = Entry(name="a.jpg")
    offset = len(first.local_header() + first.packed)
    entry = zip64(Entry(name="b.jpg"), size=1 << 60, stored_size=7, offset=offset)
    with pytest.raises(ArchiveError, match="is a bomb"):
        _photos(archive([first, entry]))


def test_fields_of_64_bits_that_are_true_are_read() -> None:
    """An archive in the 64-bit form is read where what it says is right."""
    first = Entry(name="a.jpg")
    offset = len(first.local_header() + first.packed)
    plain = Entry(name="b.jpg")
    entry = zip64(plain, size=len(plain.data), stored_size=len(plain.packed), offset=offset)
    assert _contents(archive([first, entry])) == {"a.jpg": b"photo", "b.jpg": b"photo"}


def test_spoilt_archives_end_in_a_sentence() -> None:
    """Whichever byte of an archive is wrong, what is read is right or an error of ours."""
    good = archive([Entry(name="a.jpg", data=b"photo" * 50), Entry(name="b/c.png", method=STORED)])
    dice = random.Random(7)
    read = 0
    for _ in range(1000):
        spoilt = bytearray(good)
        for _ in range(dice.randint(1, 3)):
            spoilt[dice.randrange(len(spoilt))] = dice.randrange(256)
        try:
            photos = _photos(bytes(spoilt))
        except ArchiveError as error:
            assert "\n" not in str(error)
            continue
        for entry in photos.entries:
            try:
                assert photos.read(entry) in (b"photo" * 50, b"photo")
                read += 1
            except FacecoreError as error:
                assert "\n" not in str(error)
    assert read > 150


def test_threads_read_side_by_side() -> None:
    """Several threads may read entries of one archive at once."""
    packed = [Entry(name=f"{n}.jpg", data=bytes([n]) * 50_000) for n in range(20)]
    photos = _photos(archive(packed))
    wrong: list[str] = []

    def read_all() -> None:
        for entry, known in zip(photos.entries, packed, strict=True):
            if photos.read(entry) != known.data:
                wrong.append(entry.name)

    threads = [threading.Thread(target=read_all) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_refused_entry_is_of_the_kind_that_fits() -> None:
    """What is not taken and what is damaged are told apart."""
    photos = _photos(archive([Entry(name="a.jpg", flags=1), Entry(name="b.jpg", crc=1)]))
    with pytest.raises(UnsupportedImageError):
        photos.read(photos.entries[0])
    with pytest.raises(DamagedImageError):
        photos.read(photos.entries[1])


def test_limits_check_themselves() -> None:
    """A limit of nothing is none."""
    with pytest.raises(SettingsError, match="at least 1"):
        ArchiveLimits(max_entries=0)
    with pytest.raises(SettingsError, match="at least 1"):
        ArchiveLimits(max_ratio=float("nan"))
