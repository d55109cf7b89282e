"""What holds in the end: a flag outranks the environment, that the file, and that the preset."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple

from facecore.engines import (
    ENGINE_VARIABLE,
    automatic_engine,
    engines,
    option_values,
    options_from_values,
)
from facecore.errors import SettingsError
from facecore.models.catalogue import set_spec
from facecore.profiles.profile import Profile, known_settings, read_profile
from facecore.settings import MAX_MEGAPIXELS, AnalysisSettings, RuntimeOptions, megapixels_to_limit
from facecore.settings.presets import (
    RECOMMENDED,
    check_together,
    preset,
    preset_name,
    preset_options,
)
from facecore.settings.server import ServerSettings
from facecore.settings.setting import Setting, declared, from_values
from facecore.wording import Text

SETTINGS_VARIABLE = "FACECORE_SETTINGS"
PRESET_VARIABLE = "FACECORE_PRESET"
ORDER = Text("A flag outranks the environment, the environment the file, and the file its preset.")
DEFAULT = Text("default")


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """All that is set, whoever set it.

    Attributes:
        name: what the file that it comes from is called by its maker; may be empty.
        preset: that the settings differ from, or not.
        max_megapixels: None where nobody said it.
        origins: where each value comes from that is not the default, by the setting's name.
    """

    name: str = ""
    preset: str = RECOMMENDED
    settings: AnalysisSettings = field(default_factory=AnalysisSettings)
    options: RuntimeOptions = field(default_factory=RuntimeOptions)
    server: ServerSettings = field(default_factory=ServerSettings)
    max_megapixels: float | None = None
    origins: Mapping[str, str] = field(default_factory=dict, compare=False)

    def values(self) -> dict[str, Any]:
        """Return every value by its setting's name, in the order of a profile's tables."""
        given = (
            {"engine": self.options.engine, MAX_MEGAPIXELS.name: self.max_megapixels}
            | option_values(self.options)
            | asdict(self.settings)
            | asdict(self.server)
        )
        return {name: given[name] for name in known_settings() if name in given}

    def max_pixels(self, default: int) -> int:
        """Return the pixel limit, or this where nobody said one."""
        return default if self.max_megapixels is None else megapixels_to_limit(self.max_megapixels)

    def overridable(self) -> dict[str, Setting]:
        """Return the settings that a request may bring its own values of, with ours as default."""
        known = declared(AnalysisSettings)
        return {
            name: replace(known[name], default=getattr(self.settings, name))
            for name in self.server.overrides
        }

    def overridden(self, texts: Mapping[str, str]) -> AnalysisSettings:
        """Return the settings for a request that brings these values by name, as texts.

        Raises:
            SettingsError: one may not be set by a request, or not to this.
        """
        allowed = self.overridable()
        for name in texts.keys() - allowed.keys():
            raise SettingsError(
                "A request can set {allowed} at this server, and not {name}: leave it out.",
                allowed=", ".join(allowed) or Text("nothing"),
                name=ascii(name)[1:-1][:40],
            )
        values = {name: allowed[name].parse(text) for name, text in texts.items()}
        return replace(self.settings, **values)


class _Layer(NamedTuple):
    """Values by name, and where each comes from."""

    values: Mapping[str, Any]
    origins: Mapping[str, str]


def configuration(
    flags: Mapping[str, Any] | None = None,
    profile: Profile | None = None,
    environment: Mapping[str, str] | None = None,
) -> Configuration:
    """Return what holds where several say something.

    Args:
        flags: what a command's options say, by the settings' names; ``preset`` is among them.
        profile: a file that was named; else the environment's ``FACECORE_SETTINGS``.
        environment: this process's where None; nothing of it where empty.

    Raises:
        SettingsError: a variable, the file or a flag cannot be used, or not together.
    """
    environment = os.environ if environment is None else environment
    if profile is None and environment.get(SETTINGS_VARIABLE):
        profile = read_profile(environment[SETTINGS_VARIABLE])
    from_file = profile or Profile(source="")
    try:
        _configured(from_file.values)
    except SettingsError as error:
        raise SettingsError(
            "{source}: {error}", source=from_file.source, error=error.text
        ) from error
    layers = [
        _Layer(from_file.values, {name: from_file.where(name) for name in from_file.values}),
        _from_environment(environment),
        _Layer(flags or {}, dict.fromkeys(flags or {}, "flag")),
    ]
    values, origins = _merged(layers)
    if environment.get(ENGINE_VARIABLE) and "engine" in values:
        # Who leaves the engine open gets the variable's; an "auto" that outranked it is no such.
        is_own = origins["engine"] != ENGINE_VARIABLE
        values["engine"] = values["engine"] or automatic_engine().name if is_own else None
    return _configured(values, name=from_file.name, origins=origins)


def _configured(
    given: Mapping[str, Any], *, name: str = "", origins: Mapping[str, str] | None = None
) -> Configuration:
    values = dict(given)
    base = preset_name(values.pop("preset", RECOMMENDED))
    server = {name: values.pop(name) for name in declared(ServerSettings) if name in values}
    max_megapixels = values.pop(MAX_MEGAPIXELS.name, None)
    if max_megapixels is not None:
        MAX_MEGAPIXELS.check(max_megapixels)
    settings, options = reading_from_values(base, values)
    set_spec(options.model_set)
    return Configuration(
        name=name,
        preset=base,
        settings=settings,
        options=options,
        # As many runs go on at once as there are sets, where nobody says how many.
        server=ServerSettings(**({"concurrency": server.get("replicas", 1)} | server)),
        max_megapixels=max_megapixels,
        origins=dict.fromkeys(_of_preset(base), Text("preset {base}", base=base))
        | dict(origins or {}),
    )


def reading_from_values(
    base: str, values: Mapping[str, Any]
) -> tuple[AnalysisSettings, RuntimeOptions]:
    """Return the settings and options of a preset, but for these values of a flat table.

    Raises:
        SettingsError: a name is unknown, a value outside its range, or they do not go together.
    """
    settings = {name: values[name] for name in declared(AnalysisSettings) if name in values}
    others = {name: value for name, value in values.items() if name not in settings}
    options = options_from_values(others, preset_options(base))
    check_together(base, options)
    return from_values(AnalysisSettings, asdict(preset(base)) | settings), options


def _from_environment(environment: Mapping[str, str]) -> _Layer:
    given = {
        name: one for name, one in known_settings().items() if environment.get(one.environment_name)
    }
    values = {name: one.read(environment) for name, one in given.items()}
    origins = {name: one.environment_name for name, one in given.items()}
    if environment.get(PRESET_VARIABLE):
        values["preset"] = preset_name(environment[PRESET_VARIABLE])
        origins["preset"] = PRESET_VARIABLE
    return _Layer(values, origins)


def _merged(layers: Sequence[_Layer]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the values of layers, of which a later one outranks those before."""
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for layer in layers:
        dropped = _outranked(values, layer.values)
        values = {n: v for n, v in values.items() if n not in dropped} | dict(layer.values)
        origins = {n: o for n, o in origins.items() if n not in dropped} | dict(layer.origins)
    return values, origins


def _outranked(below: Mapping[str, Any], above: Mapping[str, Any]) -> set[str]:
    """Return what says nothing any more: options of an engine that another took the place of."""
    knobs_of = {one.name: {knob.name for knob in one.knobs} for one in engines()}
    all_knobs = set().union(*knobs_of.values())
    if above.get("engine"):
        return (all_knobs - knobs_of.get(above["engine"], set())) & below.keys()
    others = all_knobs - knobs_of.get(below.get("engine") or "", all_knobs)
    return {"engine"} if others & above.keys() else set()


def _of_preset(base: str) -> list[str]:
    """Return the names of what a preset sets otherwise than the default."""
    plain, usual = asdict(preset(base)), asdict(AnalysisSettings())
    named = ["engine"] if preset_options(base).engine else []
    return [*named, *(name for name in plain if plain[name] != usual[name])]
