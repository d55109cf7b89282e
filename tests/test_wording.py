"""Small pieces of sentences."""

from __future__ import annotations

import pytest

from facecore.wording import aligned, counted, data_size


@pytest.mark.parametrize(
    ("n", "expected"), [(0, "0 photos"), (1, "1 photo"), (2, "2 photos"), (100, "100 photos")]
)
def test_one_is_singular(n: int, expected: str) -> None:
    """Only one is a single one."""
    assert counted(n, "photo") == expected


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, "0.0 MB"), (5_000_000, "5.0 MB"), (500_000_000, "0.5 GB"), (20_000_000_000, "20.0 GB")],
)
def test_sizes_are_in_powers_of_ten(count: int, expected: str) -> None:
    """Small ones are in MB, large ones in GB."""
    assert data_size(count) == expected


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    """Text is flush left, numbers are flush right, and no line ends in spaces."""
    rows = [("name", "n", "unit"), ("a", "100", ""), ("longer", "7", "ms")]
    assert aligned(rows, right=(1,)) == ["name      n  unit", "a       100", "longer    7  ms"]


def test_no_rows_are_no_lines() -> None:
    """A table without rows has no lines."""
    assert aligned([]) == []
