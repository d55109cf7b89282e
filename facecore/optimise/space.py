"""What may vary in a search: which settings, and which values of each there are here."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from facecore.engines import engine_for, engines, option_values
from facecore.errors import SettingsError
from facecore.experiment.variants import Variant, differences_in_words
from facecore.models.catalogue import set_specs
from facecore.optimise.record import Objective, configuration_of, profile_values
from facecore.profiles.configuration import Configuration
from facecore.profiles.profile import known_settings
from facecore.settings import AnalysisSettings
from facecore.settings.presets import preset_options
from facecore.settings.setting import Setting, declared
from facecore.wording import Text, listed

KNOBS = "knobs"
"""Stands for all options that the engines have of their own."""

USUAL = (
    *("engine", "threads", "model_set", "input_size_px", "input_shape", "max_side_px", "rescue"),
    *("closer_look", "orientation", "careful", "reduced_decode", "batch_faces"),
)
"""What varies where nothing else is said; for throughput the replicas as well."""

_MORE_VALUES: dict[str, tuple[Any, ...]] = {
    "max_side_px": (480, 640, 800, 1280, None),
    "max_faces": (1, 5, 20, 200),
    "crop_margin_ratio": (0.15, 0.2, 0.25),
}
_MAX_THREADS = 16

Choice = dict[str, Any]
"""A value for each setting that may vary, by its name."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A setting that may vary; the baseline's value is the first."""

    name: str
    label: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """All that may be tried.

    Attributes:
        baseline: what all is compared with; its engine has a name.
        parameters: each with two values or more.
        left_out: what cannot be tried here, a sentence each.
    """

    baseline: Configuration
    parameters: tuple[Parameter, ...]
    left_out: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """How many combinations there are; some are the same in the end."""
        return math.prod(len(one.values) for one in self.parameters)

    def start(self) -> Choice:
        """Return the baseline's own values."""
        return {one.name: one.values[0] for one in self.parameters}

    def neighbours(self, choice: Choice) -> Iterator[Choice]:
        """Return what differs from a choice in one setting."""
        for one in self.parameters:
            for value in one.values:
                if value != choice[one.name]:
                    yield choice | {one.name: value}

    def configuration(self, choice: Mapping[str, Any]) -> Configuration:
        """Return all settings of a choice; options of another engine than its own say nothing.

        Raises:
            SettingsError: they do not go together.
        """
        values = profile_values(self.baseline)
        known_knobs = {knob.name for one in engines() for knob in one.knobs}
        named = choice.get("engine", values["engine"])
        own = {knob.name for knob in _engine(named).knobs}
        values = {n: v for n, v in {**values, **choice}.items() if n not in known_knobs or n in own}
        if "replicas" in choice:
            values["concurrency"] = max(choice["replicas"], self.baseline.server.concurrency)
        return replace(configuration_of(values), name=self.baseline.name)

    def key(self, choice: Mapping[str, Any]) -> Hashable:
        """Return what is the same for choices that read in the same way."""
        given = self.configuration(choice)
        return given.settings, given.options, given.server.replicas

    def changes(self, given: Configuration) -> str:
        """Return how a configuration differs from the baseline, in words; "" if nowhere."""
        ours, theirs = (
            Variant(name="-", settings=one.settings, options=one.options)
            for one in (given, self.baseline)
        )
        words = differences_in_words(ours, theirs)
        words = "" if words == "the same settings" else words
        here, there = given.server.replicas, self.baseline.server.replicas
        if here != there:
            sets = Text(
                "{n} set of networks (not {there})",
                "{n} sets of networks (not {there})",
                n=here,
                there=there,
            )
            words = listed([words, sets]) if words else sets
        return words


def space_of(
    baseline: Configuration, objective: Objective, vary: Sequence[str], cores: int
) -> Space:
    """Return what may be tried on this machine.

    Args:
        baseline: where its engine is left open, it gets the name of the one that runs.
        objective: the replicas vary for throughput alone.
        vary: settings by their names or keys, and "knobs"; empty for `USUAL`.
        cores: processors that may be used.

    Raises:
        SettingsError: there is no such setting, or nothing can vary.
    """
    if baseline.options.engine is None:
        named = replace(baseline.options, engine=engine_for(baseline.options).name)
        baseline = replace(baseline, options=named)
    names = [_name_of(one) for one in vary]
    if not names:
        names = [*USUAL, *(["replicas"] if objective == "throughput" else [])]
    left_out: list[str] = []
    found: list[Parameter] = []
    for name in dict.fromkeys(names):
        if name == "replicas" and objective != "throughput":
            left_out.append(Text("Sets of networks beside each other bring throughput alone."))
            continue
        for setting in _engine_knobs(names, baseline) if name == KNOBS else [_setting(name)]:
            parameter = _parameter(setting, baseline, cores, left_out)
            if len(parameter.values) > 1:
                found.append(parameter)
    if not found:
        raise SettingsError(
            "Nothing can vary here: {why}",
            why=listed(left_out, " ") or Text("name other settings with --vary."),
        )
    return Space(baseline=baseline, parameters=tuple(found), left_out=tuple(left_out))


def variable_settings() -> dict[str, Setting]:
    """Return the settings that may vary, by name."""
    known = known_settings()
    names = ["engine", "threads", "model_set", "replicas"]
    names += [
        name
        for name, one in declared(AnalysisSettings).items()
        if one.is_switch or one.choices or name in _MORE_VALUES
    ]
    return {name: known[name] for name in names}


def _name_of(text: str) -> str:
    known = variable_settings()
    by_key = {one.key: name for name, one in known.items()}
    plain = text.strip().lower().replace("-", "_")
    name = plain if plain in known or plain == KNOBS else by_key.get(plain)
    if name is None:
        raise SettingsError(
            "{text} cannot vary: choose from {known}.",
            text=ascii(text)[1:-1][:40],
            known=", ".join([*known, KNOBS]),
        )
    return name


def _setting(name: str) -> Setting:
    return variable_settings()[name]


def _engine(name: str | None) -> Any:
    return next(one for one in engines() if one.name == name)


def _engine_knobs(names: Sequence[str], baseline: Configuration) -> list[Setting]:
    usable = (
        [one for one in engines() if one.available()]
        if "engine" in names
        else [engine_for(baseline.options)]
    )
    knobs = {knob.name: knob for one in usable for knob in one.knobs}
    return [knob for knob in knobs.values() if knob.is_switch or knob.choices]


def _parameter(
    setting: Setting, baseline: Configuration, cores: int, left_out: list[str]
) -> Parameter:
    name = setting.name
    own = profile_values(baseline)
    first = own.get(name, option_values(baseline.options).get(name, setting.default))
    values: Sequence[Any]
    if name == "engine":
        values = [one.name for one in engines() if one.available()]
        left_out += [
            Text("{engine} is not installed.", engine=one.title)
            for one in engines()
            if not one.available()
        ]
    elif name == "model_set":
        values = _model_sets(baseline, left_out)
    elif name == "threads":
        values = [n for n in (1, 2, 4, 8, _MAX_THREADS) if n < cores or (n == cores and first)]
    elif name == "replicas":
        values = [n for n in (1, 2, 4, 8) if n <= cores]
    else:
        values = _MORE_VALUES.get(name) or setting.choices or (True, False)
    if name in ("threads", "replicas") and cores == 1:
        left_out.append(
            Text("There is one processor, so {setting} cannot vary.", setting=Text(setting.label))
        )
    others = [value for value in values if value != first]
    return Parameter(name, setting.label, (first, *others))


def _model_sets(baseline: Configuration, left_out: list[str]) -> list[str]:
    bound = preset_options(baseline.preset) != preset_options("recommended")
    if bound:
        left_out.append(
            Text(
                "The preset {preset} is for its own set of networks alone.",
                preset=Text(baseline.preset),
            )
        )
        return []
    found = []
    for name, spec in set_specs().items():
        if spec.is_there:
            found.append(name)
        else:
            left_out.append(
                Text(
                    "The set of networks {name} is not installed: 'facecore models install' "
                    "fetches it.",
                    name=name,
                )
            )
    return found
