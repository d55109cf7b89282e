"""Words for people, in their language: sentences with named places, counts, sizes, times, tables.

All code says its sentences in English, as `Text`: an English string that keeps its template and
what fills it, so that files, logs, JSON and the API stay English. Where a person reads it, `_`
puts it into words of the language that is read there::

    raise SettingsError("The seed must be a whole number, not {seed}.", seed=seed)
    why = Text("It is far slower: {speed} in {photos}.", speed=speed, photos=counted(n, "photo"))
    st.caption(_(why))
    st.subheader(_("Settings"))

The first strings of calls of `Text`, `_` and errors, two for a plural, are what ``make messages``
collects into ``facecore/locale/LANGUAGE/LC_MESSAGES/facecore.po`` (tests/translations.py). So they
are written out there, whole sentences, and never f-strings.
"""

from __future__ import annotations

import gettext
import io
import os
import re
import string
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any

ENGLISH = "en"
_FOLDER = Path(__file__).with_name("locale")
OFFERED = (ENGLISH, *sorted(path.parts[-3] for path in _FOLDER.glob("*/LC_MESSAGES/facecore.po")))
"""The codes of all languages: English, and those that there is a catalogue of."""

# Languages without spaces between words, and what they are written in: ideographs, wide points.
_UNSPACED = ("zh", "ja")
_WIDE = re.compile("[\u3000-\u9fff\uff00-\uffef]")
_MEETING = re.compile("[\u3400-\u9fff]\0[A-Za-z0-9]|[A-Za-z0-9]\0[\u3400-\u9fff]")
_WISH = re.compile(r"(?:^|[,:])\s*([A-Za-z]+|\*)[^,:;]*(?:;\s*q\s*=\s*([01](?:\.\d*)?))?")
_LANGUAGE: ContextVar[str | None] = ContextVar("language", default=None)
_NO_PAGE: Callable[[], str | None] = lambda: None  # noqa: E731 - a default to put another into
_page = [_NO_PAGE]


class Text(str):
    """A sentence or a part of one: in English as a string, in any language by `_`.

    Attributes:
        template: with names in braces where values go, and the way a number is written:
            "{share:.1f} % of {faces}"; the same word for all numbers but one where there
            is a plural.
        plural: for all numbers but one; "" where there is none.
        values: what fills it, by name; ``n`` chooses between template and plural.
    """

    template: str
    plural: str
    values: Mapping[str, Any]

    def __new__(cls, template: str, plural: str = "", /, **values: Any) -> Text:
        """Return a text, which one without values may already be; else braces are mere letters.

        Raises:
            ValueError: a value is missing, or the template has more than names.
        """
        if isinstance(template, Text) and not values:
            return template
        chosen = plural if plural and values.get("n") != 1 else template
        self = super().__new__(cls, _filled(chosen, values, ENGLISH))
        self.template, self.plural, self.values = template, plural, values
        return self

    def __add__(self, other: str) -> Text:
        """Return both, one after the other."""
        return listed([self, other], "")

    def __radd__(self, other: str) -> Text:
        """Return both, one after the other."""
        return listed([other, self], "")

    def said_in(self, language: str) -> str:
        """Return it in a language; in English where the catalogue does not have it."""
        if not self or language == ENGLISH:
            return str(self)
        known = _catalogue(language)
        if self.plural:
            n = self.values.get("n")
            chosen = known.ngettext(self.template, self.plural, n if isinstance(n, int) else 2)
        else:
            chosen = known.gettext(self.template)
        return _filled(chosen, self.values, language)


def _(text: object, plural: str = "", /, **values: Any) -> str:
    """Return in the language of whoever looks: a `Text`, an error, or a template and its values.

    What is none of these, or has no translation, is returned as it is.
    """
    said = text if isinstance(text, str) else getattr(text, "text", str(text))
    return Text(said, plural, **values).said_in(language())


def language() -> str:
    """Return the code of the language that is read here: "en" where nobody has asked for another.

    `speaking` says it, else the page that is drawn.
    """
    return _LANGUAGE.get() or _page[0]() or ENGLISH


@contextmanager
def speaking(code: str | None) -> Iterator[None]:
    """Let a language be that of all words within; None leaves it to the page."""
    before = _LANGUAGE.set(code)
    try:
        yield
    finally:
        _LANGUAGE.reset(before)


def follow_page(read: Callable[[], str | None]) -> None:
    """Take the language from a function wherever `speaking` does not say it; None is no page."""
    _page[0] = read


def name_of(code: str) -> str:
    """Return what a language calls itself: "English", "中文"."""
    if code == ENGLISH:
        return "English"
    from babel import Locale  # noqa: PLC0415 - English needs none of it

    name = Locale.parse(code).get_display_name() or code
    return name[:1].upper() + name[1:]


def offered_language(wanted: str | None) -> str:
    """Return which language to speak to whom wants these: "zh-CN", "zh_CN.UTF-8", "zh, en;q=0.9".

    That is the offered one that is liked best (RFC 9110, 12.5.4), the first of equals; English
    where none is wanted. A star is the first of those that are not named.
    """
    wishes: dict[str, float] = {}
    for tag, liked in _WISH.findall((wanted or "").lower()):  # zh-CN and zh are both Chinese
        wishes[tag] = max(wishes.get(tag, 0.0), float(liked or 1))
    star = next((code for code in OFFERED if code not in wishes), ENGLISH)
    codes = {star if tag == "*" else tag: liked for tag, liked in wishes.items()}
    best = max((code for code in codes if code in OFFERED), key=codes.__getitem__, default=ENGLISH)
    return best if codes.get(best) else ENGLISH


def terminal_language() -> str:
    """Return the language of the terminal: of LC_ALL, else LC_MESSAGES, else LANG."""
    told = map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))
    return offered_language(next(filter(None, told), None))


@cache
def _catalogue(code: str) -> gettext.NullTranslations:
    # Read from its source: nothing has to be made after an edit, nor can be stale.
    from babel.messages.mofile import write_mo  # noqa: PLC0415 - English needs none of it
    from babel.messages.pofile import read_po  # noqa: PLC0415

    compiled = io.BytesIO()
    with (_FOLDER / code / "LC_MESSAGES" / "facecore.po").open("rb") as file:
        write_mo(compiled, read_po(file, locale=code))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


class _Filler(string.Formatter):
    """Fills a template by plain names alone: it may have come from another process."""

    def __init__(self, code: str) -> None:
        self._language = code

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> Any:
        if field_name not in kwargs:
            raise ValueError(f"a template has no value {field_name!r}")
        return kwargs[field_name], field_name

    def format_field(self, value: Any, format_spec: str) -> str:
        if len(format_spec) > 4:
            raise ValueError("a template asks for a form of a number that it cannot have")
        value = getattr(value, "text", value) if isinstance(value, Exception) else value
        if isinstance(value, Text):
            return value.said_in(self._language)
        written = str(format(value, format_spec))
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return written if self._language == ENGLISH or not is_number else self._localised(written)

    def _localised(self, number: str) -> str:
        from babel.numbers import get_decimal_symbol, get_group_symbol  # noqa: PLC0415

        point, comma = get_decimal_symbol(self._language), get_group_symbol(self._language)
        return number.translate({ord("."): point, ord(","): comma})


def _filled(template: str, values: Mapping[str, Any], code: str) -> str:
    if not values or code not in _UNSPACED:
        return _Filler(code).vformat(template, (), values) if values else template
    said, filler = "", _Filler(code)
    for letters, name, form, conversion in filler.parse(template):
        said = _met(said, letters)
        if name is not None:
            place = f"{{{name}{'!' if conversion else ''}{conversion or ''}:{form}}}"
            said = _met(said, filler.vformat(place, (), values))
    return said


def _met(said: str, more: str) -> str:
    """Return both: a space where an ideograph meets a Latin letter or a digit, none between two.

    A translation cannot know which of them a value begins with. Within values nothing changes.
    """
    if said.endswith(" ") and _WIDE.match(said[-2:-1]) and _WIDE.match(more):
        return said[:-1] + more
    if more.startswith(" ") and _WIDE.match(said[-1:]) and _WIDE.match(more[1:]):
        return said + more[1:]
    return f"{said} {more}" if _MEETING.search(f"{said[-1:]}\0{more[:1]}") else said + more


def plain(value: object) -> str:
    """Return a `Text` as data has it, English; for encoders that know nothing of it.

    Raises:
        NotImplementedError: it is something else.
    """
    if isinstance(value, Text):
        return str(value)
    raise NotImplementedError


def counted(n: int, what: str) -> Text:
    """Return how many there are: "1 photo", "2 photos"; for words that take an s."""
    one = f"{{n}} {what}"
    return Text(one, one + "s", n=n)


def data_size(count: int) -> str:
    """Return how much so many bytes are, in MB or GB of powers of ten: "0.5 GB"."""
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"


def time_left_s(done: int, total: int, elapsed_s: float) -> float | None:
    """Return the seconds that are left if it goes on as it did so far; None before the first."""
    return elapsed_s / done * (total - done) if done else None


def clock(seconds: float) -> str:
    """Write seconds as hours, minutes and seconds: 0:01:23."""
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


def left_in_words(seconds: float | None) -> Text:
    """Continue a sentence with what is left: ", about 0:01:23 left"; "" for None."""
    return Text("") if seconds is None else Text(", about {time} left", time=clock(seconds))


def listed(texts: Collection[str], between: str = ", ") -> Text:
    """Return texts one after the other, with what stands between them."""
    names = [f"part{place}" for place in range(len(texts))]
    joined = "{between}".join(f"{{{name}}}" for name in names)
    values = dict(zip(names, texts, strict=True))
    return Text(joined, **values, **({"between": Text(between)} if len(texts) > 1 else {}))


def aligned(rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> list[str]:
    """Return rows as lines, columns two spaces apart; those numbered in ``right`` end flush."""
    widths = [max(map(_columns, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            f"{' ' * (width - _columns(cell))}{cell}"
            if place in right
            else f"{cell}{' ' * (width - _columns(cell))}"
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _columns(text: str) -> int:
    """Return how many columns of a terminal a text takes: an ideograph takes two."""
    return len(text) + sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
