"""A configuration as a profile's text, and as the options of a command."""

from __future__ import annotations

import json
import os
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from facecore.engines import ENGINE_VARIABLE, engine_for
from facecore.profiles.configuration import Configuration
from facecore.profiles.profile import VERSION, sections
from facecore.settings import DEFAULT_MODEL_SET
from facecore.settings.presets import RECOMMENDED, preset, preset_options
from facecore.settings.setting import Setting

_WIDTH = 96
_NAMED = ("model_set", "engine")
_PLAIN: dict[str, Any] = {"threads": None, "engine_options": ()}
_HEAD = """\
# Settings of facecore: facecore serve --settings FILE, or drop this file on the sidebar.
# What is not here is as the preset has it, else the default."""


def profile_text(given: Configuration) -> str:
    """Return the TOML of a profile with all that is not as the preset or the default has it."""
    head = {"version": VERSION, "name": given.name, "preset": given.preset}
    lines = [_HEAD, *(f"{name} = {_toml(value)}" for name, value in head.items() if value != "")]
    said = _said(given)
    for table, known in sections().items():
        entries = [
            line for name, one in known.items() if name in said for line in _entry(one, said[name])
        ]
        lines += ["", f"[{table}]"] if table and entries else []
        lines += entries
    return "\n".join(lines) + "\n"


def flags_of(given: Configuration) -> list[str]:
    """Return the options of ``analyze`` and ``evaluate`` that say the same, queue aside."""
    usual = {"model_set": DEFAULT_MODEL_SET, "engine": preset_options(given.preset).engine}
    said = {n: v for n, v in _said(given).items() if n not in usual or v != usual[n]}
    words = [] if given.preset == RECOMMENDED else ["--preset", given.preset]
    for table, known in sections().items():
        if table != "server":
            words += [
                word
                for name, one in known.items()
                if name in said
                for word in _flag(one, said[name])
            ]
    return words


def _said(given: Configuration) -> dict[str, Any]:
    """Return what a profile has to say, by name."""
    values = given.values()
    if given.options.engine is None and os.environ.get(ENGINE_VARIABLE):
        # What the variable says here, nothing says where the profile goes.
        values["engine"] = engine_for(given.options).name
    usual = Configuration(
        settings=preset(given.preset), options=replace(given.options, **_PLAIN)
    ).values()
    return {
        name: value for name, value in values.items() if name in _NAMED or value != usual.get(name)
    }


def _entry(setting: Setting, value: Any) -> Iterator[str]:
    yield ""
    yield from textwrap.wrap(setting.help, _WIDTH, initial_indent="# ", subsequent_indent="# ")
    yield f"{setting.name} = {_toml(setting.none if value is None else value)}"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    # A text of one line is the same in JSON; the rest are numbers, and lists of names.
    return repr(value) if isinstance(value, float) else json.dumps(value, ensure_ascii=False)


def _flag(setting: Setting, value: Any) -> Iterator[str]:
    if setting.is_switch:
        yield setting.flag if value else setting.flag.replace("--", "--no-", 1)
    else:
        yield setting.flag
        yield repr(value) if isinstance(value, float) else setting.text(value)
