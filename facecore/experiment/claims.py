"""Ready-made comparisons: what the article claims of its optimisations, and what is worth asking.

The article describes a small service around the same three networks; its figures
are its own, from a virtual machine with two processors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from facecore.engines import engine_facts, reference
from facecore.experiment.variants import Variant, differences
from facecore.machine.container import usable_cores
from facecore.settings import AnalysisSettings, ProcessOptions, RuntimeOptions
from facecore.settings.presets import preset, preset_options

ARTICLE_CAP_PX = 800
ARTICLE_THROTTLE_MS = 500.0
_CAP_SAVES = (
    f"a cap of {ARTICLE_CAP_PX} px takes 40 % off the time and brings the CPU's peak "
    "from 90 to 55 %"
)

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
    all_of_them = (*_of_the_article(), *_of_our_own())
    return tuple(claim for claim in all_of_them if claim.key != "threads" or usable_cores() > 1)


def claim_of(variants: Sequence[Variant]) -> Claim | None:
    """Return what the article says of two variants that differ just as those of a claim of its."""
    if len(variants) != 2:
        return None
    ours = differences(variants[1], variants[0])
    for claim in _of_the_article():
        if ours == differences(claim.variants[1], claim.variants[0]):
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


def _of_the_article() -> tuple[Claim, ...]:
    opencv = preset_options("Article")
    throttle = ProcessOptions(min_interval_ms=ARTICLE_THROTTLE_MS)
    return (
        *_of_its_service(opencv, throttle),
        Claim(
            key="optimised",
            title="The article's optimised code: off against on",
            variants=(
                Variant(name="optimised off", options=_without("optimised")),
                Variant(name="optimised on", options=opencv),
            ),
            says="optimised code and OpenCV's own backend make it faster",
        ),
        Claim(
            key="throttle",
            title=f"The article's throttle: none against {ARTICLE_THROTTLE_MS:.0f} ms",
            variants=(Variant(name="no throttle"), Variant(name="throttle", process=throttle)),
            says=f"at least {ARTICLE_THROTTLE_MS:.0f} ms between requests protect a small machine",
        ),
    )


def _of_its_service(opencv: RuntimeOptions, throttle: ProcessOptions) -> tuple[Claim, ...]:
    capped = preset("Article")
    uncapped = replace(capped, max_side_px=None)
    after = Variant(name="article after", settings=capped, options=opencv, process=throttle)
    return (
        Claim(
            key="cap",
            title=f"The article's cap: no cap against {ARTICLE_CAP_PX} px",
            variants=(
                Variant(name="no cap", settings=uncapped, options=opencv),
                Variant(name=f"cap {ARTICLE_CAP_PX}", settings=capped, options=opencv),
            ),
            says=_CAP_SAVES,
        ),
        Claim(
            key="article",
            title="The article's service, before and after its optimisations",
            variants=(
                Variant(name="article before", settings=uncapped, options=_without("optimised")),
                after,
            ),
            says="an inference takes 300 to 500 ms on two processors",
        ),
    )


def _of_our_own() -> tuple[Claim, ...]:
    opencv = preset_options("Article")
    return (
        Claim(
            key="winograd",
            title="Winograd convolutions: off against on",
            variants=(
                Variant(name="Winograd off", options=_without("winograd")),
                Variant(name="Winograd on", options=opencv),
            ),
        ),
        Claim(
            key="threads",
            title="One thread against two",
            variants=(
                Variant(name="1 thread", options=RuntimeOptions(threads=1)),
                Variant(name="2 threads", options=RuntimeOptions(threads=2)),
            ),
        ),
        Claim(
            key="presets",
            title="The presets: Article, Recommended, Crowd, Careful",
            variants=tuple(
                Variant(name=name, settings=preset(name), options=preset_options(name))
                for name in ("Article", "Recommended", "Crowd", "Careful")
            ),
        ),
        Claim(
            key="same",
            title="The same twice: how far this machine can be believed",
            variants=(
                Variant(name="once", settings=AnalysisSettings()),
                Variant(name="again", settings=AnalysisSettings()),
            ),
        ),
    )


def _without(knob: str) -> RuntimeOptions:
    return replace(preset_options("Article"), engine_options=((knob, False),))
