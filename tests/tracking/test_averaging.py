"""Means of readings that are written by hand."""

from __future__ import annotations

import pytest

from facecore.results import AgeGroupPrediction, GenderPrediction
from facecore.tracking.averaging import averaged

ROW = (0.0, 0.0, 0.0, 0.2, 0.8, 0.0, 0.0, 0.0)


def test_one_reading_is_its_own_mean() -> None:
    """Nothing is changed, and what was not there does not appear."""
    one = {"gender": GenderPrediction((0.3, 0.7)), "age_group": AgeGroupPrediction(ROW)}
    assert averaged([one]) == one


def test_probabilities_and_the_networks_own_are_averaged_apart() -> None:
    """The likelier of two contradicting answers wins; what was calibrated stays so."""
    unsure = GenderPrediction((0.6, 0.4), raw=(0.9, 0.1))
    sure = GenderPrediction((0.1, 0.9), raw=(0.0, 1.0))
    mean = averaged([{"gender": unsure}, {"gender": sure}])["gender"]
    assert isinstance(mean, GenderPrediction)
    assert mean.label == "Female"
    assert mean.probabilities == pytest.approx((0.35, 0.65))
    assert mean.raw == pytest.approx((0.45, 0.55))


def test_years_are_averaged_where_the_networks_say_them() -> None:
    """Else the age goes by the averaged groups, as in one reading."""
    other = (*ROW[:3], 0.6, 0.4, 0.0, 0.0, 0.0)
    readings = [
        {"age_group": AgeGroupPrediction(row, years=y)} for row, y in ((ROW, 30), (other, 20))
    ]
    mean = averaged(readings)["age_group"]
    assert isinstance(mean, AgeGroupPrediction)
    assert (mean.label, mean.expected_age) == ("(25-32)", 25.0)
    readings = [{"age_group": AgeGroupPrediction(row)} for row in (ROW, other)]
    mean = averaged(readings)["age_group"]
    assert isinstance(mean, AgeGroupPrediction)
    assert mean.years is None
    assert mean.expected_age == pytest.approx(0.4 * 17.5 + 0.6 * 28.5)
