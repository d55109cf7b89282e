"""Names that can be told apart."""

from __future__ import annotations

import os

import pytest

from facecore.sources.names import printable, unique_names, valid_text


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


def test_names_that_are_no_text_stay_apart() -> None:
    """Each byte that is no UTF-8 has an escape of its own; what is text stays as it is."""
    first, second = (os.fsdecode(name) for name in (b"\xff\xfe.jpg", b"\xff\xfd.jpg"))
    assert valid_text(first) == r"\xff\xfe.jpg"
    assert valid_text(second) == r"\xff\xfd.jpg"
    assert valid_text("a\ud800.jpg") == r"a\ud800.jpg"
    assert valid_text("é 照片.jpg") == "é 照片.jpg"
    assert printable(first) == r"\xff\xfe.jpg"
