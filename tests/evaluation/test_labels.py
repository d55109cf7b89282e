"""Tables of people and of boxes: what is read, and what is said of the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from facecore.evaluation.labels import (
    BoxXyxy,
    PersonLabel,
    decode_table,
    parse_age,
    read_boxes,
    read_labels,
)
from facecore.results import AGE_GROUPS


@pytest.mark.parametrize("text", ["", "\n\n", "\ufeff", ",,,\n"])
def test_empty_tables_say_what_they_need(text: str) -> None:
    """A table without a heading gives nothing but one sentence with the columns."""
    labels, problems = read_labels(text)
    assert labels == {}
    assert problems == [
        "The table of labels needs a first row that names its columns: "
        "file and age or age_range or gender."
    ]
    boxes, problems = read_boxes(text)
    assert boxes == {}
    assert problems == [
        "The table of boxes needs a first row that names its columns: file, x1, x2, y1, y2."
    ]


def test_tables_with_a_heading_only_are_empty() -> None:
    """No row is no problem."""
    assert read_labels("file,gender\n") == ({}, [])
    assert read_boxes("file,x1,y1,x2,y2\r\n\r\n") == ({}, [])


@pytest.mark.parametrize(
    "heading",
    ["file", "age,gender", "photo,age", "fairface_0019.jpg,0-2,Female", "file,race"],
)
def test_labels_without_their_columns_are_refused(heading: str) -> None:
    """File and at least one label are needed, and a row is not mistaken for a heading."""
    labels, problems = read_labels(f"{heading}\na.jpg,30,m\n")
    assert labels == {}
    assert len(problems) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", (0.0, None)),
        (" 31 ", (31.0, None)),
        ("2.5", (2.5, None)),
        ("120", (120.0, None)),
        ("0-2", (1.0, "0-2")),
        ("30-39", (34.5, "30-39")),
        ("30 – 39", (34.5, "30-39")),
        ("30 to 39", (34.5, "30-39")),
        ("(25, 32)", (28.5, "25-32")),
        ("(60-100)", (80.0, "60-100")),
        ("7-7", (7.0, "7-7")),
        ("70+", (75.0, "70+")),
        ("70 +", (75.0, "70+")),
        ("more than 70", (75.0, "70+")),
        ("More  Than 70", (75.0, "70+")),
        (">70", (75.0, "70+")),
    ],
)
def test_ages_and_ranges(text: str, expected: tuple[float, str | None]) -> None:
    """Years stay, a range has its middle, an open one five years above its start."""
    assert parse_age(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "old", "-3", "121", "39-30", "100-130", "119+", "nan", "inf", "1e1", "0x10", "3 9"),
        *("30-39-49", "31,5", "5,31", "2001-03-09", "+70", "٣-abc", "9" * 5000),
    ],
)
def test_what_is_no_age(text: str) -> None:
    """Anything else is none, and never an exception."""
    assert parse_age(text) is None


@pytest.mark.parametrize("group", AGE_GROUPS)
def test_the_networks_own_groups_are_ranges(group: str) -> None:
    """A table may use the names of the age groups."""
    assert parse_age(group) is not None


@pytest.mark.parametrize(
    "text",
    [
        "file,age,gender\na.jpg,31,Male\n",
        "\ufefffile,age,gender\r\na.jpg,31,Male\r\n",
        " File , AGE,Gender \n a.jpg , 31 , male \n",
        "gender,race,age,file\nm,Black,31,a.jpg",
        "file,age_range,gender,age\na.jpg,,M,31\n",
        "file;age;gender\na.jpg;31;MALE\n",
        "file\tage\tgender\na.jpg\t31\tm\n",
        '"file","age","gender"\n"a.jpg", "31","m"\n',
        "\n\nfile,age,gender\n\n,,\na.jpg,31,m,,what else,there is\n\n",
        "file,age,gender\ra.jpg,31,m",
    ],
)
def test_one_label_in_many_spellings(text: str) -> None:
    """Order, case, spaces, marks, separators and line ends make no difference."""
    assert read_labels(text) == ({"a.jpg": PersonLabel("a.jpg", 31.0, "Male", None)}, [])


def test_ranges_may_stand_in_either_column() -> None:
    """A range is found in age too; years beside a range count, and the range is kept."""
    labels, problems = read_labels(
        "file,age,Age Range,gender\na.jpg,30-39,,f\nb.jpg,,70+,F\nc.jpg,31,30-39,female\n"
    )
    assert list(labels.values()) == [
        PersonLabel("a.jpg", 34.5, "Female", "30-39"),
        PersonLabel("b.jpg", 75.0, "Female", "70+"),
        PersonLabel("c.jpg", 31.0, "Female", "30-39"),
    ]
    assert problems == []


def test_short_rows_have_no_label_for_what_is_missing() -> None:
    """Each part may be missing, and that alone is no problem."""
    labels, problems = read_labels("file,age,gender\na.jpg\nb.jpg,31\nc.jpg,,m\n")
    assert labels == {
        "a.jpg": PersonLabel("a.jpg"),
        "b.jpg": PersonLabel("b.jpg", age_years=31.0),
        "c.jpg": PersonLabel("c.jpg", gender="Male"),
    }
    assert problems == []


def test_bad_rows_and_cells_cost_only_themselves() -> None:
    """Each is named with its row in one sentence; the good part of a row stays."""
    labels, problems = read_labels(
        "file,age,age_range,gender\n"
        "a.jpg,old,30-39,m\n"
        "b.jpg,31,,unknown\n"
        ",31,,m\n"
        '"c.jpg,31,,m\n'
        "\n"
        "d.jpg,32,,f\n"
        "d.jpg,99,,m\n"
    )
    assert labels == {
        "a.jpg": PersonLabel("a.jpg", 34.5, "Male", "30-39"),
        "b.jpg": PersonLabel("b.jpg", 31.0),
        "d.jpg": PersonLabel("d.jpg", 32.0, "Female"),
    }
    assert problems == [
        "Row 2 of the labels ('a.jpg'): 'old' is neither an age from 0 to 120 nor a range "
        "such as 30-39 or 70+, so it is left out.",
        "Row 3 of the labels ('b.jpg'): the gender 'unknown' is neither Male nor Female, "
        "so it is left out.",
        "Row 4 of the labels names no file, so it is left out.",
        "Row 5 of the labels has a quotation mark out of place.",
        "Row 8 of the labels ('d.jpg'): the file has a label already, so this row is left out.",
    ]


def test_sentences_stay_short_and_on_one_line() -> None:
    """Whatever stands in a cell, it does not flood or break the sentence."""
    _, problems = read_labels(f"file,age\n{'n' * 5000}\x1b[31m.jpg,{'x' * 5000}\v\n")
    (sentence,) = problems
    assert len(sentence) < 300
    assert sentence.isprintable()


def test_cells_beyond_the_readers_limit_cost_their_row() -> None:
    """A cell of a megabyte is one bad row."""
    labels, problems = read_labels(f"file,age\n{'x' * 10**6},3\nb.jpg,4\n")
    assert list(labels) == ["b.jpg"]
    assert len(problems) == 1


@pytest.mark.parametrize(
    ("age", "gender"), [(-1.0, None), (121.0, None), (float("nan"), None), (None, "male")]
)
def test_labels_check_themselves(age: float | None, gender: str | None) -> None:
    """A label made in code has the same ranges as one that is read."""
    with pytest.raises(ValueError, match="not"):
        PersonLabel("a.jpg", age, gender)


def test_boxes_are_gathered_by_file() -> None:
    """Rows of a file may stand apart; numbers may have fractions and lie outside the photo."""
    boxes, problems = read_boxes(
        "X1, y1 ,x2,Y2,FILE,note\n1,2,3,4,a.jpg,left\n0,0,5.5,6.25,b.jpg\n-7,1e1,8,20,a.jpg\n"
    )
    assert boxes == {
        "a.jpg": ((1.0, 2.0, 3.0, 4.0), (-7.0, 10.0, 8.0, 20.0)),
        "b.jpg": ((0.0, 0.0, 5.5, 6.25),),
    }
    assert problems == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a.jpg,,,,\n", {"a.jpg": ()}, id="no face"),
        pytest.param("a.jpg\n", {"a.jpg": ()}, id="no face, short row"),
        pytest.param("a.jpg, , ,,\n", {"a.jpg": ()}, id="no face, spaces"),
        pytest.param("a.jpg\na.jpg,1,2,3,4\n", {"a.jpg": ((1, 2, 3, 4),)}, id="a face after all"),
        pytest.param("a.jpg,1,2,3,4\na.jpg\n", {"a.jpg": ((1, 2, 3, 4),)}, id="the face stays"),
    ],
)
def test_files_without_a_face(text: str, expected: dict[str, tuple[BoxXyxy, ...]]) -> None:
    """A row without numbers says that the photo is known and has no face."""
    assert read_boxes(f"file,x1,y1,x2,y2\n{text}") == (expected, [])


@pytest.mark.parametrize(
    "row",
    ["1,2,3", "1,2,,4", "1,2,x,4", "1,2,nan,4", "1,2,inf,4", "3,2,1,4", "1,2,1,4", "1,4,3,2"],
)
def test_bad_boxes_cost_only_their_row(row: str) -> None:
    """A box that cannot be is named, and its file, if it has no other, is not one without faces."""
    boxes, problems = read_boxes(f"file,x1,y1,x2,y2\na.jpg,{row}\nb.jpg,{row}\nb.jpg,1,2,3,4\n")
    assert boxes == {"b.jpg": ((1.0, 2.0, 3.0, 4.0),)}
    assert [problem.split(":")[0] for problem in problems] == [
        "Row 2 of the boxes ('a.jpg')",
        "Row 3 of the boxes ('b.jpg')",
    ]


def test_a_box_twice_is_one_face() -> None:
    """The second of two equal rows could never be found, so it is left out and named."""
    boxes, problems = read_boxes("file,x1,y1,x2,y2\na.jpg,1,2,3,4\na.jpg,1.0,2,3,4\n")
    assert boxes == {"a.jpg": ((1.0, 2.0, 3.0, 4.0),)}
    assert len(problems) == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_tables_are_read_in_the_encodings_of_spreadsheets(encoding: str) -> None:
    """Letters beyond ASCII survive, whichever program wrote the table."""
    text = "file,gender\nélève.jpg,f\n"
    assert list(read_labels(decode_table(text.encode(encoding)))[0]) == ["élève.jpg"]


@pytest.mark.parametrize("data", [b"", b"\xff\xfea", b"\x00\x01\x81\x8d", bytes(range(256)) * 9])
def test_no_bytes_break_the_readers(data: bytes) -> None:
    """What is no table at all gives no rows and a sentence, never an exception."""
    text = decode_table(data)
    for rows, problems in (read_labels(text), read_boxes(text)):
        assert len(rows) == 0
        assert len(problems) == 1


def test_the_tables_beside_the_repository_are_read_whole(shared_data: Path) -> None:
    """Every row of both tables is taken, without a word."""
    labels, problems = read_labels((shared_data / "fairface" / "labels.csv").read_text("utf-8"))
    assert (len(labels), problems) == (270, [])
    assert labels["fairface_0019.jpg"] == PersonLabel("fairface_0019.jpg", 1.0, "Female", "0-2")
    boxes, problems = read_boxes((shared_data / "groups" / "boxes.csv").read_text("utf-8"))
    assert (len(boxes), sum(map(len, boxes.values())), problems) == (9, 43, [])
