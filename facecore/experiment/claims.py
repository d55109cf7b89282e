"""Ready-made comparisons: what the article claims of its optimisations, and what is worth asking.

They are in ``claims.toml``, in the form of a file of variants.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from facecore.analysis.memory import least_side_px
from facecore.engines import engine_facts, engines, reference
from facecore.experiment.record import PREVIEW_SIDE_PX, PhotoFacts
from facecore.experiment.variants import (
    MAX_VARIANTS,
    Variant,
    differences,
    variant_from_settings,
)
from facecore.imaging.pictures import coarsest_reduction
from facecore.machine.container import usable_cores
from facecore.models.catalogue import set_specs
from facecore.places import document
from facecore.settings import AnalysisSettings, RuntimeOptions
from facecore.wording import ENGLISH, Text, language

PAGE = "docs/the-article-measured.md"
"""What was measured of each of the article's claims."""

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
        section: of `PAGE`, where there is one.
    """

    key: str
    title: str
    variants: tuple[Variant, ...]
    says: str = ""
    section: str = ""

    @property
    def link(self) -> str:
        """Return where in the repository its section is: a page with an anchor."""
        page = document(PAGE, language()).name
        return f"docs/{page}#{self._measured()[0].lower().replace(' ', '-')}"

    def measured_before(self) -> str:
        """Return its section as Markdown: what was measured of it, and the command."""
        return self._measured()[1].strip()

    def _measured(self) -> tuple[str, str]:
        # Heading and text in the reader's language: what stands in the place of the English one.
        english, ours = (
            document(PAGE, code).read_text(encoding="utf-8").split("\n## ")[1:]
            for code in (ENGLISH, language())
        )
        headings = [one.partition("\n")[0] for one in english]
        heading, _, text = ours[headings.index(self.section)].partition("\n")
        return heading, text


def claims() -> tuple[Claim, ...]:
    """Return all comparisons that say something on this machine."""
    found = (
        replace(claim, variants=tuple(filter(_has_networks, claim.variants)))
        for claim in (*_all(), _of_engines())
    )
    return tuple(
        claim
        for claim in found
        if len(claim.variants) > 1 and (claim.key != "threads" or usable_cores() > 1)
    )


def _has_networks(variant: Variant) -> bool:
    sets = set_specs()
    spec = sets[variant.options.model_set]
    needed = [spec]
    if variant.settings.aligned and spec.landmarks:
        needed.append(sets[spec.landmarks])
    return all(one.is_there for one in needed)


def claim_of(variants: Sequence[Variant]) -> Claim | None:
    """Return what the article says of two variants that differ just as those of a claim of its."""
    if len(variants) != 2:
        return None
    ours = differences(variants[1], variants[0])
    for claim in _all():
        if claim.says and ours == differences(claim.variants[1], claim.variants[0]):
            return claim
    return None


def without_effect(variant: Variant, base: Variant, photos: Sequence[PhotoFacts]) -> dict[str, str]:
    """Return the settings in which two variants differ to no effect, as all photos are too small.

    Returns:
        By the setting's name why, in words that go on after "that"; nothing where no photo
        could be read.
    """
    sizes = [photo.size_wh for photo in photos if photo.size_wh]
    if not sizes:
        return {}
    differing = differences(variant, base)
    largest_px = max(max(size) for size in sizes)
    found: dict[str, str] = {}
    caps = [one.settings.max_side_px for one in (variant, base)]
    smallest_cap_px = min((cap for cap in caps if cap), default=largest_px)
    if "max_side_px" in differing and largest_px <= smallest_cap_px:
        found["max_side_px"] = Text(
            "a cap of {cap} px changes a photo only where it is larger, "
            "and the largest here has {largest} px",
            cap=smallest_cap_px,
            largest=largest_px,
        )
    if "reduced_decode" in differing:
        settings = next(one.settings for one in (variant, base) if one.settings.reduced_decode)
        if all(_reduction(size, settings) == 1 for size in sizes):
            found["reduced_decode"] = _needs_in_words(settings, largest_px)
    return found


def _reduction(size_wh: tuple[int, int], settings: AnalysisSettings) -> int:
    return coarsest_reduction(size_wh, least_side_px(settings, PREVIEW_SIDE_PX))


def _needs_in_words(settings: AnalysisSettings, largest_px: int) -> Text:
    if settings.max_side_px is None:
        return Text("decoding at reduced size needs a cap of the longest side for detection")
    needed_px = 2 * least_side_px(settings, PREVIEW_SIDE_PX)
    return Text(
        "decoding at reduced size needs JPEGs of {needed} px or more, with "
        "even sides, and the largest photo here has {largest} px",
        needed=needed_px,
        largest=largest_px,
    )


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
        title=Text("All engines that are installed, OpenCV first"),
        variants=tuple(
            Variant(name=one.title, options=RuntimeOptions(engine=one.name))
            for one in installed[:MAX_VARIANTS]
        ),
    )
