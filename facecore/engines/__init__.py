"""What runs a network, one file per inference engine: a file with an ``ENGINE`` is one.

Nobody above this package names an engine: it is asked for by what the options say.
"""

from __future__ import annotations

import functools
import importlib
import os
import pkgutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from facecore.engines.base import Engine, checked_knobs, knob_values
from facecore.engines.facts import EngineFacts
from facecore.errors import SettingsError
from facecore.settings import RuntimeOptions
from facecore.settings.setting import declared, from_values

REFERENCES = ("opencv", "opencv5")
"""Engines that the others are held to: the first of these that this OpenCV is."""

AUTOMATIC = ("onnxruntime", *REFERENCES)
"""Engines to take where the options leave it open: the first of these that is installed.

ONNX Runtime is exact, safe to share between threads, leaves Python's lock and takes least memory.
"""

ENGINE_VARIABLE = "FACECORE_ENGINE"
"""The engine of a process whose options leave it open."""


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
    name = name or os.environ.get(ENGINE_VARIABLE)
    if not name:
        return automatic_engine()
    if name not in _known():
        raise SettingsError(
            "There is no engine called {name}: use {names}.",
            name=ascii(name)[1:-1][:40],
            names=", ".join(_known()),
        )
    return _known()[name]


def titles(names: str) -> str:
    """Return what a page calls engines, of their names with commas between them."""
    known = _known()
    return ", ".join(
        known[name].title if name in known else name for name in names.split(", ") if name
    )


def engine_for(options: RuntimeOptions) -> Engine:
    """Return the engine that these options name, or that has the knobs that they turn.

    Raises:
        SettingsError: there is no such engine.
    """
    return engine(options.engine or _with_knobs(dict(options.engine_options)))


def automatic_engine() -> Engine:
    """Return the engine that is taken by itself, whatever the environment says."""
    return _first_installed(AUTOMATIC)


def reference() -> Engine:
    """Return the engine that the others are held to: OpenCV, with Caffe's files where it can."""
    return _first_installed(REFERENCES)


def _first_installed(names: Sequence[str]) -> Engine:
    return next((_known()[one] for one in names if _known()[one].available()), _known()[names[-1]])


def engine_facts(options: RuntimeOptions) -> EngineFacts:
    """Return the engine's facts, as they are while a network with these options runs.

    Raises:
        SettingsError: there is no such engine, or it has no such options.
    """
    return engine_for(options).facts(options)


def option_values(options: RuntimeOptions) -> dict[str, Any]:
    """Return options as one flat table: model set, threads, engine if named, and its knobs.

    Raises:
        SettingsError: there is no such engine, or it has no such options.
    """
    named = {} if options.engine is None else {"engine": options.engine}
    knobs = knob_values(engine_for(options).knobs, options)
    return {"model_set": options.model_set, **named, "threads": options.threads, **knobs}


def options_from_values(
    values: Mapping[str, Any], base: RuntimeOptions | None = None
) -> RuntimeOptions:
    """Return the options of a table as `option_values` gives it.

    Engine and threads that it leaves out are those of ``base``, the rest is the default.

    Raises:
        SettingsError: a name is unknown or a value outside its range.
    """
    if not isinstance(values, Mapping):
        raise SettingsError("A setting has a value of the wrong kind: check the file.")
    common = declared(RuntimeOptions).keys() & values.keys()
    of_base = {"engine": base.engine, "threads": base.threads} if base else {}
    plain = from_values(RuntimeOptions, of_base | {name: values[name] for name in common})
    given = {name: value for name, value in values.items() if name not in common}
    if plain.engine is None:
        plain = replace(plain, engine=_with_knobs(given))
    chosen = engine(plain.engine)
    knobs = checked_knobs(chosen.knobs, given)
    changed = tuple((k.name, knobs[k.name]) for k in chosen.knobs if knobs[k.name] != k.default)
    return replace(plain, engine_options=changed)


def _with_knobs(names: Collection[str]) -> str | None:
    """Return the engine that these knobs belong to; None where that is the automatic one, or none.

    Tables of the time when there was one engine have its knobs and not its name.
    """
    candidates = (engine(), reference(), *engines())
    having = (e for e in candidates if set(names) <= {knob.name for knob in e.knobs})
    found = next(having, engine())
    return None if found is engine() else found.name
