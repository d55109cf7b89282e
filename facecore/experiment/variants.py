"""What is compared: a name, settings, and how the networks and their process are run."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from facecore.engines import engines, option_values
from facecore.errors import SettingsError
from facecore.profiles.configuration import Configuration, configuration, reading_from_values
from facecore.profiles.profile import Profile, checked_name
from facecore.profiles.toml_text import decode_text
from facecore.settings import AnalysisSettings, ProcessOptions, RuntimeOptions, setting
from facecore.settings.presets import PRESETS, RECOMMENDED, preset, preset_options
from facecore.settings.setting import Setting, declared, from_values
from facecore.sources.names import printable
from facecore.wording import Text

MIN_VARIANTS = 2
MAX_VARIANTS = 8
"""Every engine that there is, side by side; each takes half a gigabyte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One way to read photos, under a name.

    Raises:
        SettingsError: the name is empty, too long or not one line of text.
    """

    name: str
    settings: AnalysisSettings = field(default_factory=AnalysisSettings)
    options: RuntimeOptions = field(default_factory=RuntimeOptions)
    process: ProcessOptions = field(default_factory=ProcessOptions)

    def __post_init__(self) -> None:
        checked_name(self.name, Text("A variant"))

    def values(self) -> dict[str, Any]:
        """Return all settings by their name in the code."""
        return asdict(self.settings) | option_values(self.options) | asdict(self.process)


def check_variants(variants: Sequence[Variant]) -> None:
    """Check that variants can be compared.

    Raises:
        SettingsError: there are fewer than two or more than eight, or two have the same name.
    """
    if not MIN_VARIANTS <= len(variants) <= MAX_VARIANTS:
        raise SettingsError(
            "Compare {least} to {most} variants, not {n}.",
            least=MIN_VARIANTS,
            most=MAX_VARIANTS,
            n=len(variants),
        )
    names = [variant.name for variant in variants]
    if len(set(names)) < len(names):
        raise SettingsError("Two variants have the same name: give each one of its own.")


def known_settings() -> dict[str, Setting]:
    """Return all that a variant may say, by name: every engine's knobs are among them."""
    return {
        **declared(AnalysisSettings),
        **declared(RuntimeOptions),
        **{knob.name: knob for engine in engines() for knob in engine.knobs},
        **declared(ProcessOptions),
    }


def differences(variant: Variant, base: Variant) -> dict[str, tuple[Any, Any]]:
    """Return the settings that differ, by name in the code: the variant's value and the base's.

    What only one of two engines has is no difference beside that of the engines.
    """
    return setting.differences(*_shared(variant, base))


def differences_in_words(variant: Variant, base: Variant) -> str:
    """Return how a variant differs: "Winograd off (not on)"; "the same settings" if nowhere."""
    return setting.differences_in_words(*_shared(variant, base), known_settings()) or Text(
        "the same settings"
    )


def read_variants(path: Path) -> tuple[Variant, ...]:
    """Read a file of variants, TOML or JSON: a list called ``variant`` of tables of settings.

    Raises:
        SettingsError: it cannot be read, or a variant in it cannot be used.
    """
    name = printable(path)
    try:
        data = path.read_bytes()
        text = decode_text(data, name)
        content = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except OSError as error:
        raise SettingsError(
            "{name} cannot be read ({reason}): check the name.",
            name=name,
            reason=error.strerror,
        ) from error
    except (ValueError, RecursionError) as error:
        raise SettingsError(
            "{name} is no TOML or JSON: {error}.", name=name, error=error
        ) from error
    entries = content.get("variant") if isinstance(content, dict) else content
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise SettingsError(
            "{name} has no list of variants: begin each with [[variant]] and give it a name.",
            name=name,
        )
    return tuple(variant_from_settings(entry) for entry in entries)


def profile_variant(profile: Profile, name: str) -> Variant:
    """Return a profile as a variant; its queue and limits have no part in it.

    Raises:
        SettingsError: what it says does not go together.
    """
    given = configuration(profile=profile, environment={})
    return Variant(name=name, settings=given.settings, options=given.options)


def variant_configuration(variant: Variant, begins: Configuration) -> Configuration:
    """Return a variant as a configuration that differs least from its preset.

    The queue and the limits are those of ``begins``; what is done to a worker process has no
    part in it.
    """
    ours = asdict(variant.settings)

    def differing(name: str) -> int:
        theirs, options = asdict(preset(name)), preset_options(name)
        # The article's preset is for the article's networks and engine alone.
        other = options != RuntimeOptions() and (
            (options.engine, options.model_set)
            != (variant.options.engine, variant.options.model_set)
        )
        return len(ours) if other else sum(ours[one] != theirs[one] for one in ours)

    return replace(
        begins,
        name=variant.name,
        preset=min(PRESETS, key=differing),
        settings=variant.settings,
        options=variant.options,
        origins={},
    )


def _shared(variant: Variant, base: Variant) -> tuple[dict[str, Any], dict[str, Any]]:
    ours, theirs = variant.values(), base.values()
    names = (ours.keys() & theirs.keys()) | {"engine"}
    return (
        {name: value for name, value in ours.items() if name in names},
        {name: value for name, value in theirs.items() if name in names},
    )


def variant_from_settings(values: Mapping[str, Any]) -> Variant:
    """Build a variant from a flat table: name, preset, and any settings by their names.

    The form of a file of variants. ``max_side_px`` may be "none".

    Raises:
        SettingsError: the name is missing, a name is unknown, or a value outside its range.
    """
    given = dict(values)
    name = given.pop("name", None)
    if not isinstance(name, str):
        raise SettingsError("A variant has no name: give each a name.")
    base = str(given.pop("preset", RECOMMENDED))
    known = known_settings()
    unknown = sorted(set(given) - set(known))
    if unknown:
        names = ", ".join(ascii(one)[1:-1] for one in unknown)
        raise SettingsError(
            "Variant {name!r}: there is no setting called {unknown}; use preset, {known}.",
            name=name,
            unknown=names,
            known=", ".join(sorted(known)),
        )
    process = {one: given.pop(one) for one in declared(ProcessOptions) if one in given}
    try:
        settings, options = reading_from_values(base, given)
        return Variant(
            name=name,
            settings=settings,
            options=options,
            process=from_values(ProcessOptions, process),
        )
    except SettingsError as error:
        raise SettingsError("Variant {name!r}: {error}", name=name, error=error) from error
