"""Protocol Buffers' text format, as far as Caffe's descriptions of networks use it."""

from __future__ import annotations

import re
from collections.abc import Iterator

_TOKEN = re.compile(r'#[^\n]*|\s+|"(?P<text>[^"\n]*)"|(?P<mark>[{}:])|(?P<word>[^\s{}:"#]+)')

Scalar = str | int | float | bool


class Message:
    """A message: every field may occur any number of times, and keeps the order of the file."""

    def __init__(self) -> None:
        self._fields: dict[str, list[Scalar | Message]] = {}

    def add(self, name: str, value: Scalar | Message) -> None:
        """Add one occurrence of a field."""
        self._fields.setdefault(name, []).append(value)

    def messages(self, name: str) -> list[Message]:
        """Return all messages of that name."""
        return [value for value in self._fields.get(name, []) if isinstance(value, Message)]

    def message(self, name: str) -> Message:
        """Return the one message of that name; an empty one where there is none."""
        return next(iter(self.messages(name)), Message())

    def texts(self, name: str) -> list[str]:
        """Return all values of that name as text."""
        return [str(value) for value in self._fields.get(name, [])]

    def text(self, name: str, default: str = "") -> str:
        """Return the value of that name as text."""
        return next(iter(self.texts(name)), default)

    def numbers(self, name: str) -> list[float]:
        """Return all values of that name that are numbers."""
        return [value for value in self._fields.get(name, []) if isinstance(value, int | float)]

    def number(self, name: str, default: float) -> float:
        """Return the number of that name."""
        return next(iter(self.numbers(name)), default)

    def whole(self, name: str, default: int) -> int:
        """Return the whole number of that name."""
        return int(self.number(name, default))

    def flag(self, name: str, default: bool) -> bool:
        """Return whether a switch is on."""
        return bool(self._fields.get(name, [default])[0])


def parse(text: str) -> Message:
    """Read a description.

    Raises:
        ValueError: the text is none; the message says at which word.
    """
    tokens = _tokens(text)
    return _message(tokens, inner=False)


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    place = 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise ValueError(f"{text[place : place + 20]!r} is not understood")
        place = found.end()
        if found.lastgroup:
            yield found.lastgroup, found[found.lastgroup]


def _message(tokens: Iterator[tuple[str, str]], *, inner: bool) -> Message:
    message = Message()
    for first, name in tokens:
        if (first, name) == ("mark", "}") and inner:
            return message
        if first != "word":
            raise ValueError(f"{name!r} stands where a name should")
        kind, value = next(tokens, ("end", "the end"))
        if (kind, value) == ("mark", ":"):
            kind, value = next(tokens, ("end", "the end"))
        if (kind, value) == ("mark", "{"):
            message.add(name, _message(tokens, inner=True))
        elif kind == "text":
            message.add(name, value)
        elif kind == "word":
            message.add(name, _scalar(value))
        else:
            raise ValueError(f"{value!r} stands where a value should, after {name!r}")
    if inner:
        raise ValueError("a bracket is not closed")
    return message


def _scalar(word: str) -> Scalar:
    if word in ("true", "false"):
        return word == "true"
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    return word  # the name of a constant
