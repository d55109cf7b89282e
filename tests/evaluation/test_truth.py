"""Tables of labels and boxes that a visitor uploads."""

from __future__ import annotations

import pytest

from facecore.evaluation import truth
from facecore.evaluation.truth import read_truth


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


def test_rows_find_their_photos_by_the_end_of_the_path() -> None:
    """A ZIP file's and a folder's names are in front of either; what is ambiguous is left out."""
    table = b"file,gender\na.jpg,m\ntrain/b.jpg,f\nc.jpg,m\nx/c.jpg,f\nd.jpg,m\nnone.jpg,f\n"
    known = read_truth([("labels.csv", table)])
    names = ["s.zip/faces/a.jpg", "b.jpg", "s.zip/x/c.jpg", "c.jpg", "1/d.jpg", "2/d.jpg"]
    found = known.of_photos(names)
    assert {name: label.gender for name, label in found.labels.items()} == {
        "s.zip/faces/a.jpg": "Male",
        "b.jpg": "Female",
        "c.jpg": "Male",
        "s.zip/x/c.jpg": "Female",
    }
    assert [label.file for label in found.labels.values()] == list(found.labels)
    assert found.problems == [
        "'d.jpg' could be any of 2 photos, so it is left out: name its folder in the table as well."
    ]
    assert read_truth([]).of_photos(names).files == set()


def test_a_photo_that_two_rows_could_be_of_has_none() -> None:
    """Where a row names the photo just so, that counts; labels and boxes each have their own."""
    labels = b"file,gender\na.jpg,f\nx\\a.jpg,m\nx/b.jpg,m\ny/b.jpg,f\n"
    boxes = b"file,x1,y1,x2,y2\nx/a.jpg,1,2,3,4\n"
    found = read_truth([("l.csv", labels), ("b.csv", boxes)]).of_photos(["a.jpg", "b.jpg"])
    assert {name: label.gender for name, label in found.labels.items()} == {"a.jpg": "Female"}
    assert found.boxes == {"a.jpg": ((1.0, 2.0, 3.0, 4.0),)}
    assert found.problems == [
        "2 rows could be of 'b.jpg', so they are left out: name it as the table does."
    ]
