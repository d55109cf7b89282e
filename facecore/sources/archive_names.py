"""The names in a ZIP file as text: by its flag, as UTF-8, or by the likeliest code page.

A name without the flag for UTF-8 should be of code page 437 (APPNOTE.TXT 6.3.10, appendix
D), but packers write what their system has: a Mac's Finder UTF-8, Windows the code page of its
country. Nothing in the file says which, so it is guessed from all names together.
"""

from __future__ import annotations

import codecs
import itertools
import unicodedata
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import PurePosixPath

from facecore.errors import SettingsError

NESTED_SUFFIXES = (".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst")
"""Archives within an archive: they are not opened, and told of as they may hold photos."""

_IS_UTF8 = 0x800
_UNICODE_PATH = 0x7075  # Info-ZIP's extra field: version, CRC of the plain name, name in UTF-8
# In the order in which they win where two are as likely.
_CODE_PAGES = ("gbk", "cp932", "cp949", "big5", "cp1252", "cp437", "cp850", "cp1251", "cp866")
# Lead bytes of the characters that are in daily use, the first levels of each standard.
_DAILY = {"gbk": (0xB0, 0xD7), "cp932": (0x88, 0x97), "big5": (0xA4, 0xC6), "cp949": (0xB0, 0xC8)}
# Those that names of photos have more often than chance, simplified and traditional.
_FREQUENT = frozenset(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后"
    "作里用道行所然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因"
    "只从想实日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将两高间由问很最重并物手应"
    "战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度门任常先海通教儿"
    "照片图像相册毕业旅游生日快乐婚礼春节中秋北京上海家庭合影全家福朋友同学老师孩子爸妈爷奶证件"
    "這個們來為國說時會過發後裡學還進對開動經現當沒實無與長機關點業間問應戰頭體見產圖畢遊樂禮節"
    "山田太郎富士川本木村藤佐花鈴高橋渡辺井松桜猫犬"
    "写真画像旅行家族友達東京大阪京都運動会卒業入学式結婚誕生日夏休冬春秋思出集合一二三四五六七八九十"
)
_CYRILLIC = frozenset("абвгдежзийклмнопрстуфхцчшщъыьэюяёіїєґАБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯЁІЇЄҐ")
# Guessing costs some microseconds a byte, and so many tell as much as a million.
_GUESSED_BYTES = 20_000
_QUOTES = "‘’“”–—"


def entry_names(infos: Sequence[zipfile.ZipInfo], encoding: str | None = None) -> tuple[str, ...]:
    """Return the names of a ZIP file's entries, in their order.

    Args:
        infos: as Python's zipfile read them.
        encoding: of the names without the flag for UTF-8; guessed where None.
    """
    plain = {place: _bytes_of(info) for place, info in enumerate(infos) if not _is_utf8(info)}
    page = encoding or likeliest_code_page([name for name in plain.values() if not name.isascii()])
    return tuple(
        _decoded(plain[place], page) if place in plain else _flagged(info)
        for place, info in enumerate(infos)
    )


def is_archive(name: str) -> bool:
    """Return whether an entry is named like an archive."""
    return PurePosixPath(name).suffix.lower() in NESTED_SUFFIXES


def checked_encoding(name: str) -> str:
    """Return the name of an encoding of text that Python knows.

    Raises:
        SettingsError: it is none.
    """
    try:
        # A codec that is none of text, such as base64, raises as well.
        "a".encode(name)
        return codecs.lookup(name).name
    except (LookupError, UnicodeError, ValueError):
        raise SettingsError(
            "{name!r} is no encoding of names: say one such as {names}.",
            name=name,
            names=", ".join(_CODE_PAGES[:5]),
        ) from None


def likeliest_code_page(names: Sequence[bytes]) -> str:
    """Return what names that are not all ASCII are most likely encoded in: Python's name of it."""
    if all(_decodes(name, "utf-8") for name in names):
        return "utf-8"
    pages = [page for page in _CODE_PAGES if all(_decodes(name, page) for name in names)]
    # A byte cut off at the end is passed over.
    sample = b"\n".join(names)[:_GUESSED_BYTES]
    return max(pages, key=lambda page: _likelihood(sample, page))


def _is_utf8(info: zipfile.ZipInfo) -> bool:
    return bool(info.flag_bits & _IS_UTF8) or _unicode_path(info) is not None


def _flagged(info: zipfile.ZipInfo) -> str:
    return info.filename if info.flag_bits & _IS_UTF8 else (_unicode_path(info) or info.filename)


def _bytes_of(info: zipfile.ZipInfo) -> bytes:
    # What zipfile does with a name without the flag; each byte is a letter of this page.
    return info.orig_filename.encode("cp437")


def _unicode_path(info: zipfile.ZipInfo) -> str | None:
    extra = info.extra
    while len(extra) >= 4:
        kind, size = int.from_bytes(extra[:2], "little"), int.from_bytes(extra[2:4], "little")
        content, extra = extra[4 : 4 + size], extra[4 + size :]
        of = b"\1" + zlib.crc32(_bytes_of(info)).to_bytes(4, "little")
        if kind == _UNICODE_PATH and content.startswith(of):
            return _decoded(content[5:], "utf-8") or None
    return None


def _decodes(name: bytes, encoding: str) -> bool:
    try:
        name.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _decoded(name: bytes, encoding: str) -> str:
    return name.decode(encoding if _decodes(name, encoding) else "cp437").partition("\0")[0]


def _likelihood(name: bytes, page: str) -> float:
    """Return how much names look like those in this code page, in points for each byte."""
    text = name.decode(page, "ignore")
    points = 0.0
    for place, letter in enumerate(text):
        if not letter.isascii():
            beside = text[max(0, place - 1) : place + 2]
            points += len(letter.encode(page)) * _points(letter, beside, page)
    return points


def _points(letter: str, beside: str, page: str) -> float:
    """Return 1 for a letter as names have them, less for a rare one, -1 for no letter."""
    kind = unicodedata.name(letter, "")
    is_in_latin_word = any(neighbour.isascii() and neighbour.isalpha() for neighbour in beside)
    if kind.startswith("CJK UNIFIED"):
        points = 0.9 if letter in _FREQUENT else 0.4 if _is_daily(letter, page) else -0.5
        return points - 0.5 * is_in_latin_word
    if kind.startswith(("HIRAGANA LETTER", "KATAKANA LETTER", "KATAKANA-HIRAGANA")):
        return 1.0 if page == "cp932" else 0.0
    if kind.startswith("HANGUL SYLLABLE"):
        return 0.6 if _is_daily(letter, page) else -0.5
    has_wrong_case = any(a.islower() and b.isupper() for a, b in itertools.pairwise(beside))
    if kind.startswith("LATIN"):
        # The upper half of code page 1252's first two rows is rare in words.
        points = 0.6 if page == "cp1252" and letter > "\xff" else 1.0
        return -0.5 if has_wrong_case else points if is_in_latin_word else -0.1
    if kind.startswith("CYRILLIC"):
        is_foreign = letter not in _CYRILLIC or is_in_latin_word or has_wrong_case
        return -1.0 if is_foreign else 0.7
    return 0.0 if letter in _QUOTES else -1.0


def _is_daily(letter: str, page: str) -> bool:
    lead, trail = letter.encode(page)
    first, last = _DAILY.get(page, (1, 0))
    return first <= lead <= last and (page in ("cp932", "big5") or trail >= 0xA1)
