"""TOML as people save it: text from bytes, and the line on which each key stands."""

from __future__ import annotations

import codecs
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from facecore.errors import SettingsError

Key = tuple[str, ...]
"""The tables that a key is in, from the outermost, and itself."""

_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def decode_text(data: bytes, name: str) -> str:
    """Return the text of a file of settings.

    Raises:
        SettingsError: it is neither UTF-8 nor UTF-16 with a mark; ``name`` is the file's.
    """
    try:
        # Notepad and PowerShell write UTF-16, with a mark in front.
        return data.decode("utf-16" if data.startswith(_UTF16_MARKS) else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise SettingsError("{name} is no text in UTF-8: save it as UTF-8.", name=name) from error


def key_lines(text: str) -> dict[Key, int]:
    """Return the line, from 1, on which each key and each table of a TOML text begins.

    The text must be right as a whole: then each statement is the fewest lines that are right
    by themselves.
    """
    found: dict[Key, int] = {}
    table: Key = ()
    statement, begins = "", 1
    for number, line in enumerate(text.split("\n"), start=1):
        statement += f"{line}\n"
        try:
            content = tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            continue  # more of the value is to come
        is_header = statement.lstrip().startswith("[")
        for key in _keys(content):
            table = key if is_header else table
            found.setdefault(key if is_header else table + key, begins)
        statement, begins = "", number + 1
    return found


def _keys(content: Mapping[str, Any]) -> Iterator[Key]:
    for name, value in content.items():
        inner = value[-1] if isinstance(value, list) and value else value
        yield (name,)
        if isinstance(inner, Mapping):
            yield from ((name, *key) for key in _keys(inner))
