"""Names in ZIP files: by their flag, as UTF-8, or by the likeliest code page."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path

import pytest

from facecore.errors import SettingsError
from facecore.sources import archive_names
from facecore.sources.archive import PhotoArchive
from facecore.sources.archive_names import checked_encoding, likeliest_code_page
from tests.sources.crafted import Entry, archive

NAMES = {
    "gbk": [
        "照片一二三.jpg",
        "我的照片/2019年春节/合影1.jpg",
        "毕业照.png",
        "桂林山水.jpg",
        "张伟.jpg",
    ],
    "cp932": ["写真.jpg", "家族旅行/集合写真.jpg", "ソフト表示.png", "さくら.jpg", "山田太郎.jpg"],
    "big5": ["畢業典禮.jpg", "新增資料夾/圖片1.jpg", "全家福.jpg"],
    "cp949": ["사진.jpg", "가족 여행.jpg", "서울/한강 공원.jpg", "김철수.jpg"],
    "cp1252": [
        "Café.jpg",
        "Müller.jpg",
        "Größe.jpg",
        "été/plage.jpg",
        "São Paulo.jpg",
        "Élodie.jpg",
    ],
    "cp437": ["Café.jpg", "Müller.jpg", "Größe.jpg", "été/plage.jpg", "señor.jpg", "Élodie.jpg"],
    "cp850": ["Søren.jpg", "João.jpg", "Ærø.jpg"],
    "cp1251": ["Москва.jpg", "Новая папка/отпуск 2019.jpg"],
    "cp866": ["Москва.jpg", "Новая папка/отпуск 2019.jpg"],
}


def _names(data: bytes, encoding: str | None = None) -> list[str]:
    photos = PhotoArchive(lambda: io.BytesIO(data), encoding=encoding)
    return [entry.name for entry in photos.entries]


def _packed(names: list[bytes]) -> bytes:
    """An archive of names as they are, without the flag for UTF-8."""
    return archive([Entry(name="", raw_name=name, flags=0) for name in names])


@pytest.mark.parametrize("page", NAMES)
def test_code_page_of_a_whole_archive_is_found(page: str) -> None:
    """Names that belong together tell their country's code page."""
    raw = [name.encode(page) for name in NAMES[page]]
    guessed = likeliest_code_page(raw)
    assert [name.decode(guessed) for name in raw] == NAMES[page]


@pytest.mark.parametrize(
    ("name", "page"),
    [(names[place], page) for page, names in NAMES.items() for place in (0, 1)],
)
def test_single_name_is_mostly_enough(name: str, page: str) -> None:
    """One name of a few letters is often all that there is."""
    raw = name.encode(page)
    assert raw.decode(likeliest_code_page([raw])) == name


def test_flag_comes_first_then_utf8_then_the_guess() -> None:
    """What an archive says counts; a Mac's UTF-8 is told without it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as writer:
        writer.writestr("Zoë.jpg", b"")
    assert _names(file.getvalue()) == ["Zoë.jpg"]
    assert _names(_packed(["Café-Zoë.jpg".encode(), b"plain.jpg"])) == ["Café-Zoë.jpg", "plain.jpg"]
    assert _names(_packed([name.encode("gbk") for name in NAMES["gbk"][:2]])) == NAMES["gbk"][:2]


def test_said_encoding_wins_over_the_guess() -> None:
    """Whoever knows better says so; what does not fit it is left as it was packed."""
    raw = "写真.jpg".encode("cp932")
    assert _names(_packed([raw]), "cp932") == ["写真.jpg"]
    assert _names(_packed([raw]), "cp866") == [raw.decode("cp866")]
    assert _names(_packed(["é.jpg".encode("cp437")]), "utf-8") == ["é.jpg"]


def test_second_name_in_utf8_counts() -> None:
    """Info-ZIP's field has the true name where it was made for this very one."""
    plain, true = b"caf_.jpg", "café.jpg"
    content = struct.pack("<BI", 1, zlib.crc32(plain)) + true.encode()
    extra = struct.pack("<HH", 0x7075, len(content)) + content
    assert _names(archive([Entry(name=plain.decode(), flags=0, extra=extra)])) == [true]
    other = extra.replace(struct.pack("<I", zlib.crc32(plain)), b"else")
    assert _names(archive([Entry(name=plain.decode(), flags=0, extra=other)])) == [plain.decode()]


def test_known_cases_have_their_names(shared_data: Path) -> None:
    """Archives as a Mac and a Chinese Windows pack them."""
    for file, name in (("zip_names_gbk", "照片一二三.jpg"), ("zip_names_mac_utf8", "Café-Zoë.jpg")):
        assert _names((shared_data / "cases" / f"{file}.zip").read_bytes()) == [name]


@pytest.mark.parametrize("name", ["gbk", "Shift_JIS", "CP437", "utf-8"])
def test_encoding_is_known_by_its_names(name: str) -> None:
    """Capitals and lines do not matter."""
    assert "é".encode(checked_encoding(name), "replace")


@pytest.mark.parametrize("name", ["", "klingon", "base64", "rot13", "a\0b"])
def test_what_is_no_encoding_is_one_sentence(name: str) -> None:
    """A wrong name is told of before anything is read."""
    with pytest.raises(SettingsError, match="no encoding of names"):
        checked_encoding(name)


def test_a_flood_of_names_costs_no_more_than_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Letters are weighed up to a bound, however many a ZIP file's names have."""
    weighed = 0
    weigh = archive_names._points

    def counted(*arguments: str) -> float:
        nonlocal weighed
        weighed += 1
        return weigh(*arguments)

    monkeypatch.setattr(archive_names, "_points", counted)
    names = [name.encode("cp1251") for name in ["фотография на память.jpg"] * 10_000]
    assert likeliest_code_page(names) == "cp1251"
    assert 0 < weighed < 200_000
