"""Probabilities against truth, and what puts them right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from facecore.analysis.analyzer import FaceAnalyzer
from facecore.evaluation.calibration import fit, reliability
from facecore.models.calibration import Calibration, calibrated
from facecore.models.catalogue import set_specs
from facecore.results import GenderPrediction
from facecore.settings import AnalysisSettings


def test_reliability_of_nothing_and_of_a_few() -> None:
    """No answers have no error; two bins give the mean of their gaps."""
    assert reliability([]).error is None
    found = reliability([(1.0, True), (0.96, False), (0.55, True), (0.55, True)])
    assert [one.probability for one in found.bins] == pytest.approx([0.55, 0.98])
    assert [one.right.value for one in found.bins] == [1.0, 0.5]
    assert found.error == pytest.approx(0.465)


def test_fit_finds_what_made_the_answers() -> None:
    """Overconfident probabilities with a leaning come out right on answers it never saw."""
    random = np.random.default_rng(0)
    logits = random.normal(0, 1.5, 6000)
    truths = (random.random(6000) > 1 / (1 + np.exp(-logits))).astype(int)
    said = 1 / (1 + np.exp(-(4 * logits + 2)))
    rows = np.column_stack([said, 1 - said])
    scales, offsets = fit(rows[:3000].tolist(), truths[:3000].tolist())
    assert list(scales) == pytest.approx([0.25, 0.25], abs=0.03)
    assert offsets[0] - offsets[1] == pytest.approx(-0.5, abs=0.15)
    put_right = calibrated(rows[3000:].tolist(), scales, offsets)
    answers = zip(put_right.max(axis=1), put_right.argmax(axis=1) == truths[3000:], strict=True)
    error = reliability([(float(p), bool(right)) for p, right in answers]).error
    assert error is not None
    assert error < 0.03


def test_one_scale_without_offsets_changes_no_answer() -> None:
    """Answers stay, as for the modern set, and the offsets are zeros."""
    rows = np.random.default_rng(1).dirichlet(np.full(8, 0.2), 300)
    scales, offsets = fit(rows.tolist(), rows.argmax(axis=1).tolist(), offsets=False)
    assert (len(set(scales)), set(offsets)) == (1, {0.0})
    put_right = calibrated(rows.tolist(), scales, offsets)
    assert (put_right.argmax(axis=1) == rows.argmax(axis=1)).all()


def test_a_calibration_keeps_what_the_network_said() -> None:
    """The raw probabilities stay beside the calibrated ones, certain answers included."""
    one = Calibration(
        attribute="gender", views="one", scales=(0.2, 0.2), offsets=(0, 0), data="", date=""
    )
    said = one.of(GenderPrediction((1.0, 0.0)))
    assert said.raw == (1.0, 0.0)
    assert 0.9 < said.probability < 0.95
    assert sum(said.probabilities) == pytest.approx(1)


def test_every_set_is_calibrated_for_each_way_of_reading() -> None:
    """The article's networks are for one view, six and aligned, the modern ones for aligned."""
    ways = {
        name: sorted({one.views for one in spec.calibrations}) for name, spec in set_specs().items()
    }
    assert ways == {"article": ["aligned", "careful", "one"], "modern": ["aligned"]}
    for spec in set_specs().values():
        assert {one.attribute for one in spec.calibrations} == {"gender", "age_group"}


@pytest.mark.parametrize(
    ("change", "is_calibrated"),
    [
        ({}, True),
        ({"crop_margin_ratio": 0.15}, True),
        ({"crop_margin_ratio": 0.5}, False),
        ({"crop_shape": "box"}, False),
        ({"crop_shape": "box", "aligned": True}, True),
        ({"calibrated": False}, False),
    ],
    ids=str,
)
def test_what_was_not_measured_is_not_put_right(
    analyzer: FaceAnalyzer, change: dict[str, Any], is_calibrated: bool
) -> None:
    """Other crops than those of the fit keep what the networks say."""
    settings = AnalysisSettings(**change)
    assert bool(analyzer.models.calibrations_for(settings)) == is_calibrated
