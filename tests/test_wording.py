"""Small pieces of sentences."""

from __future__ import annotations

import pytest

from facecore.wording import aligned, clock, counted, data_size, left_in_words, time_left_s


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


def test_nothing_is_known_before_the_first_photo() -> None:
    """Without a photo done there is no pace."""
    assert time_left_s(0, 10, 5.0) is None


@pytest.mark.parametrize(("done", "left_s"), [(1, 27.0), (5, 3.0), (10, 0.0)])
def test_the_pace_so_far_goes_on(done: int, left_s: float) -> None:
    """What is left takes as long per photo as what is done."""
    assert time_left_s(done, 10, 3.0) == pytest.approx(left_s)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0:00:00"),
        (59.6, "0:01:00"),
        (83, "0:01:23"),
        (3599.4, "0:59:59"),
        (90_061, "25:01:01"),
    ],
)
def test_seconds_are_written_as_a_clock(seconds: float, text: str) -> None:
    """Hours, minutes and seconds, rounded to whole seconds."""
    assert clock(seconds) == text


def test_what_is_left_continues_a_sentence() -> None:
    """Nothing is said where nothing is known yet."""
    assert left_in_words(None) == ""
    assert left_in_words(3723.4) == ", about 1:02:03 left"
