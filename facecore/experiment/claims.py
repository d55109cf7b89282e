"""Ready-made comparisons: what the article claims of its optimisations, and what is worth asking.

They are in ``claims.toml``, in the form of a file of variants.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from facecore.engines import engine_facts, engines, reference
from facecore.experiment.variants import (
    MAX_VARIANTS,
    Variant,
    differences,
    variant_from_settings,
)
from facecore.machine.container import usable_cores
from facecore.settings import RuntimeOptions

_FILE = Path(__file__).with_name("claims.toml")

# Newest first, as processors came to have them. Code for an older unit takes over
# where a newer one is off, so a level leaves out all that is newer as well.
_LEVELS = (
    ("AVX-512", ("AVX512-ICL", "AVX512-CNL", "AVX512-CLX", "AVX512-SKX", "AVX512-COMMON")),
    ("AVX2", ("AVX2", "FMA3")),
    ("AVX", ("AVX", "FP16")),
    ("SSE4", ("SSE4.2", "SSE4.1", "POPCNT", "SSSE3")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A comparison that is ready to run.

    Attributes:
        key: for the command line.
        title: for a page.
        variants: the first is the baseline.
        says: what the article says, as the beginning of a sentence; "" where it
            says nothing of it.
    """

    key: str
    title: str
    variants: tuple[Variant, ...]
    says: str = ""


def claims() -> tuple[Claim, ...]:
    """Return all comparisons that say something on this machine."""
    return tuple(
        claim
        for claim in (*_all(), _of_engines())
        if len(claim.variants) > 1 and (claim.key != "threads" or usable_cores() > 1)
    )


def claim_of(variants: Sequence[Variant]) -> Claim | None:
    """Return what the article says of two variants that differ just as those of a claim of its."""
    if len(variants) != 2:
        return None
    ours = differences(variants[1], variants[0])
    for claim in _all():
        if claim.says and ours == differences(claim.variants[1], claim.variants[0]):
            return claim
    return None


def cpu_feature_levels_here() -> dict[str, tuple[str, ...]]:
    """Return the levels of `cpu_feature_levels` for this machine."""
    return cpu_feature_levels(engine_facts(RuntimeOptions(engine=reference().name)).cpu_features)


def cpu_feature_levels(features: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return what can be switched off to look like an older processor.

    Args:
        features: that OpenCV has code for and this processor has.

    Returns:
        OpenCV's names by the newest unit that goes; only units that are there, so
        that each level really takes something away.
    """
    levels: dict[str, tuple[str, ...]] = {}
    off: tuple[str, ...] = ()
    for name, units in _LEVELS:
        there = tuple(unit for unit in units if unit in features)
        if there:
            off += there
            levels[name] = off
    return levels


@cache
def _all() -> tuple[Claim, ...]:
    table = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return tuple(
        Claim(variants=tuple(map(variant_from_settings, one.pop("variant"))), **one)
        for one in table["claim"]
    )


def _of_engines() -> Claim:
    installed = [one for one in engines() if one.available()]
    installed.sort(key=lambda one: one is not reference())
    return Claim(
        key="engines",
        title="All engines that are installed, OpenCV first",
        variants=tuple(
            Variant(name=one.title, options=RuntimeOptions(engine=one.name))
            for one in installed[:MAX_VARIANTS]
        ),
    )
