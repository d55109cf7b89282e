"""What runs a network, one file per inference engine: a file with an ``ENGINE`` is one.

Nobody above this package names an engine: it is asked for by what the options say.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from facecore.engines.base import Engine, checked_knobs, knob_values
from facecore.engines.facts import EngineFacts
from facecore.errors import SettingsError
from facecore.settings import RuntimeOptions
from facecore.settings.setting import declared, from_values

AUTOMATIC = ("opencv",)
"""Engines to take where the options leave it open: the first of these that is installed."""


@functools.cache
def _known() -> dict[str, Engine]:
    modules = (
        importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__)
    )
    found = (getattr(module, "ENGINE", None) for module in modules)
    return {one.name: one for one in found if one is not None}


def register(engine: Engine) -> None:
    """Add an engine that is no file of this package, or put it in the place of one."""
    _known()[engine.name] = engine


def engines() -> tuple[Engine, ...]:
    """Return all engines, installed or not; imports none of them."""
    return tuple(_known().values())


def engine(name: str | None = None) -> Engine:
    """Return the engine of that name; where it is None, the one that is taken by itself.

    Raises:
        SettingsError: there is no such engine.
    """
    if name is None:
        return next(
            (_known()[one] for one in AUTOMATIC if _known()[one].available()),
            _known()[AUTOMATIC[-1]],
        )
    if name not in _known():
        raise SettingsError(
            f"There is no engine called {ascii(name)[1:-1][:40]}: use {', '.join(_known())}."
        )
    return _known()[name]


def engine_facts(options: RuntimeOptions) -> EngineFacts:
    """Return the engine's facts, as they are while a network with these options runs.

    Raises:
        SettingsError: there is no such engine, or it has no such options.
    """
    return engine(options.engine).facts(options)


def option_values(options: RuntimeOptions) -> dict[str, Any]:
    """Return options as one flat table: threads, each knob of the engine, and the engine if named.

    Raises:
        SettingsError: there is no such engine, or it has no such options.
    """
    named = {} if options.engine is None else {"engine": options.engine}
    knobs = knob_values(engine(options.engine).knobs, options)
    return {**named, "threads": options.threads, **knobs}


def options_from_values(values: Mapping[str, Any]) -> RuntimeOptions:
    """Return the options of a table as `option_values` gives it; what is left out is the default.

    Raises:
        SettingsError: a name is unknown or a value outside its range.
    """
    if not isinstance(values, Mapping):
        raise SettingsError("A setting has a value of the wrong kind: check the file.")
    common = declared(RuntimeOptions).keys() & values.keys()
    plain = from_values(RuntimeOptions, {name: values[name] for name in common})
    chosen = engine(plain.engine)
    given = {name: value for name, value in values.items() if name not in common}
    knobs = checked_knobs(chosen.knobs, given)
    changed = tuple((k.name, knobs[k.name]) for k in chosen.knobs if knobs[k.name] != k.default)
    return replace(plain, engine_options=changed)
