"""Small pieces of sentences."""

from __future__ import annotations

import pytest

from facecore.wording import counted


@pytest.mark.parametrize(
    ("n", "expected"), [(0, "0 photos"), (1, "1 photo"), (2, "2 photos"), (100, "100 photos")]
)
def test_one_is_singular(n: int, expected: str) -> None:
    """Only one is a single one."""
    assert counted(n, "photo") == expected
