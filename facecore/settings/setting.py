"""What a setting is: declared once, beside its field, and read by all that offers settings."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from typing import Any, NamedTuple, NoReturn, TypeVar

from facecore.errors import SettingsError
from facecore.wording import Text, _, listed

Values = Mapping[str, Any]
"""Settings by their name in the code."""

_Settings = TypeVar("_Settings")

_SWITCH_WORDS = {"on": True, "true": True, "off": False, "false": False}


class Group(NamedTuple):
    """Settings that belong together: their title, and that of a fold that hides the rarer ones."""

    title: str
    fold: str = ""


FINDING = Group("Finding faces")
FINDING_MORE = Group("Finding faces", "More about finding")
READING = Group("Reading gender and age")
READING_MORE = Group("Reading gender and age", "More about reading")
SPEED = Group("Speed", "Speed")
GROUPS = (FINDING, FINDING_MORE, READING, READING_MORE, SPEED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting: all that a page, a command, a file or a sentence has to know of it.

    Attributes:
        name: in the code, in files and in messages.
        default: the only one there is.
        label: what it is called wherever it is shown, as in the middle of a sentence.
        help: what it does, in whole sentences.
        group: what it is shown with.
        limits: least and greatest value; whole numbers are meant where the least is one.
        step: from one value to the next in a control.
        choices: all values there are, if these are few.
        offered: what a control offers of a range; with neither ``step`` nor this, counts
            of this machine's processors.
        pattern: what a name, or each of several, must look like.
        unit: of the number.
        none: the word for ``empty``; without it there is no such value.
        empty: the value that stands for nothing, no limit or an automatic choice.
        stages: those that run again where it changed.
        variable: of the environment that sets it; by itself FACECORE_ and its key.
    """

    name: str = ""
    default: Any = None
    label: str
    help: str
    group: Group = SPEED
    limits: tuple[float, float] | None = None
    step: float | None = None
    choices: tuple[Any, ...] = ()
    offered: tuple[Any, ...] = ()
    pattern: str = ""
    unit: str = ""
    none: str = ""
    empty: Any = None
    stages: tuple[str, ...] = ()
    variable: str = ""

    @property
    def key(self) -> str:
        """Return its name in links, without the unit: "max_side" for ``max_side_px``."""
        return re.sub(r"_(px|ratio|ms)$", "", self.name)

    @property
    def flag(self) -> str:
        """Return the option that sets it in a command: "--max-side"."""
        return f"--{self.key.replace('_', '-')}"

    @property
    def title(self) -> str:
        """Return the label as it stands over a control, with the unit, in the reader's language."""
        label = _(self.label)
        label = f"{label[:1].upper()}{label[1:]}"
        return _("{label}, {unit}", label=label, unit=_(self.unit)) if self.unit else label

    @property
    def is_switch(self) -> bool:
        """Return whether it is on or off."""
        return isinstance(self.default, bool)

    @property
    def environment_name(self) -> str:
        """Return the variable of the environment that sets it: "FACECORE_MAX_SIDE"."""
        return self.variable or f"FACECORE_{self.key.upper()}"

    def check(self, value: object) -> None:
        """Check a value's type and range.

        Raises:
            SettingsError: it is none that the setting may have.
        """
        is_empty = value is None and self.empty is None and self.none
        if not is_empty and not self._allows(value):
            self._refuse(value)

    def parse(self, text: str) -> Any:
        """Return the value that a text says, or what its word for nothing stands for.

        Raises:
            SettingsError: it says none; whether it is in range is not looked at.
        """
        if self.none and text.lower() == self.none:
            return self.empty
        if self.is_switch:
            return _SWITCH_WORDS.get(text.lower(), text)
        if isinstance(self.default, tuple):
            return tuple(text.replace(",", " ").split())
        if self.pattern or isinstance(self.default, str):
            return text
        try:
            return int(text) if self._is_whole else float(text)
        except ValueError:
            self._refuse(text)

    def read(self, environment: Mapping[str, str]) -> Any:
        """Return what the setting's variable, which must be there, says.

        Raises:
            SettingsError: it is no number, or outside the range; the variable is named.
        """
        text, name = environment[self.environment_name], self.environment_name
        named = replace(self, label=name, variable=name)
        value = named.parse(text)
        named.check(value)
        return value

    def plain(self, value: Any) -> Any:
        """Return a value as a file or a message has it as the setting's own."""
        if self.none and value == self.none:
            return self.empty
        return tuple(value) if isinstance(value, list) else value

    def text(self, value: Any) -> str:
        """Return a value as links and controls write it: "800", "none"."""
        if value is None or (self.none and value == self.empty):
            return self.none or "none"
        if isinstance(value, tuple | list):
            return " ".join(value) or self.none
        return f"{value:g}" if isinstance(value, float) else str(value)

    def in_words(self, value: Any) -> Text:
        """Return a value as sentences say it: "on", "none", "800 px"."""
        if isinstance(value, bool):
            return Text("on") if value else Text("off")
        text = Text(self.text(value))
        if self.unit and text != self.none:
            return Text("{value} {unit}", value=text, unit=Text(self.unit))
        return text

    @property
    def kind(self) -> type:
        """Return the type of its values, where these are no list and not nothing."""
        if self.limits or self.choices:
            return int if self._is_whole else type((self.limits or self.choices)[0])
        return bool if self.is_switch else str

    @property
    def _is_whole(self) -> bool:
        return isinstance((self.limits or self.choices)[0], int)

    def _allows(self, value: Any) -> bool:
        if self.limits:
            # True would pass for 1, and no comparison holds for a NaN.
            kinds = int if self._is_whole else int | float
            is_number = isinstance(value, kinds) and not isinstance(value, bool)
            return is_number and self.limits[0] <= value <= self.limits[1]
        if self.pattern:
            names = value if isinstance(self.default, tuple) else (value,)
            return isinstance(names, tuple) and all(
                isinstance(one, str) and re.fullmatch(self.pattern, one) for one in names
            )
        # By type as well: 1 equals True, and 300.0 equals 300.
        choices = self.choices or ((True, False) if self.is_switch else ())
        return any(value == one and type(value) is type(one) for one in choices)

    def _refuse(self, value: object) -> NoReturn:
        expected, shown = self._expected(), _shown(value)
        if self.label == self.variable:
            raise SettingsError(
                "{name} must be {expected}, not {value}.",
                name=self.variable,
                expected=expected,
                value=shown,
            )
        raise SettingsError(
            'The setting "{setting}" must be {expected}, not {value}.',
            setting=Text(self.label),
            expected=expected,
            value=shown,
        )

    def _expected(self) -> Text:
        if self.limits:
            low, high = self.limits
            number = Text("a whole number from {low:g} to {high:g}", low=low, high=high)
            if not self._is_whole:
                number = Text("a number from {low:g} to {high:g}", low=low, high=high)
            return (
                Text("{number} or {none}", number=number, none=self.none) if self.none else number
            )
        if self.pattern:
            return Text("a list of names") if isinstance(self.default, tuple) else Text("a name")
        choices = ", ".join(str(one) for one in self.choices or (True, False))
        return Text("one of {choices}", choices=choices)


def setting(default: Any, label: str, group: Group = SPEED, **facts: Any) -> Any:
    """Return a dataclass's field that is a setting: its default, its label, and the rest."""
    declaration = Setting(default=default, label=label, group=group, **facts)
    return field(default=default, metadata={"setting": declaration})


@cache
def declared(kind: type) -> dict[str, Setting]:
    """Return the settings that a dataclass declares, by name, in their order."""
    return {
        one.name: replace(one.metadata["setting"], name=one.name)
        for one in fields(kind)
        if "setting" in one.metadata
    }


def check_all(settings: Any) -> None:
    """Check each setting of a dataclass.

    Raises:
        SettingsError: a value is outside its range or of the wrong type.
    """
    for name, one in declared(settings.__class__).items():
        one.check(getattr(settings, name))


def from_values(kind: Callable[..., _Settings], values: Values) -> _Settings:
    """Return settings of a kind from plain values; what is not given has its default.

    Raises:
        SettingsError: a name is unknown or a value outside its range.
    """
    if not isinstance(values, Mapping):
        raise SettingsError("A setting has a value of the wrong kind: check the file.")
    known = declared(kind)
    unknown = ", ".join(sorted(map(str, set(values) - set(known))))
    if unknown:
        raise SettingsError(
            "There is no setting called {name}: check the spelling.",
            name=ascii(unknown)[1:-1][:80],
        )
    return kind(**{name: known[name].plain(value) for name, value in values.items()})


def differences(ours: Values, theirs: Values) -> dict[str, tuple[Any, Any]]:
    """Return the settings that differ, by name: the value and the other's, None for none at all."""
    return {
        name: (ours.get(name), theirs.get(name))
        for name in {**ours, **theirs}
        if ours.get(name) != theirs.get(name)
    }


def differences_in_words(ours: Values, theirs: Values, settings: Mapping[str, Setting]) -> Text:
    """Return how settings differ: "optimised code off (not on)"; empty where they do not."""
    return listed(
        [
            Text(
                "{setting} {value} (not {other})",
                setting=Text(settings[name].label),
                value=settings[name].in_words(value),
                other=settings[name].in_words(other),
            )
            for name, (value, other) in differences(ours, theirs).items()
        ]
    )


def _shown(value: object) -> str:
    text = (
        ascii(value) if isinstance(value, (str, int, float, type(None))) else type(value).__name__
    )
    return text if len(text) <= 40 else f"{text[:40]}…"
