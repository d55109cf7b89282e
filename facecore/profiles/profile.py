"""A profile: the file that carries settings from where they were found to where they run."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from facecore.engines import engine, engines
from facecore.errors import SettingsError
from facecore.models.catalogue import set_spec
from facecore.profiles.toml_text import decode_text, key_lines
from facecore.settings import MAX_MEGAPIXELS, AnalysisSettings, RuntimeOptions
from facecore.settings.presets import PRESETS, preset_name
from facecore.settings.server import ServerSettings
from facecore.settings.setting import Setting, declared
from facecore.sources.names import printable
from facecore.wording import Text

VERSION = 1
MAX_BYTES = 32_000
"""A profile of every setting there is has a fifth of that."""

MAX_LINES = 500
MAX_NAME_LETTERS = 60

_TOP, _RUNTIME, _SERVER = "", "runtime", "server"
_MORE = ("version", "name", "preset")
_IN_TOP = ("model_set", "engine")
_A_PROFILE = Text("A profile")


def sections() -> dict[str, dict[str, Setting]]:
    """Return the settings of each of a profile's tables by name; that of the top level is ""."""
    runtime = declared(RuntimeOptions) | {knob.name: knob for e in engines() for knob in e.knobs}
    top = {name: runtime.pop(name) for name in _IN_TOP}
    server = declared(ServerSettings) | {MAX_MEGAPIXELS.name: MAX_MEGAPIXELS}
    return {_TOP: top | declared(AnalysisSettings), _RUNTIME: runtime, _SERVER: server}


def known_settings() -> dict[str, Setting]:
    """Return all that a profile may set, by name; no two tables have the same."""
    return {name: one for known in sections().values() for name, one in known.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a file of settings says.

    Attributes:
        source: the file's name, for sentences.
        path: the file's; empty where it is none on this machine.
        name: what its maker calls it; may be empty.
        values: by the settings' names, checked one by one; ``preset`` is among them.
        lines: where each stands, from 1.
    """

    source: str
    path: str = ""
    name: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)

    def where(self, name: str) -> str:
        """Return where a value stands: "lobby.toml, line 7"."""
        return Text("{source}, line {line}", source=self.source, line=self.lines[name])


def read_profile(path: Path | str) -> Profile:
    """Read a profile.

    Raises:
        SettingsError: the file cannot be read, or something in it cannot be used.
    """
    name = printable(path)
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise SettingsError(
            "{name} cannot be read ({reason}): check the name.",
            name=name,
            reason=error.strerror,
        ) from error
    return replace(profile_from_bytes(data, name), path=str(path))


def profile_from_bytes(data: bytes, source: str) -> Profile:
    """Return what the bytes of a file say; each value is checked by itself.

    Raises:
        SettingsError: something in it cannot be used; the line is named.
    """
    text = decode_text(data, source)
    if len(data) > MAX_BYTES or text.count("\n") > MAX_LINES:
        raise SettingsError(
            "{source} is too long for a file of settings: {lines} lines, {bytes} bytes.",
            source=source,
            lines=MAX_LINES,
            bytes=MAX_BYTES,
        )
    try:
        content = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise SettingsError("{source} is no TOML: {error}.", source=source, error=error) from error
    at = {key: line for key, line in key_lines(text).items() if len(key) <= 2}
    values: dict[str, Any] = {}
    lines: dict[str, int] = {}
    for table, name, value in _entries(content):
        key = (table, name) if table else (name,)
        try:
            values[name] = _checked(table, name, value)
        except SettingsError as error:
            raise SettingsError(
                "{source}, line {line}: {error}", source=source, line=at[key], error=error.text
            ) from error
        lines[name] = at[key]
    _check_knobs(values, lines, source)
    values.pop("version", None)
    return Profile(source=source, name=values.pop("name", ""), values=values, lines=lines)


def _entries(content: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    for name, value in content.items():
        if isinstance(value, dict) and name in (_RUNTIME, _SERVER):
            yield from ((name, inner, its) for inner, its in value.items())
        else:
            yield _TOP, name, value


def _checked(table: str, name: str, value: Any) -> Any:
    if table == _TOP and name in _MORE:
        return _CHECKS[name](value)
    setting = sections()[table].get(name)
    if setting is None:
        raise SettingsError(_unknown(table, name))
    plain = setting.plain(value)
    # By its name in the file, which is what there is to be mended.
    setting.check(plain)
    if name == "engine" and plain is not None:
        engine(plain)
    if name == "model_set":
        set_spec(plain)
    if name == "overrides":
        ServerSettings(overrides=plain)
    return plain


def _check_knobs(values: Mapping[str, Any], lines: Mapping[str, int], source: str) -> None:
    named = values.get("engine")
    if named is not None:
        its = {*declared(RuntimeOptions), *(knob.name for knob in engine(named).knobs)}
        for name in sections()[_RUNTIME]:
            if name in values and name not in its:
                raise SettingsError(
                    "{source}, line {line}: {name} is no option of the engine {engine}: leave "
                    "it out, or name another engine.",
                    source=source,
                    line=lines[name],
                    name=name,
                    engine=named,
                )


def _unknown(table: str, name: str) -> str:
    """Return what to do about a name that a table has no setting of."""
    for other, known in sections().items():
        if name in known:
            if other:
                return Text("{name} belongs in the table [{table}].", name=name, table=other)
            return Text("{name} belongs above all tables.", name=name)
    names = [*(_MORE if table == _TOP else ()), *sections()[table]]
    close = difflib.get_close_matches(name, names, 1)
    shown = ascii(name)[1:-1][:MAX_NAME_LETTERS]
    advice = (
        Text("did you mean {name}?", name=close[0])
        if close
        else Text("use {names}.", names=", ".join(names))
    )
    return Text("There is no setting called {name}: {advice}", name=shown, advice=advice)


def _checked_version(value: object) -> int:
    if value is True or value != VERSION:
        raise SettingsError(
            "This is a file of version {theirs}, and facecore here knows version "
            "{ours}: take a newer facecore.",
            theirs=ascii(value)[:20],
            ours=VERSION,
        )
    return VERSION


def _checked_preset(value: object) -> str:
    if not isinstance(value, str):
        raise SettingsError("The preset must be one of {names}.", names=", ".join(PRESETS))
    return preset_name(value)


def checked_name(value: object, what: str = _A_PROFILE) -> str:
    """Return a name that somebody gave to something.

    Raises:
        SettingsError: it is empty, too long or not one line of text.
    """
    if (
        not isinstance(value, str)
        or not value.strip()
        or len(value) > MAX_NAME_LETTERS
        or not value.isprintable()
    ):
        raise SettingsError(
            "{what} needs a name of 1 to {most} letters on one line, not {value!r}.",
            what=what,
            most=MAX_NAME_LETTERS,
            value=str(value)[:MAX_NAME_LETTERS],
        )
    return value


_CHECKS: dict[str, Callable[[object], Any]] = {
    "version": _checked_version,
    "name": checked_name,
    "preset": _checked_preset,
}
