"""What is compared: a name, settings, and how the networks and their process are run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from facecore.engines import engines, option_values, options_from_values
from facecore.errors import SettingsError
from facecore.settings import AnalysisSettings, ProcessOptions, RuntimeOptions
from facecore.settings.presets import RECOMMENDED, preset

MIN_VARIANTS = 2
MAX_VARIANTS = 4
MAX_NAME_LETTERS = 60

LABELS = {
    "confidence": "confidence",
    "max_side_px": "longest side",
    "input_shape": "detector input shape",
    "input_size_px": "detector input size",
    "drop_outside": "drop boxes outside",
    "rescue": "close-up rescue",
    "crop_margin_ratio": "crop margin",
    "crop_shape": "crop shape",
    "crop_source": "crop from",
    "careful": "careful",
    "unsure_below": "unsure below",
    "max_faces": "most faces",
    "reduced_decode": "reduced decoding",
    "batch_faces": "faces in one batch",
    "threads": "threads",
    "engine": "engine",
    **{knob.name: knob.label for engine in engines() for knob in engine.knobs},
    "cores": "cores",
    "cpu_features_off": "CPU features off",
    "min_interval_ms": "throttle",
}
"""What a setting is called on a page, by its name in the code."""


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
        if (
            not self.name.strip()
            or len(self.name) > MAX_NAME_LETTERS
            or not self.name.isprintable()
        ):
            raise SettingsError(
                f"A variant needs a name of 1 to {MAX_NAME_LETTERS} letters on one line, "
                f"not {self.name[:MAX_NAME_LETTERS]!r}."
            )

    def values(self) -> dict[str, Any]:
        """Return all settings by their name in the code."""
        return asdict(self.settings) | option_values(self.options) | asdict(self.process)


def check_variants(variants: Sequence[Variant]) -> None:
    """Check that variants can be compared.

    Raises:
        SettingsError: there are fewer than two or more than four, or two have the same name.
    """
    if not MIN_VARIANTS <= len(variants) <= MAX_VARIANTS:
        raise SettingsError(
            f"Compare {MIN_VARIANTS} to {MAX_VARIANTS} variants, not {len(variants)}."
        )
    names = [variant.name for variant in variants]
    if len(set(names)) < len(names):
        raise SettingsError("Two variants have the same name: give each one of its own.")


def differences(variant: Variant, base: Variant) -> dict[str, tuple[Any, Any]]:
    """Return the settings that differ, by name in the code: the variant's value and the base's."""
    ours, theirs = variant.values(), base.values()
    return {
        name: (ours.get(name), theirs.get(name))
        for name in ours | theirs
        if ours.get(name) != theirs.get(name)
    }


def differences_in_words(variant: Variant, base: Variant) -> str:
    """Say how a variant differs: "optimised code off (not on)"; "the same settings" if nowhere."""
    return (
        ", ".join(
            f"{LABELS[name]} {in_words(name, ours)} (not {in_words(name, theirs)})"
            for name, (ours, theirs) in differences(variant, base).items()
        )
        or "the same settings"
    )


def in_words(name: str, value: Any) -> str:
    """Say one setting's value: on, off, none, or the value itself with its unit."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None:
        return {"engine": "auto", "threads": "auto", "cores": "all"}.get(name, "none")
    if name == "min_interval_ms":
        return f"{value:g} ms" if value else "none"
    if name == "max_side_px":
        return f"{value} px"
    if isinstance(value, (tuple, list)):
        return " ".join(value) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


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
    base = preset(str(given.pop("preset", RECOMMENDED)))
    if given.get("max_side_px") == "none":
        given["max_side_px"] = None
    of_settings, of_process = (
        {one.name for one in fields(part)} for part in (AnalysisSettings, ProcessOptions)
    )
    known = set(LABELS)
    unknown = sorted(set(given) - known)
    if unknown:
        names = ", ".join(ascii(one)[1:-1] for one in unknown)
        raise SettingsError(
            f"Variant {name!r}: there is no setting called {names}; "
            f"use preset, {', '.join(sorted(known))}."
        )
    if isinstance(features := given.get("cpu_features_off"), list):
        given["cpu_features_off"] = tuple(features)
    settings = {one: given.pop(one) for one in of_settings & given.keys()}
    process = {one: given.pop(one) for one in of_process & given.keys()}
    try:
        return Variant(
            name=name,
            settings=replace(base, **settings),
            options=options_from_values(given),
            process=ProcessOptions(**process),
        )
    except SettingsError as error:
        raise SettingsError(f"Variant {name!r}: {error}") from error
