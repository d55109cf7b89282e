"""Tables of labels and boxes that a visitor uploads."""

from __future__ import annotations

import pytest

from facecore.ui.tune import truth
from facecore.ui.tune.truth import read_truth


def test_no_table_tells_nothing() -> None:
    """Without tables there is nothing known and nothing wrong."""
    known = read_truth([])
    assert (known.tables, known.labels, known.boxes, known.problems) == ([], {}, {}, [])


def test_tables_are_told_apart_by_their_columns() -> None:
    """A file name that looks like a column does not make a table of labels one of boxes."""
    known = read_truth(
        [
            ("labels.csv", b"file,age,gender\nx1.jpg,30,f\n"),
            ("boxes.csv", b"\nfile, X1, Y1, X2, Y2\na.jpg,1,2,3,4\n"),
        ]
    )
    assert list(known.labels) == ["x1.jpg"]
    assert known.boxes == {"a.jpg": ((1.0, 2.0, 3.0, 4.0),)}
    assert known.problems == []


def test_a_huge_table_is_named_and_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the table that is too large is lost."""
    monkeypatch.setattr(truth, "MAX_TABLE_BYTES", 40)
    known = read_truth([("big.csv", b"x" * 41), ("ok.csv", b"file,gender\na.jpg,m\n")])
    assert known.problems == ["big.csv is larger than 5 MB, so it is left out."]
    assert list(known.labels) == ["a.jpg"]
