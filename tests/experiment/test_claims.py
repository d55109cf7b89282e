"""Ready-made comparisons: what they compare, and the levels of older processors."""

from __future__ import annotations

from dataclasses import replace

import pytest

import facecore.experiment.claims as module
from facecore.engines import engine_facts
from facecore.experiment.claims import (
    PAGE,
    Claim,
    claim_of,
    claims,
    cpu_feature_levels,
    cpu_feature_levels_here,
    without_effect,
)
from facecore.experiment.record import PhotoFacts, Plan
from facecore.experiment.variants import Variant, differences
from facecore.models.catalogue import SetSpec
from facecore.settings import ProcessOptions, RuntimeOptions
from facecore.settings.presets import preset
from facecore.wording import speaking
from tests.conftest import REPOSITORY

EXPECTED_DIFFERENCES = {
    "cap": {"max_side_px"},
    "optimised": {"optimised"},
    "throttle": {"min_interval_ms"},
    "article": {"max_side_px", "optimised", "min_interval_ms"},
    "winograd": {"winograd"},
    "threads": {"threads"},
    "networks": {"model_set"},
    "reduced": {"reduced_decode"},
    "same": set(),
}
OF_THE_ARTICLE = {"cap", "optimised", "throttle", "article"}


def test_each_claim_can_be_planned() -> None:
    """Each has a key of its own, a title, and variants that a plan takes."""
    found = claims()
    assert len({claim.key for claim in found}) == len({claim.title for claim in found})
    for claim in found:
        assert Plan(variants=claim.variants).variants == claim.variants
        assert claim.title[0].isupper()
        assert not claim.title.endswith(".")


def test_only_the_article_claims() -> None:
    """Our own questions say nothing beforehand; what the article says goes on after "that"."""
    says = {claim.key: claim.says for claim in claims() if claim.says}
    assert set(says) == OF_THE_ARTICLE
    for sentence in says.values():
        assert not sentence.endswith(".")
        assert not sentence[0].isupper()


@pytest.mark.parametrize(("code", "name"), [("en", PAGE), ("zh", PAGE.replace(".md", ".zh.md"))])
def test_each_claim_leads_to_what_was_measured_of_it(code: str, name: str) -> None:
    """Its link's heading is on the reader's page, and what stands below it has the command."""
    page = (REPOSITORY / name).read_text(encoding="utf-8")
    anchors = {
        line[3:].lower().replace(" ", "-") for line in page.splitlines() if line[:3] == "## "
    }
    for claim in claims():
        assert bool(claim.says) == bool(claim.section)
        if claim.section:
            with speaking(code):
                link, said = claim.link, claim.measured_before()
            assert link.startswith(f"{name}#")
            assert link.partition("#")[2] in anchors
            assert "facecore compare" in said
            assert f"--claim {claim.key}" in said
            assert "##" not in said


@pytest.mark.parametrize("key", EXPECTED_DIFFERENCES)
def test_pairs_differ_in_what_they_are_called_after(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two variants only what the claim is about differs."""
    monkeypatch.setattr(module, "usable_cores", lambda: 2)
    (claim,) = (claim for claim in claims() if claim.key == key)
    base, other = claim.variants
    assert set(differences(other, base)) == EXPECTED_DIFFERENCES[key]


def test_other_variants_are_no_claim() -> None:
    """Variants that the article says nothing of, too many of them, or none at all."""
    assert claim_of([]) is None
    assert claim_of([Variant(name="a")]) is None
    assert claim_of([Variant(name="a"), Variant(name="b")]) is None
    assert claim_of(preset_claim().variants) is None
    opencv = RuntimeOptions(engine="opencv")
    off = Variant(name="off", options=replace(opencv, engine_options=(("optimised", False),)))
    on = Variant(name="on", options=opencv)
    assert claim_of([on, off]) is None
    assert claim_of([off, on, Variant(name="third")]) is None


def preset_claim() -> Claim:
    """Return the comparison of the presets, which has more than two variants."""
    return next(claim for claim in claims() if len(claim.variants) > 2)


def test_claim_is_known_by_what_differs() -> None:
    """The article's claims are found again in variants under other names and settings."""
    for claim in claims():
        if claim.says:
            renamed = [replace(variant, name=f"my {variant.name}") for variant in claim.variants]
            assert claim_of(renamed) == claim
    careful = preset("Careful")
    found = claim_of(
        [
            Variant(
                name="x",
                settings=careful,
                options=RuntimeOptions(engine="opencv", engine_options=(("optimised", False),)),
            ),
            Variant(name="y", settings=careful, options=RuntimeOptions(engine="opencv")),
        ]
    )
    assert found is not None
    assert found.key == "optimised"


def test_variants_whose_networks_are_missing_are_not_offered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A comparison goes on without them; one that has no second variant left is no offer."""
    monkeypatch.setattr(SetSpec, "is_there", property(lambda spec: spec.name == "article"))
    found = {claim.key: [one.name for one in claim.variants] for claim in claims()}
    assert found["presets"] == ["Article", "Recommended", "Crowd", "Careful"]  # not Aligned
    assert "networks" not in found


@pytest.mark.parametrize(
    ("size_wh", "acts"), [((3200, 2400), True), ((3198, 2400), False), ((3201, 2400), False)]
)
def test_reduced_decoding_needs_large_photos(size_wh: tuple[int, int], acts: bool) -> None:
    """Half of a photo must still be twice the cap, and a half is of even sides."""
    (claim,) = (claim for claim in claims() if claim.key == "reduced")
    photo = PhotoFacts(name="a.jpg", sha256="", file_bytes=1, size_wh=size_wh)
    base, other = claim.variants
    found = without_effect(other, base, [photo, replace(photo, size_wh=(64, 64))])
    assert set(found) == (set() if acts else {"reduced_decode"})
    assert acts or "JPEGs of 3200 px or more" in found["reduced_decode"]
    assert without_effect(other, base, [replace(photo, size_wh=None)]) == {}


def test_threads_need_more_than_one_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    """On one processor two threads say nothing, so the question is not offered."""
    keys = {}
    for cores in (1, 2):
        monkeypatch.setattr(module, "usable_cores", lambda cores=cores: cores)
        keys[cores] = {claim.key for claim in claims()}
    assert keys[2] - keys[1] == {"threads"}


def test_article_s_service_has_its_figures() -> None:
    """The cap is 800 px and the throttle half a second, as the article has them."""
    (claim,) = (claim for claim in claims() if claim.key == "article")
    before, after = claim.variants
    assert (before.settings.max_side_px, after.settings.max_side_px) == (None, 800)
    assert (before.process.min_interval_ms, after.process.min_interval_ms) == (0, 500)
    assert replace(before.settings, max_side_px=800) == after.settings


@pytest.mark.parametrize(
    ("features", "levels"),
    [
        ([], {}),
        (["NEON"], {}),
        (["SSE", "SSE2", "SSE3"], {}),
        (["SSE3", "SSE4.1", "SSE4.2"], {"SSE4": ("SSE4.2", "SSE4.1")}),
        (
            ["SSE4.2", "AVX", "FP16", "AVX2", "AVX512-SKX"],
            {
                "AVX-512": ("AVX512-SKX",),
                "AVX2": ("AVX512-SKX", "AVX2"),
                "AVX": ("AVX512-SKX", "AVX2", "AVX", "FP16"),
                "SSE4": ("AVX512-SKX", "AVX2", "AVX", "FP16", "SSE4.2"),
            },
        ),
        (["AVX2", "FMA3", "AVX"], {"AVX2": ("AVX2", "FMA3"), "AVX": ("AVX2", "FMA3", "AVX")}),
    ],
)
def test_levels_take_away_all_that_is_newer(
    features: list[str], levels: dict[str, tuple[str, ...]]
) -> None:
    """A level switches its own units and all newer ones off, if they are there."""
    assert cpu_feature_levels(features) == levels


def test_levels_of_this_machine_can_be_switched_off() -> None:
    """Each level names units that OpenCV uses here, in a form that a worker takes."""
    here = engine_facts(RuntimeOptions()).cpu_features
    for off in cpu_feature_levels_here().values():
        assert set(off) <= set(here)
        assert ProcessOptions(cpu_features_off=off).cpu_features_off == off
