"""Names that can be told apart."""

from __future__ import annotations

import pytest

from facecore.sources.names import unique_names


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], []),
        (["a.jpg", "b.jpg"], ["a.jpg", "b.jpg"]),
        (["a.jpg"] * 3, ["a.jpg", "a.jpg (2)", "a.jpg (3)"]),
        (["a.jpg", "a.jpg (2)", "a.jpg"], ["a.jpg", "a.jpg (2)", "a.jpg (3)"]),
        (["a.jpg", "a.jpg", "a.jpg (2)"], ["a.jpg", "a.jpg (2)", "a.jpg (2) (2)"]),
        (["", "A.jpg", "a.jpg", ""], ["", "A.jpg", "a.jpg", " (2)"]),
    ],
)
def test_names_that_occur_again_are_numbered(names: list[str], expected: list[str]) -> None:
    """Each name is there once, the first of its kind as it was given."""
    assert unique_names(names) == expected
