"""Broken files in bulk through the real analyzer, in a process that may crash or hang."""

from __future__ import annotations

import random

import pytest

from tests.limits.mutants import read_all, seeds
from tests.load.mutations import mutated

COUNT = 100


def test_no_mutants_where_none_are_asked_for() -> None:
    """Nothing is made of nothing."""
    assert list(mutated([b"x"], 0, seed=1)) == []


def test_same_seed_makes_the_same_mutants() -> None:
    """A mutant that did harm can be made again from its number and seed."""
    photos = [random.Random(5).randbytes(300), b"II*\0", b"x"]
    first = list(mutated(photos, 200, seed=7))
    assert first == list(mutated(photos, 200, seed=7))
    assert first != list(mutated(photos, 200, seed=8))
    assert len({data for _, data in first}) > 100


@pytest.mark.slow
def test_mutants_do_no_harm() -> None:
    """Each is a result or one sentence: no crash, no hang, and memory stays."""
    found = read_all(COUNT, seed=3)
    assert found.wrong == []
    assert found.answers.total() == COUNT
    # Otherwise the mutants would be too broken, or not broken enough, to show anything.
    assert 0 < found.answers["read"] < COUNT
    assert seeds()
