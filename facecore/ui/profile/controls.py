"""What the sidebar's controls hold, by the settings' names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from facecore.engines import engines
from facecore.profiles.configuration import Configuration
from facecore.serving.service import process_service
from facecore.settings import AnalysisSettings, RuntimeOptions
from facecore.settings.presets import PRESETS, preset_options
from facecore.settings.setting import declared
from facecore.ui import state

ANALYSIS = declared(AnalysisSettings)
# The engine's own knobs act on the whole process, which all visitors share: see Compare.
RUNTIME = declared(RuntimeOptions)
OFFERED = {**ANALYSIS, **RUNTIME}


def offered_engines() -> dict[str, str | None]:
    """Return the engines that are installed by their names, and the one that is found by itself."""
    none = RUNTIME["engine"].none
    return {none: None, **{one.name: one.name for one in engines() if one.available()}}


def values_of(given: Configuration) -> dict[str, Any]:
    """Return what the controls hold for a configuration; an engine that is not here is "auto"."""
    engine = given.options.engine
    return asdict(given.settings) | {
        "model_set": given.options.model_set,
        "engine": engine if engine in offered_engines().values() else None,
        "threads": given.options.threads,
    }


def of_preset(name: str) -> Configuration:
    """Return a preset alone; of the server's set of networks, where it goes with any."""
    options = preset_options(name)
    if options == RuntimeOptions():
        options = RuntimeOptions(model_set=process_service().options.model_set)
    return Configuration(preset=name, settings=PRESETS[name], options=options)


def base() -> Configuration:
    """Return what the link tells the differences from: a preset that it names, or the server's."""
    named = state.named_preset()
    return of_preset(named) if named else process_service().begins


def fill(values: Mapping[str, Any]) -> None:
    """Set controls to these values; only before they are drawn."""
    for name, value in values.items():
        one = OFFERED[name]
        held = value if one.is_switch or one.step else one.text(value)
        state.set_widget_values({one.key: held})


def start_from(given: Configuration) -> None:
    """Set all controls to a configuration, and have the link name its preset if it must."""
    begins = process_service().begins
    usual = values_of(begins)
    is_usual = given.preset == begins.preset and usual in (
        values_of(given),
        values_of(of_preset(given.preset)),
    )
    state.named_preset.keep("" if is_usual else given.preset)
    state.began_with.keep(given)
    state.set_widget_values({"preset": given.preset, "profile": given.name})
    fill(values_of(given))
